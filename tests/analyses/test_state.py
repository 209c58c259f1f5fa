"""Which values are states."""

import pytest

from nnvm import ops
from nnvm.analyses.state import auxiliary, overwritten, read_only, versions, writes
from nnvm.attrs import mutates
from nnvm.errors import Error
from nnvm.ir import Graph, TensorType, Value, f32, named_input, op, variable


@op
def train(
    x: Value, mean: Value | None = None, var: Value | None = None
) -> tuple[TensorType | None, TensorType | None, TensorType | None]:
    """Normalise, and keep statistics."""
    return x.type, x.type, x.type  # type: ignore[return-value]


@op
def leak(x: Value, y: Value) -> TensorType:
    """Write to two states, and return one."""
    return x.tensor


mutates[train] = (1, 2)
mutates[leak] = (0, 1)


def state(name: str) -> Value:
    return variable(type=f32[2], name=name)


def test_each_write_makes_a_version() -> None:
    x, y = state("x"), named_input("y", f32[2])
    first = ops.assign(x, y)
    second = ops.assign(first, first * 2)
    graph = Graph([second], [y])
    assert versions(graph) == {x: (x, 0), first: (x, 1), second: (x, 2)}
    assert overwritten(graph) == {x: first.node, first: second.node}
    assert versions(graph) is versions(graph)


def test_the_new_states_are_the_last_outputs() -> None:
    x, mean, var = named_input("x", f32[2]), state("mean"), state("var")
    y, new_mean, new_var = train(x, mean, var)
    assert writes(y.node) == ((mean, new_mean), (var, new_var))
    graph = Graph([y], [x])
    assert versions(graph) == {mean: (mean, 0), var: (var, 0), new_mean: (mean, 1), new_var: (var, 1)}


def test_a_state_that_is_absent_is_not_written_to() -> None:
    x, var = named_input("x", f32[2]), state("var")
    y, _, new_var = train(x, None, var)
    assert writes(y.node) == ((var, new_var),)
    assert writes(train(x)[0].node) == ()
    assert writes(ops.tanh(x).node) == ()


def test_an_operator_returns_every_new_state() -> None:
    with pytest.raises(Error, match=r"both = leak\(x, y\) writes to 2 states and has 1 outputs; leak has to return"):
        overwritten(Graph([leak(state("x"), state("y"), name="both")]))


def test_only_states_are_written_to() -> None:
    y = named_input("y", f32[2])
    for target in (y, ops.tanh(state("x"), name="t"), ops.assign(ops.identity(state("x")), y, name="z")):
        with pytest.raises(Error, match=r"w = assign\(.*\) writes to .*, which is no state|z = assign\(identity, y\)"):
            versions(Graph([ops.assign(target, y, name="w")], [y]))


def test_two_writes_to_one_state_are_told_with_both_names() -> None:
    x, y = state("x"), named_input("y", f32[2])
    graph = Graph([ops.assign(x, y, name="one"), ops.assign(x, y, name="two")], [y])
    with pytest.raises(
        Error, match=r"one = assign\(x, y\) and two = assign\(x, y\) both write to the state x: f32\[2\]"
    ):
        overwritten(graph)
    with pytest.raises(Error, match=r"t = train\(y, x, x\) writes twice to one state"):
        overwritten(Graph([train(y, x, x, name="t")[0]], [y]))


def test_auxiliary_inputs_are_the_variables_that_are_written_to() -> None:
    """Inventory A3.13: of batch_norm the moving mean and variance, in the order of the walk."""
    x, gamma, mean, var = named_input("x", f32[2]), state("gamma"), state("mean"), state("var")
    y, _, new_var = train(x * gamma, mean, var)
    graph = Graph([y, ops.assign(new_var, y)], [x])
    assert [value.name for value in auxiliary(graph)] == ["mean", "var"]
    assert [value.name for value in read_only(graph)] == ["x", "gamma"]
    plain = Graph([ops.tanh(x)], [x])
    assert (auxiliary(plain), read_only(plain)) == ((), (x,))
