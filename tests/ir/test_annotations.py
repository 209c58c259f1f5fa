"""What annotations let through, how they read, and what texts spell."""

import math
from collections.abc import Sequence
from enum import Enum
from typing import Annotated, Any, Literal

import pytest

from nnvm.ir import DType, TensorType, f32, f64
from nnvm.ir.annotations import LONGEST, Bounds, annotations, fits, read, type_text
from nnvm.ir.op import op

Positive = Annotated[int, Bounds(ge=1)]
Share = Annotated[float, Bounds(ge=0, lt=1)]
Pair = Annotated[tuple[int, ...], Bounds(gt=0, le=2)]


class Mode(Enum):
    FAST = "fast"
    SMALL = 2


class Stranger:
    """Bounds as another package writes them."""

    ge = 3


@pytest.mark.parametrize(
    ("value", "annotation", "expected"),
    [
        (1, int, True), (True, int, False), (True, bool, True), (1, bool, False), (1, float, True),
        (True, float, False),
        ("a", str, True), (None, None, True), (None, int | None, True), ("a", int | None, False),
        ((1, 2), tuple[int, ...], True), ((1, "a"), tuple[int, ...], False), ((1, "a"), tuple[int, str], True),
        ((1,), tuple[int, str], False), ([1], tuple[int, ...], False), ((1, 2), Sequence[int], True),
        ("fast", Literal["fast"], True), (True, Literal[1], False), (3, Any, True), (3, "unread", True),
        ((), tuple, True),
        (1, Positive, True), (0, Positive, False), ("1", Positive, False), (0.0, Share, True), (1, Share, False),
        ((1, 2), Pair, True), ((), Pair, False), ((1, 2, 3), Pair, False), ((1, "a"), Pair, False),
        (None, Positive | None, True), (0, Positive | None, False), (3, Annotated[int, Stranger()], True),
        (2, Annotated[int, Stranger()], False), (5, Annotated[int, "a note"], True), (f32, DType, True),
        ("f32", DType, False), (f32[2], TensorType, True), (Mode.FAST, Mode, True), ("fast", Mode, False),
        ("abc", Annotated[str, Bounds(le=3)], True), ("abcd", Annotated[str, Bounds(le=3)], False),
        (object(), object, True),
    ],
)  # fmt: skip
def test_what_fits(value: Any, annotation: Any, expected: bool) -> None:
    assert fits(value, annotation) is expected


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (int, "int"), (tuple[int, ...], "tuple[int, ...]"), (float | None, "float | None"), (None, "None"),
        (Any, "Any"),
        (Literal["a", 1], "'a' or 1"), (Positive, "int >= 1"), (Share, "float >= 0 and < 1"), (Mode, "Mode"),
        (Positive | None, "int >= 1 | None"), (Annotated[int, "a note"], "int"), (DType, "DType"),
        (tuple[Positive, ...], "tuple[int >= 1, ...]"), ("later", "later"),
    ],
)  # fmt: skip
def test_annotations_as_people_write_them(annotation: Any, text: str) -> None:
    assert type_text(annotation) == text
    assert repr(Bounds(ge=1, lt=4)) == "Bounds(ge=1, lt=4)"


@pytest.mark.parametrize(
    ("text", "annotation", "expected"),
    [
        ("1", int, 1), (" -3 ", int, -3), ("7L", int, 7), ("1e-5", float, 1e-5), ("inf", float, math.inf),
        ("2", float, 2.0),
        ("True", bool, True), ("true", bool, True), ("1", bool, True), ("False", bool, False), ("0", bool, False),
        ("NCHW", str, "NCHW"), ("1", str, "1"), ("None", int | None, None), ("", int | None, None),
        ("3", int | None, 3),
        ("gpu1", str | int | None, "gpu1"), ("1", str | int | None, 1), ("None", str | int | None, None),
        ("(1,2)", tuple[int, ...], (1, 2)), ("[1, 2]", tuple[int, ...], (1, 2)), ("(1,)", tuple[int, ...], (1,)),
        ("(1L,2L)", tuple[int, ...], (1, 2)), ("7", tuple[int, ...], (7,)), ("()", tuple[int, ...], ()),
        ("[]", tuple[int, ...], ()), ("( 1 , -2 )", tuple[int, ...], (1, -2)), ("(1, 2)", tuple[int, int], (1, 2)),
        ("((1,2),(3,))", tuple[tuple[int, ...], ...], ((1, 2), (3,))), ("(1, None)", tuple[int | None, ...], (1, None)),
        ("['a,b', \"c\"]", tuple[str, ...], ("a,b", "c")), ("[a, b]", tuple[str, ...], ("a", "b")),
        ("(1, x)", tuple[int, str], (1, "x")), ("(1, 'x')", tuple, (1, "x")),
        ("small", Literal["fast", "small"], "small"),
        ("2", Literal[1, 2], 2), ("float32", DType, f32), ("f64", DType, f64), ("FAST", Mode, Mode.FAST),
        ("2", Mode, Mode.SMALL), ("3", Positive, 3), ("{'a': [1]}", dict[str, Any], {"a": [1]}), ("[1]", Any, [1]),
        ("what?", object, "what?"),
    ],
)  # fmt: skip
def test_what_texts_spell(text: str, annotation: Any, expected: Any) -> None:
    found = read(text, annotation)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("text", "annotation"),
    [
        ("", int), ("x", int), ("1.5", int), ("True", int), ("one", float), ("yes", bool), ("2", bool), ("None", int),
        ("(1,a)", tuple[int, ...]), ("(1,2", tuple[int, ...]), ("1,2)", tuple[int, ...]), ("(1,2,3)", tuple[int, int]),
        ("((1,2)", tuple[int, ...]), ("fastest", Literal["fast"]), ("float31", DType), ("SLOW", Mode), ("0", Positive),
        ("(1,2,3)", Pair), ("9" * 5000, int), ("1" * (LONGEST + 1), int), ("(" * 5000, tuple[int, ...]), ("[1]", dict),
        ("(" * 90_000, dict), ("1.5", int | None),
    ],
)  # fmt: skip
def test_what_texts_do_not_spell(text: str, annotation: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        read(text, annotation)


def test_annotations_are_evaluated_where_they_can_be() -> None:
    def later(x: int, *, size: "NotImported", count: "int") -> None: ...  # type: ignore[name-defined]  # noqa: F821

    def written(x: int, *, count: "Positive") -> None: ...

    assert annotations(later) == {"x": int, "return": None}
    assert annotations(written)["count"] == Positive
    assert annotations(None) == {}
    assert "count" in op(outputs=1)(written).annotated
