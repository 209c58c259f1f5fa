"""What `cancel_layout` does beyond its parts: chains, and several kinds at once."""

# ruff: noqa: F821  (names of dimensions are strings inside annotations)

from tests.passes.rewrites import assert_keeps, assert_rewrites, operators

from nnvm import ops
from nnvm.ir import Value, f32, trace
from nnvm.passes import cancel_layout


def test_several_kinds_at_once() -> None:
    def before(x: f32["n", 3, 4, 4]) -> Value:
        y = ops.transpose(ops.relu(ops.transpose(x, perm=(0, 2, 3, 1))), perm=(0, 3, 1, 2))
        y = ops.squeeze(ops.unsqueeze(y, (0,)), (0,))
        return ops.concat(ops.concat(y, x, axis=1), y, axis=1)

    def after(x: f32["n", 3, 4, 4]) -> Value:
        y = ops.relu(x)
        return ops.concat(y, x, y, axis=1)

    assert_rewrites(cancel_layout, before, after)


def test_nothing_to_cancel() -> None:
    def program(x: f32[2, 3]) -> Value:
        return ops.flatten(ops.transpose(ops.exp(x)), axis=0)

    assert_keeps(cancel_layout, program)


def test_names_stay_apart() -> None:
    def build(x):
        left, right = (ops.transpose(each) for each in (ops.exp(x), ops.tanh(x)))
        return ops.add(left, right, name="sum")

    made = cancel_layout(trace(build, x=f32[2, 3]))
    assert operators(made) == ["exp", "tanh", "add", "transpose"]
    assert [node.name for node in made.nodes if node.name] == ["x", "sum"]
    assert made.outputs[0].name == "sum"


def test_long_chains() -> None:
    def views(x):
        for i in range(10_000):
            x = ops.reshape(x, (2, 3) if i % 2 else (6,))
        return ops.tanh(x)

    def transposes(x):
        y = ops.transpose(x)
        for _ in range(10_000):
            y = ops.tanh(y)
        return ops.transpose(y)

    def joins(x):
        y = x
        for _ in range(10_000):
            y = ops.concat(y, x, axis=0)
        return y

    assert operators(cancel_layout(trace(views, x=f32[2, 3]))) == ["tanh"]
    assert set(operators(cancel_layout(trace(transposes, x=f32[2, 3])))) == {"tanh"}
    assert operators(cancel_layout(trace(joins, x=f32[2, 3]))) == ["concat"]
