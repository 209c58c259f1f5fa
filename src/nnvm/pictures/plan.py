"""How the plan of a program looks as one page that is read with a browser: the arena as time by offset."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, Final

from nnvm import ops
from nnvm.ir import Op
from nnvm.pictures.families import PALETTE, family
from nnvm.pictures.lettering import clean
from nnvm.pictures.page import document, held
from nnvm.runtime.explain import explain
from nnvm.runtime.lives import Life, Lives
from nnvm.runtime.program import Program

_KERNELS: Final = {
    "power": "pow", "round_even": "round", "absolute": "abs", "copy": "identity", "slice_array": "slice",
    "sequence": "arange", "window": "hann_window",
}  # fmt: skip
"""Kernels that are called otherwise than their operators."""

_SHOWN: Final = (
    *(("arena", "peak_bytes"), ("workspace beside it", "workspace_bytes"), ("sized at run", "adopted_bytes")),
    *(("inputs, outputs, weights", "external_bytes"), ("without reuse", "naive_bytes"), ("alignment", "alignment")),
)


def plan_html(program: Program, title: str = "plan", binding: Mapping[str, int] | None = None) -> str:
    """Return a whole HTML document that shows a program's arena at a binding, by default the one it was measured at.

    It needs no other file and asks no network for anything; names are data to the page, never markup or code.
    """
    lives = Lives(program, binding)
    return document("plan.html", clean(title), _text("plan.css"), _text("plan.js"), held(content(lives, title)))


def _text(name: str) -> str:
    return (files("nnvm.pictures") / name).read_text(encoding="utf-8")


def content(lives: Lives, title: str) -> dict[str, Any]:
    """Return what the page knows: buffers by offset and time, the bytes alive, bounds, and the peak explained."""
    program = lives.program
    explained = explain(program, lives.placed.binding)
    rows = drawn(lives)
    named: dict[str, int] = {}
    for i, life in enumerate(rows):
        at = explained.steps[0] if explained.steps else -1
        if life.first <= at <= life.last or life.name not in named:
            named[clean(life.name)] = i
    packing, order = bounds(lives)
    return {
        "title": clean(title),
        "steps": [[clean(step.name or step.kernel), clean(step.kernel)] for step in program.steps],
        "families": PALETTE,
        "peak": lives.placed.peak,
        "packing": packing,
        "order": order,
        "at": explained.steps[0] if explained.steps else -1,
        "live": lives.live,
        "buffers": [[*_row(lives, life), end] for life, end in zip(rows, _label_ends(rows), strict=True)],
        "names": {life.root: clean(program.buffers[life.root].name) for life in rows if life.root != life.number},
        "buffer_of": named,
        "explained": _cleaned(explained.report()),
        "header": _header(lives, packing, order),
        "figures": [[text, _figure(program, key)] for text, key in _SHOWN],
    }


def drawn(lives: Lives) -> list[Life]:
    """Return the buffers in the order in which they are drawn: what has bytes of its own, then what lies in those."""
    views = {i for i, buffer in enumerate(lives.program.buffers) if buffer.view_of is not None}
    own = [life for life in lives.held if life.size]
    inner = [life for life in lives.buffers if life.root != life.number and life.number not in views and life.size]
    return [*own, *inner]


def bounds(lives: Lives) -> tuple[int, int]:
    """Return the bound of this order, counted here, and that of any order, which the plan carries (0: none)."""
    plan = lives.program.meta.get("plan", {})
    order = plan.get("order_bound_bytes", 0) if isinstance(plan, Mapping) else 0
    order = order.get("at", 0) if isinstance(order, Mapping) else order
    return max(lives.live, default=0), order if isinstance(order, int) else 0


def family_of(kernel: str) -> str:
    """Return the family of the operator that a kernel computes, by its name; "other" where ours have no such."""
    name = kernel.partition(":")[2].partition("/")[0].removeprefix("sized_")
    name = _KERNELS.get(name, name)
    for each in (name, name.removesuffix("_add")):
        op = getattr(ops, each, None)
        if isinstance(op, Op):
            return family(op)
    return "other"


def _label_ends(rows: Sequence[Life]) -> list[int]:
    """Return the step up to which each buffer's name is not drawn over by what lies in its bytes."""
    covered: dict[int, int] = {}
    for life in rows:
        if life.root != life.number:
            covered[life.root] = min(covered.get(life.root, life.first), life.first)
    return [covered.get(life.number, life.last + 1) for life in rows]


def _row(lives: Lives, life: Life) -> list[Any]:
    buffer = lives.program.buffers[life.number]
    shape = ", ".join(map(str, lives.placed.shapes[life.number] or ()))
    kind = family_of(lives.program.steps[life.maker].kernel)
    alias = None if life.root == life.number else life.root
    place = [clean(life.name), life.offset, life.size, life.first, life.last, alias, life.maker]
    return [*place, kind, f"{buffer.dtype}[{shape}]"]


def _header(lives: Lives, packing: int, order: int) -> list[list[Any]]:
    peak = lives.placed.peak
    rows: list[list[Any]] = [["height of the arena", f"{peak:,} bytes", False]]
    for text, bound in (("over the bound of this order", packing), ("over that of any order", order)):
        if bound:
            rows.append([text, "optimal" if peak <= bound else f"{peak / bound - 1:.2%}", peak <= bound])
    return [*rows, ["buffers", f"{len(lives.held):,}", False], ["steps", f"{len(lives.program.steps):,}", False]]


def _figure(program: Program, key: str) -> str:
    plan = program.meta.get("plan", {})
    size = plan.get(key, 0) if isinstance(plan, Mapping) else 0
    size = size.get("at", 0) if isinstance(size, Mapping) else size
    return f"{size:,}" if isinstance(size, int) else str(size)


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {key: _cleaned(each) for key, each in value.items()}
    return [_cleaned(each) for each in value] if isinstance(value, Sequence) else value
