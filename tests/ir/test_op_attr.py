"""Columns: filled once, replaced knowingly, read with a default, listed by name."""

import pytest
from tests.ir.operators import add, halves, relu

from nnvm.errors import Error
from nnvm.ir import OpAttr


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
    with pytest.raises(Error, match="relu has an entry for 'number of things' already"):
        column[relu] = 2
    column.override(relu, 3)
    assert column[relu] == 3
    with pytest.raises(Error, match="add has no entry for 'number of things'"):
        column[add]

    @column(halves, add)
    def entry() -> None: ...

    assert column[add] is column[halves] is entry  # type: ignore[comparison-overlap]
    assert list(column) == [add, halves, relu]
