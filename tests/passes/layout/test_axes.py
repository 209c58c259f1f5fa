"""What operators say of axes in another order is what they said before."""

from collections.abc import Callable
from itertools import permutations

import pytest
from tests.laws.agree import assert_agree
from tests.passes.rewrites import BINDING

from nnvm import ops
from nnvm.ir import (
    ABSENT,
    Graph,
    Node,
    Value,
    boolean,
    constant,
    f32,
    i8,
    i32,
    i64,
    named_input,
    same_type,
    tensor_data,
)
from nnvm.passes.layout.axes import TURNS, turned

SHAPE = (2, 3, "n", 4)
PERMS = [perm for perm in permutations(range(4)) if perm != (0, 1, 2, 3)]


def ints(*elements: int) -> Value:
    return constant(data=tensor_data(elements, i64[len(elements)]))


def row(count: int, low: float = 0.5) -> Value:
    return constant(data=tensor_data([low + i for i in range(count)], f32[count]))


def number(element: int) -> Value:
    return constant(data=tensor_data(element, i64[()]))


CASES: dict[str, Callable[[Value], Value | tuple[Value, ...]]] = {
    "relu": ops.relu,
    "a sum with a number": lambda x: x + 2.0,
    "a product with itself": lambda x: x * x,
    "a clip": lambda x: ops.clip(x, *(constant(data=tensor_data(at, f32[()])) for at in (-0.5, 0.5))),
    "a column of constants": lambda x: (
        x + constant(data=tensor_data([0.5, 1.5, 2.5], f32[3, 1, 1])) if x.shape[1] == 3 else x + x
    ),
    "a sum": lambda x: ops.reduce_sum(x, ints(1, -1)),
    "a mean without its axes": lambda x: ops.reduce_mean(x, ints(0, 2), keepdims=False),
    "a maximum of all": lambda x: ops.reduce_max(x),
    "a maximum of all, a number": lambda x: ops.reduce_max(x, keepdims=False),
    "a sum over none": lambda x: ops.reduce_sum(x, noop_with_empty_axes=True),
    "a norm of one axis": lambda x: ops.reduce_l2(x, ints(3), keepdims=False),
    "the place of the maximum": lambda x: ops.argmax(x, axis=1, keepdims=False),
    "the place of the minimum": lambda x: ops.argmin(x, axis=-1),
    "softmax": ops.softmax,
    "log softmax": lambda x: ops.log_softmax(x, axis=1),
    "hardmax": lambda x: ops.hardmax(x, axis=2),
    "a join": lambda x: ops.concat(x, x, axis=-2),
    "cuts": lambda x: tuple(ops.split(x, axis=0, parts=1)),
    "a slice": lambda x: ops.slice(x, ints(0, -1), ints(9, -9), ints(-1, 1), ints(1, -1)),
    "a slice of the first axes": lambda x: ops.slice(x, ints(0, 1), ints(1, 2)),
    "a pad": lambda x: ops.pad(x, ints(1, 0, 2, 0, 0, 1, 0, 3), constant(data=tensor_data(7.0, f32[()]))),
    "a pad of two axes": lambda x: ops.pad(x, ints(1, 0, 2, 1), ABSENT, ints(-1, 0), mode="edge"),
    "a running sum": lambda x: ops.cumsum(x, number(-2), reverse=True),
    "some rows": lambda x: ops.gather(x, ints(0, 0, -1), axis=1),
    "one row": lambda x: ops.gather(x, number(0), axis=-2),
    "new axes": lambda x: ops.unsqueeze(x, ints(0, -2, 3)),
    "more often": lambda x: ops.tile(x, ints(2, 1, 3, 1)),
    "quantized": lambda x: ops.quantize_linear(x, constant(data=tensor_data(0.1, f32[()])), output_dtype=i8),
}
ALONE: dict[str, tuple[tuple[object, ...], tuple[int, ...], Callable[[Value], Value]]] = {
    "wider": (("n", 1, 3), (1, 2, 0), lambda x: ops.expand(x, ints(4, 1, 1))),
    "fewer axes": ((1, "n", 3, 1), (2, 0, 1, 3), lambda x: ops.squeeze(x, ints(-1, 1))),
    "a choice": (
        (1, "n", 3, 2),
        (3, 2, 0, 1),
        lambda x: ops.where(constant(data=tensor_data([True, False], boolean[2, 1, 1, 1])), x, x * 2.0),
    ),
    "a product of batches": ((3, 2, "n", "n"), (1, 0, 2, 3), lambda x: ops.matmul(x, x)),
    "a product the other way round": (("n", 4, 3, 3), (1, 0, 3, 2), lambda x: ops.matmul(x, x)),
    "a product of matrices": ((3, 3), (1, 0), lambda x: ops.matmul(x, x)),
    "a product with one matrix": (
        ("n", 2, 3),
        (1, 0, 2),
        lambda x: ops.matmul(x, constant(data=tensor_data([0.5 * i for i in range(6)], f32[3, 2]))),
    ),
    "a batch norm": (
        ("n", 3, 2, 4),
        (0, 1, 3, 2),
        lambda x: ops.batch_norm(x, row(3), row(3), row(3), row(3)),
    ),
    "a layer norm": (("n", 2, 3), (1, 0, 2), lambda x: ops.layer_norm(x, row(3), row(3))),
    "an RMS norm": (("n", 2, 3, 4), (1, 0, 2, 3), lambda x: ops.rms_norm(x, row(4), axis=3)),
    "a slice by narrow numbers": (
        ("n", 2, 3),
        (1, 2, 0),
        lambda x: ops.slice(x, *(constant(data=tensor_data([at], i32[1])) for at in (0, 1, 1))),
    ),
    "quantized by rows": (
        ("n", 2, 3),
        (1, 2, 0),
        lambda x: ops.quantize_linear(x, row(3, 0.1), axis=1, output_dtype=i8),
    ),
}
NOT: dict[str, tuple[tuple[object, ...], tuple[int, ...], Callable[[Value], Value]]] = {
    "a softmax of all that follows": ((2, 3, 4), (1, 0, 2), ops.softmax_from),
    "a product of rows that were batches": (
        (3, 2, 2),
        (2, 0, 1),
        lambda x: ops.matmul(x, named_input("y", f32[2, 2, 5])),
    ),
    "a product with a matrix that meets other axes": (
        (2, 2, 3),
        (0, 2, 1),
        lambda x: ops.matmul(x, constant(data=tensor_data(0.5, f32[2, 2]))),
    ),
    "a batch norm of other channels": (
        (3, "n", 2),
        (1, 0, 2),
        lambda x: ops.batch_norm(x, row(3), row(3), row(3), row(3)),
    ),
    "a layer norm of moved axes": ((3, 2, 2), (1, 0, 2), lambda x: ops.layer_norm(x, row(2), axis=-2)),
    "a layer norm scaled along other axes": (
        (3, "n", 2),
        (1, 0, 2),
        lambda x: ops.layer_norm(x, constant(data=tensor_data([0.5, 1.5, 2.5], f32[3, 1])), axis=-1),
    ),
    "a sum that broadcasts it": ((2, 3), (1, 0), lambda x: x + named_input("y", f32[4, 3, 2])),
    "rows that an input numbers in a table": (
        (4, 3),
        (1, 0),
        lambda x: ops.gather(x, ops.reshape(ints(0, 1), ints(1, 2)), axis=1),
    ),
    "blocks of channels": ((4, 4), (1, 0), lambda x: ops.dequantize_linear(ops.cast(x, to=i8), row(4), block_size=1)),
}


def _node(value: Value | tuple[Value, ...]) -> Node:
    return (value if isinstance(value, Value) else value[0]).node


def _agrees(
    build: Callable[[Value], Value | tuple[Value, ...]], shape: tuple[object, ...], perm: tuple[int, ...]
) -> bool:
    x = named_input("x", f32[shape])
    node = _node(build(ops.transpose(x, perm=perm)))
    at = next(i for i, value in enumerate(node.inputs) if value.node.op is ops.transpose)
    found = turned(node, at, perm)
    if found is None:
        return False
    made = found.make([_undone(value, wanted) for value, wanted in zip(node.inputs, found.inputs, strict=True)])
    behind = [ops.transpose(value, perm=left) for value, left in zip(made, found.outputs, strict=True)]
    assert all(same_type(a.type, b.type) is not False for a, b in zip(behind, node.outputs, strict=True))
    names = [f"y{i}" for i in range(len(made))]
    before = Graph(node.outputs, [x], output_names=names)
    assert_agree(before, Graph(behind, [x], output_names=names), BINDING, seeds=1)
    return True


def _undone(value: Value, perm: tuple[int, ...] | None) -> Value:
    """Return what a permutation makes a value of."""
    if perm is None:
        return value
    if value.node.op is ops.transpose:
        return value.node.inputs[0]
    lead = len(perm) - len(value.shape)
    full = ops.unsqueeze(value, ints(*range(lead))) if lead else value
    return ops.transpose(full, perm=tuple(sorted(range(len(perm)), key=perm.__getitem__)))


@pytest.mark.parametrize("name", CASES)
def test_it_says_the_same_behind_the_transpose(name: str) -> None:
    for perm in PERMS:
        x = ops.transpose(named_input("x", f32[SHAPE]), perm=perm)
        node = _node(CASES[name](x))
        if all(value is not x for value in node.inputs):  # it computes with x first
            continue
        assert _agrees(CASES[name], SHAPE, perm), perm


@pytest.mark.parametrize("name", ALONE)
def test_it_says_the_same_where_it_may_move(name: str) -> None:
    shape, perm, build = ALONE[name]
    assert _agrees(build, shape, perm)


@pytest.mark.parametrize("name", NOT)
def test_it_does_not_move_where_axes_have_places(name: str) -> None:
    shape, perm, build = NOT[name]
    node = _node(build(ops.transpose(named_input("x", f32[shape]), perm=perm)))
    assert turned(node, 0, perm) is None


def test_what_tells_where_a_slice_is_cut_stays_of_one_type() -> None:
    shape, perm, build = ALONE["a slice by narrow numbers"]
    x = named_input("x", f32[shape])
    found = turned(_node(build(ops.transpose(x, perm=perm))), 0, perm)
    assert found is not None
    assert {value.dtype for value in found.make([x])[0].node.inputs[1:]} == {i32}


def test_one_scale_of_any_axis_is_no_reason_to_fail() -> None:
    x = ops.transpose(named_input("x", f32[4]), perm=(0,))
    node = _node(ops.quantize_linear(x, row(1), axis=1, output_dtype=i8))
    assert turned(node, 0, (0,)) is None


def test_every_operator_of_the_table_is_tried() -> None:
    tried = set()
    for build, shape, perm in [(each, SHAPE, PERMS[5]) for each in CASES.values()] + [
        (build, shape, perm) for shape, perm, build in ALONE.values()
    ]:
        tried.add(_node(build(ops.transpose(named_input("x", f32[shape]), perm=perm))).op)
    alike = {each for each in TURNS if each.name.startswith(("reduce_", "cumprod", "dequantize"))}
    assert TURNS.keys() - alike <= tried
