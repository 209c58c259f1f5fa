"""Faults put into the sources of passes and rules, and whom `--verify-each` names: `python -m benchmarks.mutants`."""

import argparse
import json
import os
import selectors
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

import nnvm.backends.numpy.table  # noqa: F401  (what every child needs, loaded once)
from benchmarks.mutants_corpus import corpus, harvested
from benchmarks.mutants_harm import judged
from benchmarks.mutants_sites import Mutant, Uses, modules, mutants_of
from benchmarks.mutants_worker import baseline, in_child, study, told_by
from benchmarks.table import Cell, table
from nnvm.ir import Graph

SECONDS: Final = 3.0
"""Seconds of processor time for which a mutant may go unnoticed before it has survived."""
BATCH: Final = 12
"""Mutants that run before the next ones are drawn, so that those which do no harm are replaced."""
MOST: Final = 60
"""How many graphs a mutant is run on."""


class Row(NamedTuple):
    """A mutant, and what became of it."""

    mutant: Mutant
    told: Mapping[str, Any]

    @property
    def outcome(self) -> str:
        """What became of it.

        One of OUTCOMES: harm is done by all but the last three of those.
        """
        told = self.told
        if told["outcome"] == "does not load":
            return "discarded"
        if told["outcome"] != "survived":
            return str(told["outcome"])
        if told.get("harm") is not None:
            return "unseen"
        if not told["changed"]:
            return "idle"
        return "harmless" if told["equal"] else "unjudged"

    @property
    def harms(self) -> bool:
        """Whether the mutant counts among those that verification ought to name."""
        return self.outcome not in ("harmless", "idle", "discarded")


def main() -> None:
    """Draw mutants, run them, and print tables, the survivors with their reasons, and the sizes after reduction."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutants", description=__doc__)
    parser.add_argument("--mutants", type=int, default=60, metavar="N", help="stop at so many that do harm")
    parser.add_argument("--most", type=int, default=240, metavar="N", help="draw no more than so many")
    parser.add_argument("--seconds", type=float, default=300, help="begin no further mutants after so many")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="", help="only mutants whose names hold this text")
    parser.add_argument("--json", type=Path, help="write every mutant and what became of it there")
    options = parser.parse_args()
    start = time.monotonic()
    rows = run(
        options.mutants, options.seed, options.jobs, most=options.most, seconds=options.seconds, only=options.only
    )
    print(report(rows, options.seed, time.monotonic() - start))
    if options.json is not None:
        told = [{**row.told, "id": row.mutant.id, "outcome": row.outcome, "told": row.told} for row in rows]
        options.json.write_text(json.dumps(told, indent=1))


def run(
    count: int, seed: int, jobs: int, *, most: int = 240, seconds: float = 300, only: str = ""
) -> list[Row]:  # fmt: skip
    """Return what becomes of mutants drawn by a seed, in batches until so many do harm, or time or mutants run out."""
    paths = modules()
    every = [mutant for module, path in paths.items() for mutant in mutants_of(module, path) if only in mutant.id]
    graphs, real = _known(seed)
    if "refused" not in real:
        raise SystemExit(f"the real passes fail on the corpus: {real['said']}")
    for told in real["refused"].values():
        print(f"left out of the corpus, for the real passes are refused: {told}"[:600])
    uses = Uses(paths)
    rows: list[Row] = []
    classes: dict[str, int] = {}
    waiting = drawn(every, seed, classes)
    until = time.monotonic() + seconds
    while sum(row.harms for row in rows) < count and len(rows) < most and time.monotonic() < until:
        batch = list(islice(waiting, min(BATCH, most - len(rows))))
        if not batch:
            break
        rows += _studied(batch, jobs, lambda mutant: partial(
            study, mutant, covering(mutant, real["lines"]), graphs, real["digests"], seed, SECONDS, uses, True,
        ))  # fmt: skip
        for row in rows[-len(batch) :]:
            classes[row.mutant.kind] -= not row.harms
        _show(rows, count)
    return rows


def _known(seed: int) -> tuple[list[Graph], Mapping[str, Any]]:
    """Return the corpus, and what the real passes make of it."""
    graphs = [*sorted([*corpus(), *harvested()], key=lambda graph: len(graph.nodes))]
    return graphs, told_by(in_child(lambda: baseline(graphs, seed), 600)[1])


def _studied(batch: Sequence[Mutant], jobs: int, work: Callable[[Mutant], Any]) -> list[Row]:
    """Run mutants, each in a child, and have survivors judged in a child that loads the real sources."""
    found: dict[Mutant, Mapping[str, Any]] = {}
    todo = [(mutant, work(mutant)) for mutant in reversed(batch)]
    selector = selectors.DefaultSelector()
    while todo or selector.get_map():
        while todo and len(selector.get_map()) < jobs:
            mutant, each = todo.pop()
            number, end = in_child(each, 60)
            selector.register(end, selectors.EVENT_READ, (number, mutant))
        for key, _ in selector.select():
            number, mutant = key.data
            selector.unregister(key.fd)
            told = told_by(key.fd)
            os.waitpid(number, 0)
            if told.get("kept"):
                found[mutant] = {key: value for key, value in told.items() if key != "kept"}
                todo.append((mutant, partial(judged, Path(told["kept"]))))
            else:
                found[mutant] = {**found.get(mutant, {}), **told}
    return [Row(mutant, found[mutant]) for mutant in batch]


def drawn(every: Sequence[Mutant], seed: int, classes: dict[str, int] | None = None) -> Iterator[Mutant]:
    """Yield mutants in an order of the seed's: the modules in turn, each time of a class that is rare so far.

    `classes` counts them; who takes one back there has it replaced by another of its class.
    """
    random = Random(seed)
    by_module: dict[str, list[Mutant]] = {}
    for mutant in every:
        by_module.setdefault(mutant.module, []).append(mutant)
    for each in by_module.values():
        random.shuffle(each)
    classes = {} if classes is None else classes
    while by_module:
        for module in sorted(by_module):
            left = by_module[module]
            mutant = min(left, key=lambda each: classes.get(each.kind, 0))
            classes[mutant.kind] = classes.get(mutant.kind, 0) + 1
            left.remove(mutant)
            if not left:
                del by_module[module]
            yield mutant


def covering(mutant: Mutant, lines: Mapping[str, Sequence[int]]) -> list[int]:
    """Return graphs that come through a mutant's statement, small ones first; of many, those spread among them."""
    found: set[int] = set()
    for line in range(mutant.first, mutant.last + 1):
        found.update(lines.get(f"{mutant.module}:{line}", ()))
    listed = sorted(found)
    few, rest = listed[: MOST // 2], listed[MOST // 2 :]
    return few + rest[:: max(1, len(rest) // (MOST // 2))][: MOST // 2]


def _show(rows: Sequence[Row], count: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{sum(row.harms for row in rows)}/{count} harmful of {len(rows)}", end="", file=sys.stderr, flush=True)


def share(rows: Sequence[Row]) -> float:
    """Return the share of mutants for which the right pass or rule is named, of those that do harm."""
    judged = [row for row in rows if row.harms]
    return sum(row.outcome == "named" for row in judged) / len(judged) if judged else 1.0


def sizes(rows: Sequence[Row]) -> list[int]:
    """Return the operators that reduction leaves of each graph; a reduction that fails counts as a million."""
    return sorted(1_000_000 if row.told.get("reduced") is None else row.told["reduced"]
                  for row in rows if row.outcome == "named")  # fmt: skip


def report(rows: Sequence[Row], seed: int, seconds: float) -> str:
    """Return the tables as text."""
    counts = {name: sum(row.outcome == name for row in rows) for name in OUTCOMES}
    parts = [f"seed {seed}, {len(rows)} mutants drawn, {seconds:.0f} s", ""]
    parts += [f"{counts[name]:4} {name}: {what}" for name, what in OUTCOMES.items()]
    harmful = sum(row.harms for row in rows)
    parts += ["", f"right pass or rule named: {counts['named']} of {harmful} that do harm, {share(rows):.1%}", ""]
    for title, key in (("by class of fault", "kind"), ("by module", "module")):
        parts += [table(f"Mutants {title}", HEADS, _counts(rows, key)), ""]
    kinds: dict[str, int] = {}
    for row in rows:
        if row.outcome == "named":
            kinds[row.told["kind"]] = kinds.get(row.told["kind"], 0) + 1
    parts.append("refusals: " + ", ".join(f"{kind} {times}" for kind, times in sorted(kinds.items())))
    of_rules = [row for row in rows if row.outcome == "named" and row.told["of_rule"]]
    parts.append(f"faults in a rule itself: {len(of_rules)}, rule named: {sum(bool(r.told['rule']) for r in of_rules)}")
    left = sizes(rows)
    if left:
        parts.append(f"operators after nnvm reduce: median {statistics.median(left):g}, worst {left[-1]}")
    for name in OUTCOMES:
        for row in rows:
            large = name == "named" and (row.told.get("reduced") is None or row.told["reduced"] > 10)
            if row.outcome == name and (name != "named" or large):
                parts += ["", f"{'large' if large else name}: {row.mutant.id}", f"  {_told(row)}"]
    return "\n".join(parts)


OUTCOMES: Final = {
    "named": "the right pass or rule is named",
    "wrong": "another pass or rule is named",
    "broken": "the run ends outside any pass",
    "hang": "the run ends by the clock, outside any pass",
    "unseen": "a judge finds a wrong result, verification none",
    "unjudged": "no judge can run any graph that it changed; counted as harm",
    "harmless": "does less, or does the same: it changed graphs, and all compute the same",
    "idle": "never changes a graph of the corpus",
    "discarded": "does not load",
}
"""What becomes of mutants; the last three do no harm."""
HEADS: Final = ("", "drawn", "harmful", "named right", "named wrong", "unseen", "harmless", "idle", "discarded")


def _counts(rows: Sequence[Row], key: str) -> Iterator[list[Cell]]:
    names = sorted({getattr(row.mutant, key) for row in rows})
    for name in (*names, None):
        chosen = [row for row in rows if name is None or getattr(row.mutant, key) == name]
        columns = (
            ("named",),
            ("wrong", "broken", "hang"),
            ("unseen", "unjudged"),
            ("harmless",),
            ("idle",),
            ("discarded",),
        )
        counts = [sum(row.outcome in column for row in chosen) for column in columns]
        shown = "all" if name is None else str(name).removeprefix("nnvm.")
        yield [shown, len(chosen), sum(row.harms for row in chosen), *counts]


def _told(row: Row) -> str:
    told = row.told
    if row.outcome == "unseen":
        return str(told["harm"])
    if row.outcome in ("harmless", "unjudged"):
        known = f"{told['equal']} of them equal in ONNX Runtime or the interpreter of the laws"
        return f"{told['tried']} graphs run, {told['changed']} changed, {known}, {told['unknown']} run by neither"
    if row.outcome == "idle":
        return f"{told['tried']} graphs run, none comes out otherwise than by the real passes"
    if row.outcome == "named":
        return str(told.get("reducing") or told.get("text"))
    return f"{told.get('pass', '')} {told.get('rule') or ''} {told.get('said', '')}"


if __name__ == "__main__":
    main()
