"""How figures are written."""

from pathlib import Path

import pytest

from nnvm import report
from nnvm.ir import dim, f32


def test_plain_makes_what_json_holds():
    thing = {"a": (dim("n") + 1, [Path("x/y"), None, True]), 3: {"b": 1.5}, "c": f32[2]}
    assert report.plain(thing) == {"a": ["n + 1", ["x/y", None, True]], "3": {"b": 1.5}, "c": "f32[2]"}


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (1023, "1023 bytes"), (1024, "1.0 KiB"), (3 << 20, "3.0 MiB"), (5 << 29, "2.5 GiB")],
)
def test_sizes_as_people_write_them(size, text):
    assert report.size_text(size) == text


def test_shapes_as_people_write_them():
    assert [report.shape_text(shape) for shape in ([1, "n"], [], None)] == ["[1, n]", "[]", "of unknown rank"]
