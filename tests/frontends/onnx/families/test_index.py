import pytest
from tests.frontends.onnx.models import check_row_against_onnx

from nnvm.frontends.onnx.families import index
from nnvm.frontends.onnx.rows import Row


@pytest.mark.parametrize("row", index.ROWS, ids=lambda row: row.type)
def test_row_agrees_with_onnx(row: Row) -> None:
    check_row_against_onnx(row)
