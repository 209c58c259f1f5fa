"""How large an arena onnxsim plans for activations: `python -m benchmarks.onnxsim_plan FILE SHAPES.json`."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

_MARK = "planned arena: "


def planned_arena(model: str | Path, shapes: Mapping[str, Sequence[int]]) -> int | str:
    """Return the bytes of the arena that onnxsim plans for what it makes of a model; why not, where it cannot.

    Its plan is by size, without anything in place, and holds the inputs and the outputs of the model.
    """
    if find_spec("onnxsim") is None:
        return "missing"
    told = json.dumps({name: list(shape) for name, shape in shapes.items()})
    command = [sys.executable, "-m", "benchmarks.onnxsim_plan", str(model), told]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    except subprocess.TimeoutExpired:
        return "300 s"
    said = done.stdout.partition(_MARK)[2].split()
    return int(said[0]) if said and done.returncode == 0 else "failed"


def main() -> None:
    """Simplify at the shapes given, and plan."""
    import onnxsim

    shapes = json.loads(sys.argv[2])
    model, _ = onnxsim.simplify(sys.argv[1], overwrite_input_shapes=shapes)
    print(f"{_MARK}{onnxsim.plan_activation_memory(model).arena_bytes}")


if __name__ == "__main__":
    main()
