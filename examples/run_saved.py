"""Run a saved Program on random inputs, without any graph code: `python examples/run_saved.py model.nnp batch=1`."""

import sys

import numpy as np

from nnvm.backends.numpy import run
from nnvm.errors import Error
from nnvm.runtime.expressions import evaluate
from nnvm.runtime.program import load


def main(path: str, *sizes: str) -> None:
    """Load, draw normal inputs at the given sizes, run, and print each output's shape."""
    binding = {name: int(size) for name, _, size in (text.rpartition("=") for text in sizes)}
    program = load(path)
    generator = np.random.default_rng(0)
    inputs = {}
    for number in program.inputs:
        buffer = program.buffers[number]
        shape = [evaluate(dim, binding) for dim in buffer.shape or ()]
        inputs[buffer.name] = generator.standard_normal(shape).astype(buffer.dtype)
    for name, array in zip(program.output_names, run(program)(inputs), strict=True):
        print(f"{name}: {array.dtype}{list(array.shape)}")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Error as error:
        sys.exit(f"error: {error}")
