"""Groups of nodes come to devices."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.laws.interpret import MEANINGS, array, compute

from nnvm import ops
from nnvm.errors import Error
from nnvm.ir import Graph, Node, TensorType, Value, f32, named_input, op, same, tensor_data, variable, verify
from nnvm.passes import cse, order_mutations, place_devices
from nnvm.passes.place_devices import backward

DEVICES = {"a": "gpu0", "b": "gpu1"}
MEANINGS.setdefault(variable, lambda type, init: array(init))
MEANINGS.setdefault(ops.assign, lambda x, y: y)
MEANINGS.setdefault(ops.copy, lambda x, device: x)


@op
def tanh_grad(y: Value, dy: Value) -> TensorType:
    """Return the gradient of tanh."""
    return y.tensor


backward[tanh_grad] = True


def group(name: str) -> Any:
    return {"hints": {"group": name}}


def places(graph: Graph) -> dict[str, Any]:
    return {str(node.name): node.hints["device"] for node in graph.nodes}


def named(graph: Graph) -> dict[str | None, Node]:
    return {node.name: node for node in graph.nodes}


def x_and(type: TensorType = f32[2]) -> Value:
    return named_input("x", type)


def test_the_group_decides_and_what_crosses_is_copied() -> None:
    x = x_and()
    first = ops.tanh(x, name="first", **group("a"))
    second = ops.exp(first, name="second", **group("b"))
    graph = Graph([second], [x])
    made = verify(place_devices(graph, devices=DEVICES))
    assert places(made) == {"x": "gpu0", "first": "gpu0", "first_0_copy": "gpu1", "second": "gpu1"}
    copy = named(made)["first_0_copy"]
    assert (copy.op, dict(copy.params), copy.types) == (ops.copy, {"device": "gpu1"}, (f32[2],))
    assert named(made)["second"].inputs == copy.outputs
    assert dict(named(made)["second"].hints) == {"group": "b", "device": "gpu1"}
    assert made.output_names == graph.output_names
    assert not any("device" in node.hints for node in graph.nodes)


def test_devices_flow_forward_along_the_first_placed_input() -> None:
    x, y = x_and(), named_input("y", f32[2])
    a, b = ops.tanh(x, name="a", **group("a")), ops.tanh(y, name="b", **group("b"))
    free = ops.exp(named_input("z", f32[2]), name="free")
    c = ops.add_n(free, b, a, name="c")
    d = ops.exp(c, name="d")
    made = place_devices(Graph([d]), devices=DEVICES)
    found = places(made)
    assert (found["c"], found["d"], found["free"], found["z"]) == ("gpu1", "gpu1", "gpu1", "gpu1")
    assert found["a_0_copy"] == "gpu1"


def test_then_back_to_what_the_placed_read() -> None:
    x = x_and()
    far = ops.exp(x, name="far")
    near = ops.exp(far, name="near")
    last = ops.tanh(near, name="last", **group("b"))
    side = ops.neg(x, name="side")
    made = place_devices(Graph([last, side], [x]), devices=DEVICES)
    expected = {"x": "gpu1", "far": "gpu1", "near": "gpu1", "last": "gpu1", "side": "gpu0", "x_0_copy": "gpu0"}
    assert places(made) == expected


def test_of_two_consumers_the_last_takes_an_input_along() -> None:
    """NNVM's sweep goes back from the last node, and the first that it meets decides."""
    x = x_and()
    made = place_devices(
        Graph([ops.tanh(x, name="a", **group("a")), ops.exp(x, name="b", **group("b"))], [x]), devices=DEVICES
    )
    assert places(made) == {"x": "gpu1", "x_0_copy": "gpu0", "a": "gpu0", "b": "gpu1"}


def test_a_gradient_runs_where_its_forward_node_runs() -> None:
    x, dy = x_and(), named_input("dy", f32[2])
    y = ops.tanh(x, name="y", **group("a"))
    z = ops.exp(dy, name="z", **group("b"))
    by_control = tanh_grad(z, dy, name="by_control", after=(y.node,))
    by_input = ops.mul(z, dy, name="by_input", after=(y.node,))
    lost = ops.neg(named_input("w", f32[2]), name="lost")
    unplaced = tanh_grad(z, dy, name="unplaced", after=(lost.node,))
    made = places(place_devices(Graph([by_control, by_input, unplaced]), devices=DEVICES, default="cpu"))
    assert (made["by_control"], made["by_input"], made["unplaced"]) == ("gpu0", "gpu1", "gpu1")
    assert (made["lost"], made["w"]) == ("cpu", "cpu")


def test_the_rest_runs_on_the_default() -> None:
    graph = Graph([ops.tanh(x_and(), name="t")])
    assert places(place_devices(graph, devices=DEVICES)) == {"x": "gpu0", "t": "gpu0"}
    assert places(place_devices(graph, devices=DEVICES, default="cpu")) == {"x": "cpu", "t": "cpu"}
    assert places(place_devices(graph, devices={}, default=0)) == {"x": 0, "t": 0}


def test_one_copy_for_each_value_and_destination() -> None:
    x = x_and(f32[4])
    halves = ops.split(x, axis=0, parts=2, name="halves", **group("a"))
    readers = [
        build(each, name=f"{build.name}{i}{place}", **group(place))
        for place in "bc"
        for build in (ops.tanh, ops.exp)
        for i, each in enumerate(halves)
    ]
    graph = Graph([*readers, ops.neg(halves[0], name="here")], [x])
    made = verify(place_devices(graph, devices={"a": 0, "b": 1, "c": 2}))
    copies = [node for node in made.nodes if node.op is ops.copy]
    assert [(node.name, node.hints["device"]) for node in copies] == [
        ("halves_0_copy", 1),
        ("halves_1_copy", 1),
        ("halves_0_copy_1", 2),
        ("halves_1_copy_1", 2),
    ]
    assert cse(made) is made


def test_the_names_of_copies_are_taken_by_nobody() -> None:
    x = x_and()
    one = ops.tanh(x, name="one", **group("a"))
    far = [ops.exp(value, name=name, **group("b")) for value, name in ((one, "one_0_copy"), (ops.neg(one), "u"))]
    graph = Graph(far, [x, named_input("neg_0_copy", f32[2])])
    made = verify(place_devices(graph, devices=DEVICES))
    assert [node.name for node in made.nodes if node.op is ops.copy] == ["one_0_copy_1", "neg_0_copy_1"]


def test_one_device_means_the_same_structure() -> None:
    x = x_and()
    graph = Graph([ops.exp(ops.tanh(x, **group("a")), **group("b"))], [x])
    made = place_devices(graph, devices={"a": 3, "b": 3})
    assert same(graph, made, names=True)
    assert [node.hints["device"] for node in made.nodes] == [3, 3, 3]
    assert place_devices(made, devices={"a": 3, "b": 3}) is made


def test_devices_given_before_are_kept_unless_a_group_says_otherwise() -> None:
    x = x_and()
    said = ops.tanh(x, name="said", hints={"device": "tpu"})
    both = ops.exp(said, name="both", hints={"device": "tpu", "group": "b"})
    made = places(place_devices(Graph([both], [x]), devices=DEVICES))
    assert made == {"x": "tpu", "said": "tpu", "said_0_copy": "gpu1", "both": "gpu1"}


def test_a_copy_made_by_hand_says_where_its_readers_run_and_nothing_of_what_it_reads() -> None:
    x = x_and()
    made = places(
        place_devices(Graph([ops.exp(ops.copy(x, device="tpu", name="c"), name="e")]), devices={}, default="cpu")
    )
    assert made == {"x": "cpu", "c": "tpu", "e": "tpu"}


def test_a_copy_to_nowhere_else_is_placed_like_any_node() -> None:
    x = x_and()
    made = place_devices(
        Graph([ops.copy(ops.tanh(x, **group("a")), name="c"), ops.copy(x, name="d", **group("b"))]), devices=DEVICES
    )
    found = places(made)
    assert (found["x"], found["c"], found["d"], found["x_0_copy"]) == ("gpu1", "gpu0", "gpu1", "gpu0")


def test_the_hint_may_have_another_name() -> None:
    x = x_and()
    graph = Graph([ops.exp(x, hints={"ctx_group": "b", "group": "unheard of"})], [x])
    made = place_devices(graph, devices=DEVICES, group_hint="ctx_group")
    assert [node.hints["device"] for node in made.nodes] == ["gpu1", "gpu1"]


@pytest.mark.parametrize("wrong", ["c", 7, ["a"]])
def test_an_unknown_group_is_refused(wrong: Any) -> None:
    graph = Graph([ops.exp(x_and(), name="e", hints={"group": wrong})])
    with pytest.raises(Error, match=r"e = exp\(x\) is in group .*, which has no device; .* with one are: 'a', 'b'"):
        place_devices(graph, devices=DEVICES)


def test_devices_are_names_or_numbers_and_there_is_one() -> None:
    graph = Graph([ops.exp(x_and())])
    with pytest.raises(Error, match=r"a name or a number, not 1\.5"):
        place_devices(graph, devices={"a": 0, "b": 1.5})  # type: ignore[dict-item]
    with pytest.raises(Error, match="give devices, or a default"):
        place_devices(graph, devices={})


def test_a_state_is_not_written_from_another_device() -> None:
    y = named_input("y", f32[2])
    x = variable(type=f32[2], name="x", **group("a"))
    graph = Graph([ops.assign(x, y, name="w", **group("b"))], [y])
    with pytest.raises(Error, match=r"w = assign\(x, y\) runs on 'gpu1' and writes to x: f32\[2\] on 'gpu0'; a state"):
        place_devices(graph, devices=DEVICES)
    assert place_devices(graph, devices={"a": 1, "b": 1})
    first = ops.assign(x, y)
    with pytest.raises(Error, match=r"writes to assign: f32\[2\] on 'gpu0'"):
        place_devices(Graph([ops.assign(first, y, name="w", **group("b"))]), devices=DEVICES)


def test_what_is_written_may_come_from_another_device_and_reads_elsewhere_go_before() -> None:
    x = variable(type=f32[2], name="x", **group("a"))
    y = ops.tanh(named_input("y", f32[2]), name="t", **group("b"))
    read = ops.exp(x, name="read", **group("b"))
    write = ops.assign(x, y, name="write")
    placed = place_devices(Graph([write, read]), devices=DEVICES)
    assert places(placed)["write"] == "gpu0"
    made = named(order_mutations(placed))
    assert [node.name for node in made["write"].after] == ["x_0_copy"]
    assert [value.name for value in made["write"].inputs] == ["x", "t_0_copy"]


def test_control_edges_cross_without_a_copy() -> None:
    x = x_and()
    first = ops.tanh(x, name="first", **group("a"))
    last = ops.exp(named_input("y", f32[2]), name="last", after=(first.node,), **group("b"))
    made = place_devices(Graph([last]), devices=DEVICES)
    assert [node.name for node in made.nodes] == ["y", "x", "first", "last"]
    assert named(made)["last"].after == (named(made)["first"],)


def test_absent_inputs_are_nowhere() -> None:
    x = x_and()
    low = named_input("low", f32[()])
    made = place_devices(Graph([ops.clip(x, None, low, name="c", **group("b"))]), devices={"a": 0, "b": 1})
    assert places(verify(made)) == {"x": 1, "low": 1, "c": 1}


def test_it_walks_a_long_chain() -> None:
    value = x_and()
    for i in range(20_000):
        value = ops.tanh(value, **group("ab"[i // 100 % 2]))
    made = place_devices(Graph([value]), devices=DEVICES)
    assert sum(node.op is ops.copy for node in made.nodes) == 199


@st.composite
def grouped(draw: st.DrawFn) -> Graph:
    """Draw a graph of any wiring, some nodes in groups, a state that is written to among its values."""
    some = st.sampled_from([None, None, "a", "b", "c"])

    def hints() -> Any:
        found = draw(some)
        return {} if found is None else {"group": found}

    values = [named_input(f"x{i}", f32[2]).node.replace(hints=hints()).outputs[0] for i in range(2)]
    values.append(variable(type=f32[2], init=tensor_data([1.0, 2.0], f32[2]), name="s"))
    last = values[-1]
    for i in range(draw(st.integers(1, 12))):
        build = draw(st.sampled_from([ops.add, ops.tanh, ops.split, ops.assign]))
        x, y = draw(st.sampled_from(values)), draw(st.sampled_from(values))
        after = tuple(value.node for value in draw(st.lists(st.sampled_from(values), max_size=1)))
        if build is ops.assign:
            values.append(last := ops.assign(last, x, name=f"n{i}"))
        elif build is ops.split:
            values += ops.split(ops.concat(x, y, axis=0), axis=0, parts=2, name=f"n{i}", hints=hints())
        else:
            given = (x, y) if build is ops.add else (x,)
            values.append(build(*given, name=draw(st.sampled_from([None, f"n{i}"])), hints=hints(), after=after))
    outputs = draw(st.lists(st.sampled_from(values), min_size=1, max_size=3))
    return Graph(outputs, values[:2], output_names=[f"o{i}" for i in range(len(outputs))])


def run(graph: Graph) -> list[Any]:
    now: dict[Value, Any] = {value: np.arange(2.0) + i for i, value in enumerate(graph.inputs)}
    for node in graph.nodes:
        if node.outputs[0] not in now:
            now.update(zip(node.outputs, compute(node, [now[value] for value in node.inputs]), strict=True))
    return [now[value] for value in graph.outputs]


@given(grouped(), st.permutations([0, 1, 2]))
@settings(max_examples=200)
def test_every_edge_stays_on_a_device_or_is_a_copy(graph: Graph, numbers: list[int]) -> None:
    devices = dict(zip("abc", numbers, strict=True))
    try:
        made = verify(place_devices(graph, devices=devices))
    except Error as error:
        if "never written from another device" not in str(error):
            raise
        return
    for node in made.nodes:
        here = node.hints["device"]
        if node.op is ops.copy:
            assert node.inputs[0].node.hints["device"] != here == node.params["device"]
        else:
            assert {value.node.hints["device"] for value in node.inputs} <= {here}
            assert here == devices.get(node.hints.get("group"), here)
    copies = [(node.inputs[0], node.params["device"]) for node in made.nodes if node.op is ops.copy]
    assert len(set(copies)) == len(copies)
    assert place_devices(made, devices=devices) is made, f"{made} {places(made)}"
    without = made.rewrite(lambda node: node.inputs[0] if node.op is ops.copy else None)
    assert same(graph, without, names=True)
    for wanted, found in zip(run(graph), run(made), strict=True):
        np.testing.assert_array_equal(wanted, found)
