"""Faults put into the sources of passes and rules, and whom `--verify-each` names: `python -m benchmarks.mutants`."""

import argparse
import json
import os
import selectors
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

import nnvm.backends.numpy.table  # noqa: F401  (what every child needs, loaded once)
from benchmarks.mutants_corpus import corpus, harvested
from benchmarks.mutants_sites import Mutant, Uses, modules, mutants_of
from benchmarks.mutants_survivors import REASONS
from benchmarks.mutants_worker import baseline, in_child, study, told_by
from benchmarks.table import Cell, table

SECONDS: Final = 6.0
"""How long a mutant may go unnoticed before it has survived."""
MOST: Final = 80
"""How many graphs a mutant is run on."""


class Row(NamedTuple):
    """A mutant, and what became of it."""

    mutant: Mutant
    told: Mapping[str, Any]

    @property
    def outcome(self) -> str:
        """named, wrong, hang, survived (nobody has said why), or equivalent (a reason is written down)."""
        found = str(self.told["outcome"])
        if found == "survived" and not self.told.get("tried"):
            found = "never fired"
        return "equivalent" if found in ("survived", "never fired") and self.mutant.id in REASONS else found


def main() -> None:
    """Draw mutants, run them, and print a table, the survivors with their reasons, and the sizes after reduction."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutants", description=__doc__)
    parser.add_argument("--mutants", type=int, default=100, metavar="N")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="", help="only mutants whose names hold this text")
    parser.add_argument("--json", type=Path, help="write every mutant and what became of it there")
    options = parser.parse_args()
    start = time.monotonic()
    rows = run(options.mutants, options.seed, options.jobs, only=options.only, models_too=True)
    print(report(rows, options.seed, time.monotonic() - start))
    if options.json is not None:
        told = [{"id": row.mutant.id, "outcome": row.outcome, **row.told} for row in rows]
        options.json.write_text(json.dumps(told, indent=1))


def run(count: int, seed: int, jobs: int, *, only: str = "", models_too: bool = False) -> list[Row]:
    """Return what becomes of so many mutants that load, drawn by a seed."""
    paths = modules()
    every = [mutant for module, path in paths.items() for mutant in mutants_of(module, path) if only in mutant.id]
    graphs = [*sorted([*corpus(), *harvested()], key=lambda graph: len(graph.nodes))]
    real = told_by(in_child(lambda: baseline(graphs, seed), 600)[1])
    if "refused" not in real:
        raise SystemExit(f"the real passes fail on the corpus: {real['said']}")
    for told in real["refused"].values():
        if told.partition(": ")[2].startswith("Refusal"):
            print(f"the real passes are refused: {told}"[:1500])
    uses = Uses(paths)
    rows: list[Row] = []
    waiting = drawn(every, seed)
    running = _Running(jobs)
    loading = 0
    while True:
        while len(rows) + loading < count and (mutant := next(waiting, None)) is not None:
            chosen = covering(mutant, real["lines"])
            running.start(
                mutant, partial(study, mutant, chosen, graphs, real["digests"], seed, SECONDS, uses, models_too)
            )
            loading += 1
            if running.full:
                break
        if not loading:
            return rows
        for mutant, told in running.finished():
            loading -= 1
            if told["outcome"] != "does not load":
                rows.append(Row(mutant, told))
        _show(rows, count)


class _Running:
    """The children at work, as many as there are jobs."""

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self.selector = selectors.DefaultSelector()

    @property
    def full(self) -> bool:
        return len(self.selector.get_map()) >= self.jobs

    def start(self, mutant: Mutant, work: Any) -> None:
        number, end = in_child(work, 60)
        self.selector.register(end, selectors.EVENT_READ, (number, mutant))

    def finished(self) -> Iterator[tuple[Mutant, Mapping[str, Any]]]:
        for key, _ in self.selector.select():
            number, mutant = key.data
            self.selector.unregister(key.fd)
            told = told_by(key.fd)
            os.waitpid(number, 0)
            yield mutant, told


def drawn(every: Sequence[Mutant], seed: int) -> Iterator[Mutant]:
    """Yield mutants in an order of the seed's: the modules in turn, each time of a class that is rare so far."""
    random = Random(seed)
    by_module: dict[str, list[Mutant]] = {}
    for mutant in every:
        by_module.setdefault(mutant.module, []).append(mutant)
    for each in by_module.values():
        random.shuffle(each)
    classes: dict[str, int] = {}
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
        named = sum(row.outcome == "named" for row in rows)
        end = "\n" if len(rows) == count else ""
        print(f"\r{len(rows)}/{count} mutants, {named} named", end=end, file=sys.stderr, flush=True)


def share(rows: Sequence[Row]) -> float:
    """Return the share of mutants for which the right pass or rule is named, of those that are no equivalents."""
    judged = [row for row in rows if row.outcome != "equivalent"]
    return sum(row.outcome == "named" for row in judged) / len(judged) if judged else 1.0


def sizes(rows: Sequence[Row]) -> list[int]:
    """Return the operators that reduction leaves of each graph; a reduction that fails counts as a million."""
    return sorted(row.told.get("reduced") or (0 if row.told.get("reduced") == 0 else 1_000_000)
                  for row in rows if row.outcome == "named")  # fmt: skip


def report(rows: Sequence[Row], seed: int, seconds: float) -> str:
    """Return the tables as text."""
    parts = [f"seed {seed}, {len(rows)} mutants, {seconds:.0f} s", ""]
    for title, key in (("by class of fault", "kind"), ("by module", "module")):
        parts += [table(f"Mutants {title}", HEADS, _counts(rows, key)), ""]
    kinds: dict[str, int] = {}
    for row in rows:
        if row.outcome == "named":
            kinds[row.told["kind"]] = kinds.get(row.told["kind"], 0) + 1
    parts.append("refusals: " + ", ".join(f"{kind} {times}" for kind, times in sorted(kinds.items())))
    of_rules = [row for row in rows if row.outcome == "named" and row.told["of_rule"]]
    parts.append(f"faults in a rule itself: {len(of_rules)}, rule named: {sum(bool(r.told['rule']) for r in of_rules)}")
    parts.append(f"right pass or rule named: {share(rows):.1%} of those that change what is computed")
    left = sizes(rows)
    if left:
        parts.append(f"operators after nnvm reduce: median {statistics.median(left):g}, worst {left[-1]}")
    for row in rows:
        if row.outcome != "named":
            parts += ["", f"{row.outcome}: {row.mutant.id}", f"  {REASONS.get(row.mutant.id) or _told(row)}"]
        elif (row.told.get("reduced") if row.told.get("reduced") is not None else 99) > 10:
            parts += ["", f"large: {row.mutant.id}", f"  {row.told.get('reducing') or row.told.get('text')}"]
    return "\n".join(parts)


HEADS: Final = ("", "mutants", "named right", "named wrong", "hang", "survived", "equivalent")


def _counts(rows: Sequence[Row], key: str) -> Iterator[list[Cell]]:
    names = sorted({getattr(row.mutant, key) for row in rows})
    for name in (*names, None):
        chosen = [row.outcome for row in rows if name is None or getattr(row.mutant, key) == name]
        columns = (("named",), ("wrong", "broken"), ("hang",), ("survived", "never fired"), ("equivalent",))
        counts = [sum(each in column for each in chosen) for column in columns]
        yield ["all" if name is None else str(name).removeprefix("nnvm."), len(chosen), *counts]


def _told(row: Row) -> str:
    told = row.told
    if told["outcome"] == "survived":
        return (
            f"not looked at: {told['tried']} graphs, {told['changed']} of them changed otherwise than by the real pass"
        )
    return f"{told.get('pass', '')} {told.get('rule') or ''} {told.get('said', '')}"


if __name__ == "__main__":
    main()
