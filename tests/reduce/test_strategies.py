"""What each way of making a graph smaller finds, by itself."""

from typing import Any

import pytest

from nnvm import ops
from nnvm.ir import (
    ABSENT,
    Graph,
    Node,
    Value,
    constant,
    f16,
    f32,
    i64,
    named_input,
    operators,
    tensor_data,
    trace,
    uses,
    variable,
)  # fmt: skip
from nnvm.reduce import STRATEGIES, Search, strategies
from nnvm.reduce.search import Strategy


def shrunk(graph: Graph, strategy: Strategy, interesting: Any = lambda _: True) -> Graph:
    search = Search(graph, interesting)
    strategy(search)
    return search.graph


def ints(*elements: int) -> Value:
    return constant(data=tensor_data(elements, i64[len(elements)]))


def has(*wanted: Any) -> Any:
    return lambda graph: set(wanted) <= {node.op for node in graph.nodes}


def names_of(graph: Graph) -> list[str]:
    return [node.op.name for node in operators(graph)]


def test_all_are_run():
    assert {each.__name__ for each in STRATEGIES} | {"STRATEGIES"} == set(strategies.__all__)


def test_open_dimensions_get_small_numbers_together_or_alone():
    graph = trace(lambda x, y: ops.neg(x) @ y, x=f32["n", "k"], y=f32["k", 4])
    assert [value.type for value in shrunk(graph, strategies.dims).inputs] == [f32[2, 2], f32[2, 4]]
    kept = shrunk(graph, strategies.dims, lambda each: "'n'" in str(each))
    assert [value.type for value in kept.inputs] == [f32["n", 2], f32[2, 4]]
    seven = shrunk(graph, strategies.dims, lambda each: "8" in str(each.inputs[0].type))
    assert seven.inputs[0].type is f32[8, 8]


@pytest.mark.parametrize("wanted", [{0}, {7}, {1, 6}, {0, 3, 7}])
def test_outputs_that_are_not_needed_go(wanted):
    x = named_input("x", f32[3])
    graph = Graph([ops.mul(x, float(i)) for i in range(8)], [x], output_names=[f"y{i}" for i in range(8)])
    found = shrunk(graph, strategies.outputs, lambda each: {f"y{i}" for i in wanted} <= set(each.output_names))
    assert set(found.output_names) == {f"y{i}" for i in wanted}


def test_a_stretch_of_a_long_graph_is_found_in_few_tests():
    def chain(x: Any) -> Any:
        for i in range(1_000):
            x = ops.neg(ops.exp(x)) if i == 637 else ops.relu(x)
        return x

    search = Search(trace(chain, x=f32[3]), has(ops.exp, ops.neg))
    strategies.windows(search)
    assert names_of(search.graph) == ["exp", "neg"]
    assert search.tests < 60


def test_nodes_far_apart_are_kept_and_those_between_are_not():
    def far(x: Any) -> Any:
        x = ops.exp(x)
        for _ in range(50):
            x = ops.relu(x)
        return ops.neg(x)

    found = shrunk(trace(far, x=f32[3]), strategies.nodes, has(ops.exp, ops.neg))
    assert sorted(names_of(found)) == ["exp", "neg"]


def test_a_way_through_is_kept_by_going_around_its_nodes():
    def joined(graph: Graph) -> bool:
        return any(node.op is ops.neg and node.inputs[0].node.op is ops.exp for node in graph.nodes)

    def net(x: Any) -> Any:
        x = ops.exp(x)
        for _ in range(9):
            x = ops.relu(x) * 2.0
        return ops.neg(x)

    def connected(graph: Graph) -> bool:
        wanted = [node for node in graph.nodes if node.op is ops.neg]
        return bool(wanted) and ops.exp in {node.op for node in Graph(wanted[0].outputs).nodes}

    graph = trace(net, x=f32[3])
    found = shrunk(graph, strategies.bypass, connected)
    assert names_of(found) == ["exp", "neg"]
    assert joined(found)


def test_what_nodes_compute_becomes_zeros_or_ones():
    graph = trace(lambda x, y: ops.gather(x, ops.cast(ops.argmax(y), to=i64)), x=f32[3, 2], y=f32[3])
    found = shrunk(graph, strategies.constants, has(ops.gather))
    assert names_of(found) == ["gather"]

    def without_zeros(graph: Graph) -> bool:
        return has(ops.sqrt)(graph) and all(n.params["data"].uniform != 0 for n in graph.nodes if n.op is constant)

    ones = shrunk(trace(lambda x: ops.sqrt(ops.exp(x)), x=f32[2]), strategies.constants, without_zeros)
    assert names_of(ones) == ["sqrt"]
    both = trace(lambda x: ops.add_n(*ops.split(x, parts=2)), x=f32[4])
    assert names_of(shrunk(both, strategies.constants, has(ops.add_n))) == ["add_n"]


def test_inputs_that_nobody_reads_go_and_one_stands_for_others():
    graph = trace(lambda x, y, z, w: (x + y) * ops.cast(z, to=f32), x=f32[3], y=f32[3], z=f16[3], w=f32[9])
    found = shrunk(graph, strategies.inputs)
    assert [value.name for value in found.inputs] == ["x", "z"]
    kept = shrunk(graph, strategies.inputs, lambda each: "y" in [value.name for value in each.inputs])
    assert [value.name for value in kept.inputs] == ["x", "y", "z"]


def test_equal_constants_become_one():
    graph = trace(lambda x: x * 2.0 + ops.exp(x * 2.0) * 3.0, x=f32[3])
    assert sum(node.op is constant for node in graph.nodes) == 3
    assert sum(node.op is constant for node in shrunk(graph, strategies.inputs).nodes) == 2


def test_hints_and_control_edges_go():
    x = named_input("x", f32[3])
    first, second = ops.exp(x, hints={"a": 1}), ops.tanh(x)
    late = ops.neg(x, after=(first.node, second.node), hints={"b": 2})
    graph = Graph([late, first], [x], hints={"c": 3})
    found = shrunk(graph, strategies.hints)
    assert (found.hints, [node.hints for node in found.nodes if node.hints]) == ({}, [])
    kept = shrunk(graph, strategies.hints, lambda each: any("b" in node.hints for node in each.nodes))
    assert [dict(node.hints) for node in kept.nodes if node.hints] == [{"b": 2}]
    free = shrunk(graph, strategies.order)
    assert [node.after for node in free.nodes if node.after] == []
    one = shrunk(graph, strategies.order, lambda each: any(node.after for node in each.nodes))
    assert sum(len(node.after) for node in one.nodes) == 1


def test_optional_inputs_go_and_so_do_some_of_many():
    x = named_input("x", f32[3])
    low, high = (constant(data=tensor_data(each, f32[()])) for each in (0.0, 1.0))
    graph = Graph([ops.clip(x, low, high)], [x])
    assert shrunk(graph, strategies.optional).outputs[0].node.inputs == (x,)

    def bounded(each: Graph) -> bool:
        return len(each.outputs[0].node.inputs) == 3

    assert shrunk(graph, strategies.optional, bounded).outputs[0].node.inputs[1] is ABSENT
    many = Graph([ops.relu(ops.concat(*[ops.mul(x, float(i)) for i in range(5)], axis=0))], [x])
    found = shrunk(many, strategies.optional)
    assert found.outputs[0].type is f32[3]
    assert len(found.outputs[0].node.inputs[0].node.inputs) == 1


def test_params_become_what_they_are_by_default():
    graph = trace(lambda x: ops.transpose(ops.leaky_relu(x, alpha=0.5), perm=(0, 1)), x=f32[3, 3])
    found = shrunk(graph, strategies.defaults)
    assert [dict(node.params) for node in operators(found)] == [
        {name: each.defaults[name] for name in each.param_names} for each in (ops.leaky_relu, ops.transpose)
    ]
    kept = shrunk(graph, strategies.defaults, lambda each: any(n.params.get("alpha") == 0.5 for n in each.nodes))
    assert [node.params.get("perm") for node in operators(kept)] == [None, ()]


def test_sizes_shrink_together_with_what_goes_with_them():
    def net(x: Any) -> Any:
        weight = constant(data=tensor_data([float(i) for i in range(48)], f32[8, 6]))
        return ops.reshape(ops.matmul(x, weight), ints(1, -1, 6))

    found = shrunk(trace(net, x=f32[5, 8]), strategies.sizes)
    assert found.inputs[0].type is f32[1, 1]
    assert found.outputs[0].type is f32[1]  # the target of the reshape became a shorter one

    def at_least_two(graph: Graph) -> bool:
        return int(str(graph.inputs[0].shape[1])) >= 2

    assert shrunk(trace(net, x=f32[5, 8]), strategies.sizes, at_least_two).inputs[0].type is f32[1, 2]


def test_open_axes_and_states_shrink_too():
    state = variable(init=tensor_data([1.0, 2.0, 3.0], f32[3]), name="s")
    graph = Graph([named_input("x", f32["n", 3]) + state])
    found = shrunk(graph, strategies.sizes)
    assert found.inputs[0].type is f32[1, 1]
    assert next(node for node in found.nodes if node.op is variable).params["init"].values() == (1.0,)


def test_constants_become_even():
    def read(graph: Graph) -> list[Any]:
        return [node.params["data"].values() for node in graph.nodes if node.op is constant]

    graph = trace(lambda x: x * constant(data=tensor_data([3.0, 4.0], f32[2])), x=f32[2])
    assert read(shrunk(graph, strategies.uniform)) == [(1.0, 1.0)]
    zero = shrunk(graph, strategies.uniform, lambda each: read(each)[0][0] != 1)
    assert read(zero) == [(0.0, 0.0)]
    own = shrunk(graph, strategies.uniform, lambda each: read(each)[0][0] == 3)
    assert read(own) == [(3.0, 3.0)]


def test_names_become_short():
    state = variable(init=tensor_data(1.0, f32[2]), name="long_state")
    x = named_input("a_long_name", f32[2])
    graph = Graph([ops.relu(x + state, name="activation")], [x], output_names=["result"], name="network")
    found = shrunk(graph, strategies.names)
    assert (found.name, found.output_names) == ("main", ("y0",))
    assert sorted(str(node.name) for node in found.nodes) == ["None", "None", "v1", "x0"]
    assert uses(found)[found.inputs[0]] == 1


def test_carried_operators_are_cut_like_others():
    from nnvm.ir import EMPTY, foreign

    x = named_input("x", f32[3])
    odd = Node(foreign("Odd", "here"), (ops.exp(x),), EMPTY, (f32[3],), "odd")
    graph = Graph([ops.neg(odd.outputs[0])], [x])
    for strategy in STRATEGIES:
        shrunk(graph, strategy, has(odd.op))
    assert names_of(shrunk(graph, strategies.nodes, has(odd.op))) == ["Odd"]
