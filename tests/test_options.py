"""Pipelines as text: what is read, what is refused and where the caret stands."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import pytest

from nnvm.errors import Error
from nnvm.ir.annotations import Bounds
from nnvm.options import Stage, fits, options_of, parse, type_text


def plain(graph):
    return graph


def fuse(graph, evaluate, /, *, limit: int = 8, rate: float | None = None, names: tuple[str, ...] = ()):
    return graph


def strict(graph, *, size: int, mode: Literal["fast", "small"] = "fast", loose=None, on: bool = True):
    return graph


KNOWN = {each.__name__: each for each in (plain, fuse, strict)}


def find(name: str) -> Any:
    if name not in KNOWN:
        raise Error(f"there is no pass {name!r}")
    return KNOWN[name]


def read(text: str) -> list[tuple[str, dict[str, Any]]]:
    return [(stage.name, dict(stage.options)) for stage in parse(text, find)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("  ", []),
        ("plain", [("plain", {})]),
        (" plain , fuse { limit = 16 } ", [("plain", {}), ("fuse", {"limit": 16})]),
        ("fuse{}", [("fuse", {})]),
        ("fuse{limit=-3,rate=1e-3}", [("fuse", {"limit": -3, "rate": 1e-3})]),
        ("fuse{rate=None},fuse{rate=2}", [("fuse", {"rate": None}), ("fuse", {"rate": 2})]),
        ("fuse{names=('a', 'b}', \"c,\")}", [("fuse", {"names": ("a", "b}", "c,")})]),
        ("strict{size=1,mode='small',loose={'a': [1]},on=False}",
         [("strict", {"size": 1, "mode": "small", "loose": {"a": [1]}, "on": False})]),
        (",".join(["plain"] * 1000), [("plain", {})] * 1000),
    ],
)  # fmt: skip
def test_what_is_read(text, expected):
    assert read(text) == expected


@pytest.mark.parametrize("text", ["plain", "fuse{limit=16,names=('a', 'b')}", "strict{size=1,mode='small'}"])
def test_a_stage_reads_back_from_its_text(text):
    (stage,) = parse(text, find)
    assert str(stage) == text
    assert str(parse(str(stage), find)[0]) == text
    assert str(Stage(plain)) == "plain"


@pytest.mark.parametrize(
    ("text", "told", "place"),
    [
        ("plain,shrink", "no pass 'shrink'", 6),
        (",", "the name of a pass is expected", 0),
        ("plain,", "the name of a pass is expected", 6),
        ("plain,,plain", "the name of a pass is expected", 6),
        ("3", "the name of a pass is expected", 0),
        ("plain plain", "a comma is expected here, or options in braces", 6),
        ("fuse{limit=3}plain", "a comma is expected here", 13),
        ("plain}", "a comma is expected", 5),
        ("plain{limit=3}", "plain has no option limit; it has none", 6),
        ("fuse{size=3}", "fuse has no option size; its options are limit, rate, names", 5),
        ("fuse{evaluate=3}", "has no option evaluate", 5),
        ("fuse{limit=3,limit=4}", "limit twice", 13),
        ("fuse{limit}", "= and a value of limit", 10),
        ("fuse{limit=}", "is no literal", 11),
        ("fuse{limit=big}", "'big' is no literal; write a number", 11),
        ("fuse{limit=__import__('os')}", "is no literal", 11),
        ("fuse{limit=1+x}", "is no literal", 11),
        ("fuse{limit=1", "a comma or a closing brace is expected", 12),
        ("fuse{limit=1 rate=2}", "is no literal", 11),
        ("fuse{", "the name of an option", 5),
        ("fuse{,limit=1}", "the name of an option", 5),
        ("fuse{limit=1,}", "the name of an option", 13),
        ("fuse{names=('a}", "quote is not closed", 12),
        ("fuse{names=(}", "is no literal", 11),
        ("fuse{limit='8'}", "fuse: limit is int, and '8' is not", 11),
        ("fuse{limit=True}", "limit is int, and True is not", 11),
        ("fuse{limit=1.5}", "limit is int, and 1.5 is not", 11),
        ("fuse{names=('a',1)}", r"names is tuple\[str, ...\]", 11),
        ("plain,strict", "strict needs the option size: strict{size=...}", 6),
        ("strict{size=1,mode='big'}", "mode is ", 19),
        ("fuse{limit=" + "(" * 3000 + "}", "is no literal", 11),
        ("fuse{limit=" + "-" * 9000 + "1}", "is no literal", 11),
        ("x" * 20_000, "at most 10,000 characters; this one has 20,000", 0),
    ],
)
def test_what_is_refused_and_where(text, told, place):
    with pytest.raises(Error, match=told) as caught:
        read(text)
    _, shown, caret = str(caught.value).split("\n")
    assert caret.strip() == "^"
    column = caret.index("^") - 2
    assert shown[2 + column :] == text[place : place + 60]
    assert shown[2 : 2 + column] == text[max(0, place - 60) : place]


def test_white_space_is_shown_as_wide_as_it_is():
    with pytest.raises(Error) as caught:
        read("plain,\n\tshrink")
    assert str(caught.value).split("\n")[1:] == ["  plain,  shrink", "          ^"]


def test_options_are_the_keyword_only_parameters():
    assert list(options_of(fuse)) == ["limit", "rate", "names"]
    assert options_of(fuse)["limit"].default == 8
    assert options_of(plain) == {}
    assert options_of(max) == {}

    def later(graph, *, size: "NotImported" = 1, count: "int" = 2):  # type: ignore[name-defined]  # noqa: F821
        return graph

    assert options_of(later)["size"].annotation == "NotImported"
    assert parse("later{size='any'}", lambda name: later)[0].options == {"size": "any"}


@pytest.mark.parametrize(
    ("value", "annotation", "expected"),
    [
        (1, int, True), (True, int, False), (True, bool, True), (1, bool, False), (1, float, True),
        (True, float, False), ("a", str, True), (None, None, True), (None, int | None, True), ("a", int | None, False),
        ((1, 2), tuple[int, ...], True), ((1, "a"), tuple[int, ...], False), ((1, "a"), tuple[int, str], True),
        ((1,), tuple[int, str], False), ([1], tuple[int, ...], False), ((1, 2), Sequence[int], True),
        ([1], list[int], True), (["a"], list[int], False), ("fast", Literal["fast"], True), (True, Literal[1], False),
        (3, Any, True), (3, "unread", True), ({"a": 1}, dict[str, int], True), (3, dict[str, int], False),
        ((), tuple[()], True), ((), tuple, True),
    ],
)  # fmt: skip
def test_literals_fit_annotations(value, annotation, expected):
    assert fits(value, annotation) is expected


def test_types_as_people_write_them():
    assert type_text(int) == "int"
    assert type_text(tuple[int, ...]) == "tuple[int, ...]"
    assert type_text(float | None) == "float | None"
    assert type_text(options_of(strict)["loose"].annotation) == "anything"


def test_options_have_bounds_and_choices_like_params():
    def bounded(graph, *, limit: Annotated[int, Bounds(ge=1, le=9)] = 1):
        return graph

    assert parse("bounded{limit=9}", lambda name: bounded)[0].options == {"limit": 9}
    with pytest.raises(Error, match="bounded: limit is int >= 1 and <= 9, and 0 is not"):
        parse("bounded{limit=0}", lambda name: bounded)
    with pytest.raises(Error, match="strict: mode is 'fast' or 'small', and 'big' is not"):
        read("strict{size=1,mode='big'}")
