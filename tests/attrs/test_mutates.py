import pytest

from nnvm import ops
from nnvm.attrs import mutates
from nnvm.errors import Error
from nnvm.ir import TensorType, Value, op


@op
def write(state: Value, x: Value) -> TensorType:
    return state.tensor


def test_which_shipped_operators_change_state() -> None:
    assert [each.name for each in mutates if each.module.startswith("nnvm.")] == ["assign"]
    assert mutates.get(ops.add) is None


def test_a_stranger_says_what_it_writes_to() -> None:
    mutates.override(write, (0,))
    assert mutates[write] == (0,)
    with pytest.raises(Error, match=r"write has an entry for .* already"):
        mutates[write] = (1,)
    with pytest.raises(Error, match="add has no entry for 'numbers of the inputs"):
        mutates[ops.add]
