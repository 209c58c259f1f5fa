"""What is asked of the search for an order: the steps, their tensors, and the way back to nodes."""

from itertools import permutations

from tests.compile.nets import branchy_graph, weights

from nnvm import ops
from nnvm.analyses.ordering import order, order_bound, peak
from nnvm.analyses.schedule import check_order, depth_first
from nnvm.compile.lower import lower
from nnvm.compile.ordering import question
from nnvm.compile.plan import Arena
from nnvm.ir import Value, f32, hints, trace
from nnvm.passes import set_dims
from nnvm.pipeline import backend, compile

NUMPY = backend("numpy")


def asked(graph, *, relaxed=False, accumulate=False, io="external"):
    lowered = lower(graph, depth_first(graph), NUMPY, accumulate=accumulate, io=io)
    return question(lowered, Arena(lowered, {}, 64), {}, relaxed=relaxed)


def wide(x):
    """Make two long branches in turns, so that the given order holds both."""
    branches = [ops.transpose(ops.tanh(x)) for _ in range(4)]
    return ops.reduce_sum(sum(ops.reduce_sum(each, (0,)) for each in branches[1:]) + ops.reduce_sum(branches[0], (0,)))


def test_the_problem_holds_what_the_plan_holds():
    graph = trace(wide, x=f32[16, 16])
    found = asked(graph)
    plan = compile(graph, order=depth_first(graph), accumulate=False).program.meta["plan"]
    assert peak(found.problem, range(len(found.problem))) == plan["packing_bound_bytes"]


def test_an_order_of_steps_is_an_order_of_all_nodes():
    graph = set_dims(branchy_graph(), {"n": 1, "h": 16, "w": 16})
    for accumulate in (False, True):
        for io in ("external", "arena"):
            found = asked(graph, accumulate=accumulate, io=io)
            nodes = found.order(order(found.problem, effort=1000).order)
            assert check_order(graph, nodes) == nodes
            assert set(nodes) == set(depth_first(graph))


def test_the_relaxed_bound_is_below_every_plan():
    def net(x):
        a, b = ops.split(ops.tanh(ops.transpose(x)), axis=0, parts=2)
        c = ops.conv(ops.reshape(b, (1, 4, 4, 4)), weights(4, 4, 1, 1))
        return ops.reduce_sum(ops.concat(ops.exp(a), ops.reshape(c, (8, 8)), axis=0))

    graph = trace(net, x=f32[8, 16])
    bound = order_bound(asked(graph, relaxed=True).problem)
    for share in (False, True):
        assert 0 < bound <= compile(graph, share=share).program.meta["plan"]["peak_bytes"]


def test_the_relaxed_bound_lets_a_part_lie_in_the_whole_while_others_read_it():
    def net(x, y):
        return x * y, ops.reshape(y, (-1, 16)), ops.concat(x, y, x, axis=0)

    graph = trace(net, x=f32[16, 16], y=f32[16, 16])
    bound = order(asked(graph, relaxed=True, io="arena").problem).bound
    nodes = depth_first(graph)
    heights = [
        compile(graph, order=turn, io="arena").program.meta["plan"]["peak_bytes"] for turn in permutations(nodes)
    ]
    assert 3 * 1024 <= bound <= min(heights) == 4096


def test_control_edges_are_kept():
    def net(x):
        first = ops.tanh(x)
        with hints(note="later"):
            later = ops.exp(x)
        return ops.reduce_sum(later) + ops.reduce_sum(first)

    graph = trace(net, x=f32[64])
    lowered = lower(graph, depth_first(graph), NUMPY)
    found = question(lowered, Arena(lowered, {}, 64), {}, relaxed=False)
    places = {each.op.name: i for i, each in enumerate(found.nodes)}
    assert found.problem.before[places["add"]]  # whatever lies outside the arena orders steps too


def test_a_join_with_a_part_of_no_elements_compiles() -> None:
    def main(x: f32[1, 16]) -> Value:
        whole = ops.tanh(x)
        return ops.exp(ops.concat(*ops.split(whole, axis=0, parts=2), ops.relu(whole), axis=0))

    plans = [compile(trace(main), io=io).program.meta["plan"] for io in ("external", "arena")]
    assert [plan["peak_bytes"] for plan in plans] == [192, 192]
    assert all(plan["order_bound_bytes"] <= 192 for plan in plans)
