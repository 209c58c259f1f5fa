"""What the command says of an optimisation: before and after, each pass, the seconds, and the proof."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from nnvm.dumps import dumper, scratch_for, write_repro
from nnvm.errors import Error
from nnvm.ir import Graph
from nnvm.options import options_of, type_text
from nnvm.passes import DEFAULT
from nnvm.pipeline import PassError, PassRun, all_passes, optimize
from nnvm.report.graphs import show
from nnvm.verifying import Verifier

Working = Callable[[str], AbstractContextManager[None]]


def optimise(
    load: Callable[[], Graph],
    output: Path | None,
    *,
    passes: str | Sequence[str] | None,
    check: bool,
    verify_each: bool,
    seed: int,
    limits: tuple[float, float] | None,
    working: Working,
    stop_after: int | None = None,
    dump: Path | None = None,
    watchers: Sequence[Callable[[PassRun], None]] = (),
    provenance: bool = False,
    replay: bool = False,
) -> dict[str, Any]:
    """Load, optimise, check and save a model; what is not equivalent is not saved.

    `watchers` see every run of a pass. With the folder `dump`, graphs are written there as they change. What replays a
    failing pass goes there too, or to a temporary folder, but for a failure that is a `replay`. With
    `provenance` what is saved says where it comes from; within `recording`, down to the file's own nodes.
    """
    start = time.perf_counter()
    original = load()
    rows: list[dict[str, Any]] = []
    seers = [*watchers, *([] if dump is None else [dumper(dump)])]

    def see(run: PassRun) -> None:
        rows.append(_pass_row(run, verify_each))
        for each in seers:
            each(run)

    checker = Verifier(seed, limits) if verify_each else False
    try:
        with working("optimising"):
            changed = optimize(
                original, passes, report=see, verify_each=checker, stop_after=stop_after, provenance=provenance
            )
    except PassError as failure:
        if replay:
            raise
        folder = dump or scratch_for(failure.before)
        if folder is None:
            raise Error(f"{failure}; to keep what replays it, give --dump-dir DIR") from failure
        path = write_repro(folder, failure, seed=seed, limits=limits, verify_each=verify_each)
        raise Error(f"{failure}; replay it: nnvm opt --repro {path}") from failure
    seconds = time.perf_counter() - start
    result: dict[str, Any] = {"before": show(original), "after": show(changed), "seconds": 0.0}
    start = time.perf_counter()
    with working("checking"):
        result |= _check(original, changed, seed, limits) if check else _unchecked()
    result["check_seconds"] = time.perf_counter() - start if check else 0.0
    start = time.perf_counter()
    if output is not None and result["equivalent"] is not False:
        from nnvm.frontends import save

        with working(f"saving {output}"):
            save(changed, output)
    result["seconds"] = seconds + time.perf_counter() - start
    result["passes"] = rows
    return result


def _pass_row(run: PassRun, verified: bool) -> dict[str, Any]:
    """Say what a run of a pass did; under verification also why it was `unchecked`, and how it was `judged`."""
    row = {"name": run.name, "seconds": run.seconds, "nodes": run.nodes, "changed": run.changed}
    row["options"] = dict(run.stage.options)
    return {**row, "unchecked": run.unchecked, "judged": run.judged} if verified else row


def passes() -> dict[str, Any]:
    """Return what `nnvm passes` says: every pass, those of the default pipeline first, what it does and its options."""
    rows = {}
    for name, each in all_passes().items():
        options = {
            option: {"type": type_text(known.annotation)}
            | ({} if known.default is known.empty else {"default": known.default})
            for option, known in options_of(each).items()
        }
        doc = (getattr(each, "__doc__", None) or "").strip()
        rows[name] = {"doc": doc.partition("\n")[0], "options": options, "in_default": each in DEFAULT}
    return rows


def _unchecked() -> dict[str, Any]:
    """Return all that a check says, as it is where there was none."""
    return {
        "equivalent": None,
        "insensitive": [],
        "rtol": None,
        "atol": None,
        "bindings": [],
        "refused": [],
        "max_abs_error": None,
        "differs": None,
        "judged": None,
    }


def _check(original: Graph, changed: Graph, seed: int, limits: tuple[float, float] | None) -> dict[str, Any]:
    from nnvm.equivalence import compare

    try:
        found = compare(original, changed, seed=seed, limits=limits)
    except Error as error:
        raise Error(f"the result could not be checked: {error}; --no-check saves it unproven") from error
    return {key: getattr(found, key) for key in _unchecked()}
