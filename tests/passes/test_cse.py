"""What is equal becomes one, and what only looks equal stays two."""

# ruff: noqa: F821  (names of dimensions are strings inside annotations)

from pathlib import Path

import pytest
from tests.passes.rewrites import assert_keeps, assert_rewrites, operators

from nnvm import ops
from nnvm.ir import (
    FileSlice,
    Graph,
    Node,
    TensorData,
    Value,
    boolean,
    constant,
    f32,
    foreign,
    i64,
    named_input,
    params,
    tensor_data,
    trace,
)
from nnvm.passes import cse


def test_equal_nodes_become_one_all_the_way_down() -> None:
    def before(x: f32["n"]) -> Value:
        return ops.exp(ops.tanh(x)) + ops.exp(ops.tanh(x))

    def after(x: f32["n"]) -> Value:
        y = ops.exp(ops.tanh(x))
        return y + y

    assert_rewrites(cse, before, after)


def test_swapped_inputs_of_a_sum_are_equal() -> None:
    def before(x: f32[3], y: f32[3]) -> Value:
        return ops.exp(x + y) * ops.exp(y + x)

    def after(x: f32[3], y: f32[3]) -> Value:
        z = ops.exp(x + y)
        return z * z

    assert_rewrites(cse, before, after)


def test_swapped_inputs_of_a_difference_are_not() -> None:
    def program(x: f32[3], y: f32[3]) -> Value:
        return (x - y) * (y - x)

    assert_keeps(cse, program)


def test_params_tell_nodes_apart() -> None:
    def program(x: f32[3]) -> Value:
        return ops.leaky_relu(x, alpha=0.1) + ops.leaky_relu(x, alpha=0.2) * ops.cast(ops.cast(x, to=i64), to=f32)

    assert_keeps(cse, program)


def test_equal_constants_become_one() -> None:
    def before(x: f32[2]) -> Value:
        return (x + tensor_data([1, 2], f32[2])) * tensor_data([1.0, 2.0], f32[2])

    def after(x: f32[2]) -> Value:
        data = constant(data=tensor_data([1, 2], f32[2]))
        return (x + data) * data

    assert_rewrites(cse, before, after)


def test_constants_of_other_types_stay() -> None:
    def program(x: f32[2]) -> tuple[Value, ...]:
        return x + tensor_data([0, 0], f32[2]), x * tensor_data([0], f32[1]), ops.cast(tensor_data([0], i64[1]), to=f32)

    assert_keeps(cse, program)


LARGE = 1 << 12


@pytest.mark.parametrize("place", [0, LARGE // 3, LARGE - 1])
def test_large_constants_are_told_apart_wherever_they_differ(place: int) -> None:
    raw = bytearray(4 * LARGE)
    raw[4 * place + 1] = 1
    data = [TensorData(f32[LARGE], bytes(each)) for each in (bytes(4 * LARGE), raw, bytes(4 * LARGE))]
    graph = Graph([ops.exp(constant(data=each)) for each in data], output_names=["a", "b", "c"])
    made = cse(graph)
    assert made.outputs[0] is made.outputs[2]
    assert made.outputs[0] is not made.outputs[1]


def test_a_large_constant_of_its_own_type_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    path.write_bytes(bytes(8 * LARGE))
    data = TensorData(f32[LARGE], FileSlice(path, 0, 4 * LARGE))
    other = TensorData(f32[LARGE, 1], FileSlice(path, 4 * LARGE, 4 * LARGE))
    path.unlink()
    graph = Graph([ops.exp(constant(data=data)), ops.exp(constant(data=other))], output_names=["a", "b"])
    assert cse(graph) is graph


def test_constants_in_a_file_become_one(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    path.write_bytes(bytes(8 * LARGE))
    slices = [FileSlice(path, 4 * LARGE * i, 4 * LARGE) for i in range(2)]
    made = cse(Graph([ops.exp(constant(data=TensorData(f32[LARGE], each))) for each in slices], output_names="ab"))
    assert made.outputs[0] is made.outputs[1]


def test_two_outputs_of_one_value_stay_two() -> None:
    made = cse(trace(lambda x: {"a": ops.exp(x), "b": ops.exp(x)}, x=f32[2]))
    assert made.output_names == ("a", "b")
    assert made.outputs[0] is made.outputs[1]


def test_devices_and_control_edges_tell_nodes_apart() -> None:
    x = named_input("x", f32[2])
    first = ops.exp(x)
    elsewhere = ops.exp(x, hints={"device": "b"})
    later = ops.exp(x, after=(first.node,))
    graph = Graph([first, elsewhere, later], [x], output_names="abc")
    assert cse(graph) is graph


def test_other_hints_do_not() -> None:
    x = named_input("x", f32[2])
    made = cse(Graph([ops.exp(x, hints={"line": 1}), ops.exp(x, hints={"line": 2})], [x], output_names="ab"))
    assert made.outputs[0] is made.outputs[1]


def test_control_edges_follow_what_was_merged() -> None:
    x = named_input("x", f32[2])
    first, again = ops.exp(x), ops.exp(x)
    late = ops.tanh(x, after=(again.node,))
    made = cse(Graph([first, late], [x], output_names="ab"))
    assert made.outputs[1].node.after == (first.node,)


def test_random_and_unknown_operators_stay() -> None:
    unknown = foreign("mystery", "tests")

    def program(x: f32[2]) -> tuple[Value, ...]:
        on = tensor_data(True, boolean[()])
        ratio = tensor_data(0.5, f32[()])
        draws = ops.dropout(x, ratio, on)[0] - ops.dropout(x, ratio, on)[0]
        return draws, unknown(x), unknown(x)

    graph = trace(lambda x: dict(zip("abc", program(x), strict=True)), x=f32[2])
    assert operators(cse(graph)) == operators(graph)


def test_a_long_chain_is_merged_in_one_walk() -> None:
    def program(x):
        left, right = x, x
        for _ in range(20_000):
            left, right = ops.tanh(left), ops.tanh(right)
        return left + right

    made = cse(trace(program, x=f32[2]))
    assert len(made.nodes) == 20_002


def test_equal_constants_on_different_devices_stay_two() -> None:
    data = params({"data": tensor_data([1.0, 2.0], f32[2])})
    nodes = [Node(constant, (), data, (f32[2],), hints={"device": device}) for device in ("cpu", "gpu")]
    graph = Graph([ops.add(*[node.outputs[0] for node in nodes])])
    assert cse(graph) is graph
