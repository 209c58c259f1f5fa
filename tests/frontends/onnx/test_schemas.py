import pytest

from nnvm.frontends.onnx import schemas
from nnvm.frontends.onnx.families import ROWS


def test_versions() -> None:
    assert schemas.since("Relu", 13) == 13
    assert schemas.since("Relu", 12) == 6
    assert schemas.since("Gelu", 19) is None
    assert schemas.since("Relu", 17, "com.acme") is None
    assert schemas.first("Gelu") == 20


def test_outputs_attributes_and_inputs() -> None:
    assert schemas.optional_outputs("Dropout", 13) == {1}
    assert schemas.optional_outputs("Relu", 13) == frozenset()
    assert "axes" in schemas.attributes("Squeeze", 11)
    assert "axes" not in schemas.attributes("Squeeze", 13)
    assert schemas.most_inputs("Clip", 9) == 1
    assert schemas.most_inputs("Concat", 13) > 1000


def test_first_with() -> None:
    assert schemas.first_with("ArgMax", 7, frozenset(("axis", "select_last_index")), 1) == 12
    assert schemas.first_with("Pad", 11, frozenset(), 4) == 18
    assert schemas.first_with("Relu", 11, frozenset(("nonsense",)), 1) is None


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.type)
def test_the_tables_were_written_for_the_newest_versions(row: object) -> None:
    newest = schemas.since(row.type, schemas.NEWEST)  # type: ignore[attr-defined]
    assert newest is not None
    assert newest <= schemas.VETTED
