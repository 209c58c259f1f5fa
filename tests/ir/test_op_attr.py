"""Columns: filled once, replaced knowingly, read with a default, listed by name."""

import pytest
from tests.ir.operators import add, halves, relu

from nnvm.errors import Error
from nnvm.ir import OpAttr
from nnvm.ir.op_attr import on_first_read


def test_a_column_is_filled_once() -> None:
    column: OpAttr[int] = OpAttr("number of things")
    column[relu] = 1
    assert (column[relu], column.get(add), column.get(add, 5), relu in column, add in column) == (
        1,
        None,
        5,
        True,
        False,
    )
    with pytest.raises(
        Error,
        match=r"'number of things' already, from tests\.ir\.test_op_attr, and tests\.ir\.test_op_attr fills it again",
    ):
        column[relu] = 2
    column.override(relu, 3)
    assert column[relu] == 3
    with pytest.raises(Error, match="add has no entry for 'number of things'"):
        column[add]

    @column(halves, add)
    def entry() -> None: ...

    assert column[add] is column[halves] is entry  # type: ignore[comparison-overlap]
    assert list(column) == [add, halves, relu]


def test_what_loads_entries_is_called_before_a_read_until_it_is_done() -> None:
    column: OpAttr[int] = OpAttr("number of things")
    calls: list[int] = []

    def load() -> bool:
        calls.append(len(calls))
        if len(calls) < 2:
            return False
        column[relu] = 5
        assert relu in column  # a read in the middle finds what is there, and does not start over
        return True

    on_first_read(load)
    column[add] = 1
    assert calls == []
    assert column.get(relu) is None
    assert (column.get(relu), column.get(relu)) == (5, 5)
    assert calls == [0, 1]
