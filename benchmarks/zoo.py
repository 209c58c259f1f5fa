"""Seventeen real models beside five peers, by nodes, seconds, numbers, shapes, memory: `python -m benchmarks.zoo`."""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Container, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from benchmarks.counting import count_nodes
from benchmarks.first_models import alternate, compiled, relative_error, session
from benchmarks.machine import describe, unslow
from benchmarks.ort_block import planned_block
from benchmarks.refill import LEAST_CHANGE, final_softmax_inputs, refill
from benchmarks.table import Cell, table
from benchmarks.zoo_models import ZooModel, zoo
from benchmarks.zoo_worker import TOOLS

PEERS = tuple(name for name in TOOLS if name != "nnvm")
TOLERANCE = 1e-4
SEEDS = 3
PARTS = ("nodes", "seconds", "equal", "shapes", "memory", "latency")


def main() -> None:
    """Measure what was asked for and print a table for each part."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.zoo", description=__doc__)
    parser.add_argument("--models", nargs="*", help="only models whose names hold one of these")
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=list(PARTS))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0, help="of refilled weights and of inputs")
    parser.add_argument("--folder", type=Path, help="keep exported and refilled models there for the next time")
    options = parser.parse_args()
    unslow("benchmarks.zoo")
    print(describe("numpy", "onnxruntime", "onnxslim", "onnxsim", "onnxscript", "onnxoptimizer", "torch") + "\n")
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        found, missing = zoo(folder)
        for name in missing:
            print(f"missing: {name}")
        chosen = [each for each in found if not options.models or any(part in each.name for part in options.models)]
        for part in options.parts:
            run = _Zoo(chosen, folder, Path(scratch), options.repeats, options.seed)
            print(getattr(run, part)() + "\n", flush=True)


class _Zoo:
    """What is measured, over which models, and where files lie meanwhile."""

    def __init__(self, models: Sequence[ZooModel], folder: Path, scratch: Path, repeats: int, seed: int) -> None:
        self.models, self.folder, self.scratch, self.repeats, self.seed = models, folder, scratch, repeats, seed

    def _optimise(self, tool: str, model: ZooModel, repeats: int) -> tuple[dict[str, Any], Path]:
        target = self.scratch / f"{tool}-{model.name}.onnx".replace(" ", "_")
        command = [sys.executable, "-W", "ignore", "-m", "benchmarks.zoo_worker", tool, str(model.path), str(target)]
        done = subprocess.run([*command, str(repeats)], capture_output=True, text=True, check=False)
        lines = done.stdout.strip().splitlines()
        return (json.loads(lines[-1]) if lines else {"failed": f"exit code {done.returncode}"}), target

    def nodes(self) -> str:
        """Count the operators that each optimiser leaves in its file."""
        rows: list[list[Cell]] = []
        met = 0
        for model in self.models:
            before = count_nodes(model.path)
            counts: dict[str, Cell] = {}
            for tool in TOOLS:
                answer, target = self._optimise(tool, model, 0)
                counts[tool] = _problem(answer) or _same_opset(count_nodes(target), model.path, target)
            peers = [count for tool, count in counts.items() if tool != "nnvm" and isinstance(count, int)]
            best = min(peers, default=None)
            ours = counts["nnvm"]
            fine = isinstance(ours, int) and best is not None and ours <= best
            met += fine
            rows.append([model.name, before, *counts.values(), best, "yes" if fine else "NO"])
        title = f"Nodes, saved files, constants not counted: at most the best peer on {met} of {len(rows)}"
        return table(title, ["model", "before", *TOOLS, "best peer", "met"], rows)

    def seconds(self) -> str:
        """Time load, optimise and save, each in a process that has imported what it needs and run once before."""
        rows: list[list[Cell]] = []
        ratios = []
        for model in self.models:
            times = {tool: self._optimise(tool, model, self.repeats)[0] for tool in TOOLS}
            cells: list[Cell] = [_problem(answer) or answer["seconds"] for answer in times.values()]
            ratio: Cell = "-"
            if "seconds" in times["nnvm"] and "seconds" in times["onnxslim"]:
                ratios.append(times["nnvm"]["seconds"] / times["onnxslim"]["seconds"])
                ratio = f"{ratios[-1]:.2f}"
            rows.append([model.name, *cells, ratio])
        middle = f"{statistics.median(ratios):.2f}" if ratios else "missing"
        title = f"Seconds to load, optimise and save: ours over onnxslim's {middle} on the median model (at most 0.5)"
        return table(title, ["model", *TOOLS, "over onnxslim"], rows)

    def _numeric(self, model: ZooModel) -> Path:
        """Return the file whose numbers mean something: the model's own, or the refilled copy."""
        if not model.light:
            return model.path
        copy = self.folder / f"{model.name}-refilled-{self.seed}.onnx"
        return copy if copy.exists() else refill(model.path, copy, seed=self.seed)

    def equal(self) -> str:
        """Compare our run, and ONNX Runtime's run of our file, with ONNX Runtime on the original."""
        rows = [row for model in self.models for row in self._compared(model)]
        equal = sum(row[-1] == "yes" for row in rows)
        title = f"Largest error over largest expected value, three seeds: within {TOLERANCE} in {equal} of {len(rows)}"
        return table(
            title, ["model", "input shapes", "moved by inputs", "NumPy", "ORT on ours", "in float64", "met"], rows
        )

    def _compared(self, model: ZooModel) -> Iterator[list[Cell]]:
        source = watched(self._numeric(model), self.scratch / "watched.onnx")
        ours = self.scratch / "ours.onnx"
        from nnvm.frontends import load, save
        from nnvm.pipeline import optimize

        save(optimize(load(source)), ours)
        original, saved, run = session(source), session(ours), compiled(ours)
        for binding, shapes in enumerate(model.bindings):
            text = ", ".join("x".join(map(str, shape)) for shape in shapes.values())
            moved = min(_moved(original, model, binding).values())
            errors = [0.0, 0.0]
            for seed in range(SEEDS):
                inputs = model.inputs(binding, self.seed + seed)
                expected = original.run(None, inputs)
                for i, found in enumerate((run(inputs), saved.run(None, inputs))):
                    errors[i] = max(errors[i], *map(relative_error, found, expected))
            judged = "" if max(errors) <= TOLERANCE else self._judged(original, run, source, model, binding)
            met = moved >= LEAST_CHANGE and (max(errors) <= TOLERANCE or judged.startswith("ours"))
            yield [model.name, text, f"{moved:.1%}", *errors, judged or "-", "yes" if met else "NO"]

    def _judged(self, original: Any, run: Any, source: Path, model: ZooModel, binding: int) -> str:
        """Say who is nearer to a run in float64, where two runs in float32 differ by more than the tolerance."""
        from nnvm.frontends import load
        from nnvm.pipeline import compile
        from nnvm.widen import widen

        truth = compile(widen(load(source), outputs=True))
        worst = [0.0, 0.0]
        for seed in range(SEEDS):
            inputs = model.inputs(binding, self.seed + seed)
            wanted = truth(inputs)
            for i, found in enumerate((run(inputs), original.run(None, inputs))):
                errors = [relative_error(np.asarray(a, np.float64), b) for a, b in zip(found, wanted, strict=True)]
                worst[i] = max(worst[i], *errors)
        return f"{'ours' if worst[0] <= worst[1] else 'ORT'} is nearer: {worst[0]:.1e} against {worst[1]:.1e}"

    def shapes(self) -> str:
        """Say how much of every model's shapes is known while its dimensions are left open."""
        from nnvm.frontends import load
        from nnvm.passes import infer_types

        rows: list[list[Cell]] = []
        for model in self.models:
            graph = infer_types(load(model.path))
            values = [value for node in graph.nodes if node.inputs for value in node.outputs]
            ranked = sum(_rank_known(value.type) for value in values)
            shaped = sum(_shape_known(value.type) for value in values)
            given = {name for value in graph.inputs for size in value.type.shape for name in _names(size)}
            born = sorted({value.node.op.name for value in values if _is_born(value, given)})
            shares = [f"{count / len(values):.1%}" for count in (ranked, shaped)]
            rows.append(
                [model.name, len(values), *shares, ", ".join(born) or "-", "yes" if shares[0] == "100.0%" else "NO"]
            )
        heads = ["model", "values", "rank known", "shape known", "where dimensions are born or lost", "every rank"]
        return table("Shapes, dimensions left open", heads, rows)

    def memory(self) -> str:
        """Plan the optimised model at its first binding, beside naive, the bounds, and ONNX Runtime's block."""
        from nnvm.frontends import load
        from nnvm.pipeline import compile, optimize

        rows: list[list[Cell]] = []
        for model in self.models:
            plan = compile(optimize(load(model.path)), binding=binding_of(model)).program.meta["plan"]
            np.savez(self.scratch / "inputs.npz", **model.inputs(0, self.seed))
            block = planned_block(model.path, self.scratch / "inputs.npz")
            sizes = [
                _at(plan[key]) for key in ("naive_bytes", "peak_bytes", "packing_bound_bytes", "order_bound_bytes")
            ]
            met = "missing" if block is None else "yes" if sizes[1] <= block else "NO"
            rows.append([model.name, *sizes, plan["packing_status"], block, met])
        heads = ["model", "naive", "peak", "packing bound", "order bound", "status", "ORT's block", "at most ORT's"]
        return table("Planned bytes, io=external, alignment 64", heads, rows)

    def latency(self) -> str:
        """Time one run at the first binding: ours on NumPy, ONNX Runtime with one thread, onnx.reference once."""
        rows: list[list[Cell]] = []
        for model in self.models:
            source = self._numeric(model)
            run, other = compiled(source), session(source, 1)
            inputs = model.inputs(0, self.seed)
            times = alternate([partial(run, inputs), partial(other.run, None, inputs)], 3 * self.repeats)
            reference = _reference(source, inputs)
            beside: Cell = f"{reference / times[0]:.1f}" if isinstance(reference, float) else "-"
            milliseconds = [seconds * 1e3 for seconds in times]
            slow: Cell = reference * 1e3 if isinstance(reference, float) else reference
            rows.append([model.name, *milliseconds, slow, f"{times[0] / times[1]:.1f}", beside])
        heads = ["model", "NumPy", "ORT, 1 thread", "onnx.reference", "over ORT", "times faster than reference"]
        return table("Latency at batch 1, median ms", heads, rows)


def _problem(answer: Mapping[str, Any]) -> str | None:
    if "missing" in answer:
        return "missing"
    return f"fails: {answer['failed']}"[:40] if "failed" in answer else None


def _same_opset(count: int, source: Path, target: Path) -> Cell:
    """Return the count, with a note where the optimiser wrote another opset than it read."""
    first, second = (
        {item.domain: item.version for item in onnx.load(path, load_external_data=False).opset_import}.get("")
        for path in (source, target)
    )
    return count if first == second else f"{count} (opset {second})"


def watched(source: Path, target: Path) -> Path:
    """Return the model, or a copy that also yields the input of its final Softmax."""
    model = onnx.load(source)
    names = [name for name in final_softmax_inputs(model.graph) if name not in {v.name for v in model.graph.output}]
    if not names:
        return source
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    onnx.save(model, target)
    return target


def _moved(original: Any, model: ZooModel, binding: int) -> dict[str, float]:
    """Return how far two draws of inputs move each output, as a share of its norm."""
    runs = [original.run(None, model.inputs(binding, seed)) for seed in (101, 102)]
    names = [value.name for value in original.get_outputs()]
    moved = {}
    for name, a, b in zip(names, *runs, strict=True):
        norm = max(np.linalg.norm(a), np.linalg.norm(b), 1e-30) if a.shape == b.shape else 1.0
        moved[name] = float(np.linalg.norm(a.astype(float) - b) / norm) if a.shape == b.shape else 1.0
    return moved


def binding_of(model: ZooModel) -> dict[str, int]:
    """Return the sizes of a model's open dimensions at its first binding."""
    from nnvm.frontends import load

    found: dict[str, int] = {}
    for value in load(model.path).inputs:
        for size, given in zip(value.shape, model.bindings[0][value.name], strict=True):
            if not isinstance(size, int):
                found[str(size)] = given
    return found


def _rank_known(type: Any) -> bool:
    return type is not None and getattr(type, "shape_or_none", None) is not None


def _shape_known(type: Any) -> bool:
    from nnvm.ir import UNKNOWN

    return _rank_known(type) and UNKNOWN not in type.shape_or_none


def _is_born(value: Any, given: Container[str]) -> bool:
    """Say whether a dimension is unknown, or hangs on more than the dimensions that the graph's inputs have."""
    return not _shape_known(value.type) or any(name not in given for size in value.type.shape for name in _names(size))


def _names(size: Any) -> tuple[str, ...]:
    from nnvm.ir.dims import names

    return names(size)


def _at(size: Any) -> int:
    return size["at"] if isinstance(size, Mapping) else size


def _reference(source: Path, inputs: Mapping[str, Any]) -> Cell:
    """Return the seconds of one run of onnx.reference, or in words why there are none."""
    from onnx.reference import ReferenceEvaluator

    try:
        evaluator = ReferenceEvaluator(str(source))
        start = time.perf_counter()
        evaluator.run(None, dict(inputs))
        return time.perf_counter() - start
    except Exception as error:
        return f"fails: {type(error).__name__}"


if __name__ == "__main__":
    main()
