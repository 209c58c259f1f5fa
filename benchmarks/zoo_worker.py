"""One optimiser on one file, in a process of its own: `python -m benchmarks.zoo_worker TOOL SOURCE TARGET REPEATS`."""

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.zoo_models import quietly

Optimiser = Callable[[str, str], None]


def main() -> None:
    """Run and print one JSON object: the median seconds of load, optimise and save, or what went wrong."""
    tool, source, target, repeats = sys.argv[1:]
    answer: dict[str, object] = {}
    try:
        run = TOOLS[tool]()
        seconds: list[float] = []
        for _ in range(int(repeats) + 1):
            for path in Path(target).parent.glob(Path(target).name + "*"):
                path.unlink()
            start = time.perf_counter()
            quietly(lambda: run(source, target))
            seconds.append(time.perf_counter() - start)
        answer["seconds"] = statistics.median(seconds[1:] or seconds)
    except ModuleNotFoundError as error:
        answer["missing"] = str(error.name)
    except Exception as error:  # peers raise whatever they like
        answer["failed"] = f"{type(error).__name__}: {error}".split("\n")[0][:200]
    print(json.dumps(answer))


def _nnvm() -> Optimiser:
    from nnvm.frontends import load, save
    from nnvm.pipeline import optimize

    return lambda source, target: save(optimize(load(source)), target)


def _onnxslim() -> Optimiser:
    import onnxslim

    return lambda source, target: onnxslim.slim(source, target)


def _onnxsim() -> Optimiser:
    import onnx
    import onnxsim

    def run(source: str, target: str) -> None:
        made, _ = onnxsim.simplify(onnx.load(source))
        onnx.save(made, target)

    return run


def _onnxscript() -> Optimiser:
    import onnx_ir
    from onnxscript import optimizer

    def run(source: str, target: str) -> None:
        model = onnx_ir.load(source)
        onnx_ir.save(optimizer.optimize(model), target)

    return run


def _onnxoptimizer() -> Optimiser:
    import onnx
    import onnxoptimizer

    return lambda source, target: onnx.save(onnxoptimizer.optimize(onnx.load(source)), target)


def _ort() -> Optimiser:
    import onnxruntime

    def run(source: str, target: str) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = target
        onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])

    return run


TOOLS: dict[str, Callable[[], Optimiser]] = {
    "nnvm": _nnvm, "onnxslim": _onnxslim, "onnxsim": _onnxsim, "onnxscript": _onnxscript,
    "onnxoptimizer": _onnxoptimizer, "ORT basic": _ort,
}  # fmt: skip

if __name__ == "__main__":
    main()
