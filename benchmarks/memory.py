"""What memory planning reaches, beside its bounds and others: `python -m benchmarks.memory [--only PART ...]`.

Parts: packing, order (each a benchmark of its own), nets, tiny, zoo, observed, bindings. `--folder DIR` keeps what
the zoo exports, for the next time.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import describe, unslow
from benchmarks.observing import observe
from benchmarks.onnxsim_plan import planned_arena
from benchmarks.ort_block import planned_block
from benchmarks.packing import by_size
from benchmarks.table import Cell, table
from benchmarks.tiny_nets import tiny_nets
from benchmarks.zoo_models import ZooModel, zoo
from nnvm.frontends import load
from nnvm.ir import Graph
from nnvm.passes import set_dims
from nnvm.pipeline import compile, optimize
from nnvm.runtime.lives import Lives
from nnvm.runtime.memory import Block, height, sweep
from nnvm.runtime.program import Program

NETS: Mapping[str, tuple[int, int]] = {
    "light_resnet50": (7_225_344, 5_218_304),
    "light_densenet121": (7_225_344, 7_225_344),
    "light_shufflenet": (3_110_912, 3_110_912),
    "light_vgg19": (25_690_112, 25_690_112),
}
"""Model -> the goals without and with accumulate-into."""

TINY: Mapping[str, tuple[int, int]] = {
    "MobileNet-0.25": (221_184, 221_184),
    "DS-CNN": (64_000, 64_000),
    "autoencoder": (3_072, 3_072),
    "ResNet-8": (196_608, 131_072),
}
MODELS_AT_BOUND = 0.9
"""The share of the zoo that has to be planned at its bound."""

KNOWN_BINDING = 100e-6
"""Seconds in which a binding that was seen before has to be found."""

PLAN_HEADS = ("model", "goal", "without", "goal", "accumulating", "bound", "order bound", "status")


def blocks_of(program: Program) -> list[Block]:
    """Return the blocks of a planned arena, to pack them another way."""
    return [Block(life.first, life.last + 1, life.size) for life in Lives(program).held]


def rounded(blocks: Sequence[Block], alignment: int = 64) -> list[Block]:
    """Return blocks with their sizes rounded up."""
    return [Block(lower, upper, -(-size // alignment) * alignment) for lower, upper, size in blocks]


class Verdicts:
    """What was asked for, and how often it was met, in the order in which it was first judged."""

    def __init__(self) -> None:
        self.judged: dict[str, list[tuple[str, bool]]] = {}
        self.enough: dict[str, float] = {}

    def judge(self, goal: str, name: str, met: bool, enough: float = 1.0) -> bool:
        """Note whether a goal is met by one model; a share of them is `enough`."""
        self.judged.setdefault(goal, []).append((name, met))
        self.enough[goal] = enough
        return met

    def __str__(self) -> str:
        lines = []
        for goal, cases in self.judged.items():
            missed = [name for name, met in cases if not met]
            done = len(cases) - len(missed) >= self.enough[goal] * len(cases)
            counted = f"{len(cases) - len(missed)} of {len(cases)}"
            whose = f"; not: {', '.join(missed)}" if missed else ""
            lines.append(f"{'met' if done else 'NOT MET':8}{goal} ({counted}{whose})")
        return "\n".join(lines)


VERDICTS = Verdicts()


def plan_row(name: str, graph: Graph, goals: tuple[int, int], io: str) -> Sequence[Cell]:
    """Plan a graph without and with accumulate-into, beside the goals."""
    plain, full = (compile(graph, io=io, accumulate=each).program.meta["plan"] for each in (False, True))
    reached = plain["peak_bytes"] <= goals[0] and full["peak_bytes"] <= goals[1]
    met = VERDICTS.judge(f"io={io}: nets at the heights named, without and with accumulate-into", name, reached)
    bounds = full["packing_bound_bytes"], full["order_bound_bytes"]
    said = f"{full['packing_status']}, any order: {full['order_status']}{'' if met else ', MISSED'}"
    return [name, goals[0], plain["peak_bytes"], goals[1], full["peak_bytes"], *bounds, said]


def nets(models: Sequence[ZooModel]) -> Iterator[Sequence[Cell]]:
    """Yield the plans of nets whose best height is known."""
    for model in models:
        if model.name in NETS:
            yield plan_row(model.name, optimize(load(model.path)), NETS[model.name], "external")


def tiny() -> Iterator[Sequence[Cell]]:
    """Yield the plans of MLPerf Tiny's nets, inputs and outputs in the arena."""
    for name, graph in tiny_nets().items():
        yield plan_row(name, optimize(graph), TINY[name], "arena")


def bound_graph(model: ZooModel) -> Graph:
    """Load and optimise a model at the sizes of its first binding."""
    graph = load(model.path)
    sizes: dict[str, int] = {}
    for value in graph.inputs:
        for size, length in zip(value.shape, model.bindings[0].get(value.name, ()), strict=False):
            if isinstance(size, int):
                continue
            sizes[str(size)] = length
    return optimize(set_dims(graph, sizes) if sizes else graph)


def zoo_plans(models: Sequence[ZooModel], scratch: Path) -> Iterator[Sequence[Cell]]:
    """Yield each model's height beside its bounds and what others need for it."""
    for model in models:
        graph = bound_graph(model)
        program = compile(graph).program
        whole = compile(graph, io="arena").program.meta["plan"]["peak_bytes"]
        plan, blocks = program.meta["plan"], rounded(blocks_of(program))
        np.savez(scratch / "inputs.npz", **model.inputs(0, 0))
        block = planned_block(model.path, scratch / "inputs.npz")
        simplified = planned_arena(model.path, model.bindings[0])
        others = by_size(blocks), height(blocks, sweep(blocks)), block
        met = judge_plan(model.name, plan, others, (whole, simplified))
        yield [
            *(model.name, plan["peak_bytes"], plan["packing_bound_bytes"], plan["order_bound_bytes"], *others),
            *(whole, simplified),
            f"{plan['packing_status']}, any order: {plan['order_status']}{'' if met else ', ABOVE'}",
        ]


def judge_plan(
    name: str, plan: Mapping[str, Any], others: tuple[int, int, int | None], whole: tuple[int, int | str]
) -> bool:
    """Note whether a plan is at its bound and above nobody's; `whole` has inputs and outputs inside, as onnxsim's."""
    peak, bound = plan["peak_bytes"], plan["packing_bound_bytes"]
    blocks = (("greedy-by-size", others[0]), ("a TLSF-like sweep", others[1]), ("ONNX Runtime's block", others[2]))
    met = [VERDICTS.judge("zoo: at packing_bound_bytes on at least 90 %", name, peak == bound, MODELS_AT_BOUND)]
    for whose, other in blocks:
        if other is not None:
            met.append(VERDICTS.judge(f"zoo: never above {whose}", name, peak <= other))
    ours, theirs = whole
    if isinstance(theirs, int):
        goal = "zoo: never above onnxsim's plan, inputs and outputs inside both"
        met.append(VERDICTS.judge(goal, name, ours <= theirs))
    return all(met)


def observed(models: Sequence[ZooModel]) -> Iterator[Sequence[Cell]]:
    """Yield what runs take beside what they were planned to."""
    for model in models:
        run = compile(bound_graph(model))
        seen, told = observe(run, model.inputs(0, 0))
        stats = run.stats
        parts = stats.planned_bytes, stats.adopted_bytes, stats.copied_bytes, stats.object_bytes, stats.output_bytes
        apart = seen / told - 1
        near = VERDICTS.judge("zoo: observed equals planned within 2 %", model.name, abs(apart) <= 0.02)
        yield [model.name, *parts, told, seen, f"{apart:+.2%}", "yes" if near else "NO"]


def bindings(models: Sequence[ZooModel]) -> Iterator[Sequence[Cell]]:
    """Yield what finding a known binding costs, making a new one, and laying calls over an arena for it."""
    for model in models:
        if len(model.bindings) < 2:
            continue
        run = compile(optimize(load(model.path)))
        arrays, other = model.inputs(0, 0), model.inputs(1, 0)
        run.run(arrays)
        shapes = run._admit(arrays)[1]
        new = run._admit(other)[1]

        def fresh(run: Any = run, new: Any = new) -> None:
            run._bound.pop(new, None)
            run._bind(new)

        known = _median(lambda run=run, shapes=shapes: run._bind(shapes), 2000)  # type: ignore[misc]
        VERDICTS.judge("bindings: a known one found in microseconds", model.name, known <= KNOWN_BINDING)
        placed = run._bind(shapes).placed
        laid_out = _median(lambda run=run, placed=placed: run._laid_out(placed, False), 20)  # type: ignore[misc]
        seconds = known, _median(fresh, 20), laid_out
        yield [model.name, len(run.program.buffers), len(run.program.steps), *(each * 1e6 for each in seconds)]


def _median(call: Callable[[], Any], count: int) -> float:
    seconds = []
    for _ in range(count):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return sorted(seconds)[count // 2]


def _module(name: str) -> None:
    sys.stdout.flush()
    subprocess.run([sys.executable, "-m", name], check=False)


def main() -> None:
    """Print the parts that were asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--only", nargs="*", help="some of the parts")
    parser.add_argument("--models", nargs="*", help="only models of the zoo whose names hold one of these")
    parser.add_argument("--folder", type=Path, help="keep exported models there for the next time")
    options = parser.parse_args()
    unslow("benchmarks.memory")
    print(describe("numpy", "onnxruntime", "ortools") + "\n")
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        models, missing = zoo(folder)
        models = [m for m in models if not options.models or any(part in m.name for part in options.models)]
        print("".join(f"missing: {name}\n" for name in missing), end="")
        parts: dict[str, Callable[[], Any]] = {
            "packing": lambda: _module("benchmarks.packing"),
            "order": lambda: _module("benchmarks.ordering"),
            "nets": lambda: print(table("After optimize, io=external, bytes", PLAN_HEADS, nets(models))),
            "tiny": lambda: print(table("MLPerf Tiny, io=arena, bytes", PLAN_HEADS, tiny())),
            "zoo": lambda: print(table(
                "The zoo at its first binding, bytes",
                (
                    *("model", "arena", "bound", "order bound", "by size", "TLSF-like sweep", "ORT's block"),
                    *("io=arena", "onnxsim's", "status"),
                ),
                zoo_plans(models, Path(scratch)),
            )),
            "observed": lambda: print(table(
                "Observed from outside (tracemalloc) and planned, bytes",
                (
                    *("model", "planned", "adopted", "copied", "objects", "outputs", "sum", "observed", "apart"),
                    "within 2 %",
                ),
                observed(models),
            )),
            "bindings": lambda: print(table(
                "Binding open dimensions, microseconds: a known binding, a new one, and then its calls laid out",
                ("model", "buffers", "steps", "known", "new", "calls"),
                bindings(models),
            )),
        }  # fmt: skip
        for name, part in parts.items():
            if not options.only or name in options.only:
                part()
                print(flush=True)
    print(VERDICTS)


if __name__ == "__main__":
    main()
