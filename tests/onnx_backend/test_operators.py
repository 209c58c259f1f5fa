"""The page that lists every operator of ONNX, and what becomes of it here; NNVM_UPDATE=1 writes it anew."""

import os
from pathlib import Path

import onnx
import pytest

from nnvm.frontends.onnx.families import BY_TYPE
from nnvm.frontends.onnx.schemas import NEWEST, OLDEST

PAGE = Path(__file__).parents[2] / "docs" / "onnx-operators.md"
WRITTEN_FOR = "1.23.2"
BUILT_IN = {"Constant": "constant"}
"""Read without a row: what becomes of it is no operator."""
READ_BY_CASE = {"Scatter": "scatter_elements"}
"""Rows whose operator belongs to another row."""
CURE = "NNVM_UPDATE=1 .venv/bin/python -m pytest tests/onnx_backend/test_operators.py"

HEAD = """# Operators of ONNX

Every operator of ONNX's default domain as onnx {version} defines it (opset {newest}), and what `nnvm.load` makes of it.
**read**: a node becomes the operators of ours named beside it, is optimised, saved at any opset from {oldest} on that
has it, and run on NumPy. **carried**: a node is kept as it is, types pass through it, and it is saved back unchanged;
running it is an error. A use that a row does not cover is carried too: an attribute newer than onnx {version}, a
`stash_type` that is not float32, before opset 14 a batch norm that trains. A dropout that trains is read, yet no
backend draws for it.
`tests/laws/test_opsets.py` draws every version of every operator that is read, from opset {oldest} on, and compares
it with ONNX Runtime, or with onnx.reference where that lacks it or is known to differ.
Where ONNX's text and onnx.reference differ the reference holds: a limit that `Clip` leaves out limits nothing, so that
infinities pass; by the text, and in ONNX Runtime, the type's largest finite number is the limit then.
*since* is the newest version's opset, *first* the opset that brought the operator. Operators of other domains are
carried.

This page is made by `tests/onnx_backend/test_operators.py`; `NNVM_UPDATE=1` before the test's command writes it anew.

{read} are read, {carried} are carried.

| operator | first | since | | ours |
|---|---|---|---|---|
"""


def operators() -> list[tuple[str, int, int, bool, str]]:
    """Return, for each operator by name, its first and newest version, whether it is read, and as what."""
    versions: dict[str, list[int]] = {}
    for schema in onnx.defs.get_all_schemas_with_history():
        if schema.domain == "":
            versions.setdefault(schema.name, []).append(schema.since_version)
    found = []
    for name in sorted(versions):
        row = BY_TYPE.get(name)
        ours = BUILT_IN.get(name) or READ_BY_CASE.get(name, "")
        if row is not None and row.ops:
            ours = ", ".join(sorted(op.name for op in row.ops))
        found.append((name, min(versions[name]), max(versions[name]), row is not None or name in BUILT_IN, ours))
    return found


def page() -> str:
    rows = operators()
    read = sum(known for *_, known, _ in rows)
    head = HEAD.format(version=WRITTEN_FOR, newest=NEWEST, oldest=OLDEST, read=read, carried=len(rows) - read)
    lines = [
        f"| {name} | {first} | {newest} | {'read' if known else 'carried'} | {f'`{ours}`' if ours else ''} |\n"
        for name, first, newest, known, ours in rows
    ]
    return head + "".join(lines)


@pytest.mark.skipif(onnx.__version__ != WRITTEN_FOR, reason=f"the page is for onnx {WRITTEN_FOR}")
def test_the_page_lists_every_operator() -> None:
    if os.environ.get("NNVM_UPDATE"):
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page(), f"run: {CURE}"


def test_every_row_is_an_operator_of_onnx() -> None:
    names = {name for name, *_ in operators()}
    assert set(BY_TYPE) <= names
    assert names & BUILT_IN.keys() == BUILT_IN.keys()
    assert [name for name, row in BY_TYPE.items() if not row.ops and name not in READ_BY_CASE] == []
