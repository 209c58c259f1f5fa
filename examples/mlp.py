"""Trace a small function, make it smaller, plan its memory, run it: `python examples/mlp.py`."""

import numpy as np

import nnvm
from nnvm import f32, ops


def mlp(x: nnvm.Value, w: nnvm.Value, b: nnvm.Value) -> dict[str, nnvm.Value]:
    """Compute two dense layers and a softmax, with some work that a compiler should leave out."""
    h = ops.relu(x @ w + b)
    h = ops.relu(h @ w + b) * 1 + 0
    return {"y": ops.softmax(ops.neg(-h))}


def main() -> None:
    """Print the graph before and after, the plan, and the shape of an answer."""
    graph = nnvm.trace(mlp, x=f32["batch", 256], w=f32[256, 256], b=f32[256])
    smaller = nnvm.optimize(graph)
    print(graph, smaller, sep="\n\n")
    run = nnvm.compile(smaller, binding={"batch": 32})
    plan = run.program.meta["plan"]
    print(f"\npeak {plan['peak_bytes']['expr']} bytes; at 32 {plan['peak_bytes']['at']:,} of", end=" ")
    print(f"{plan['naive_bytes']['at']:,} without reuse; bound {plan['packing_bound_bytes']['at']:,}")
    generator = np.random.default_rng(0)
    x, w = (generator.standard_normal(shape).astype(np.float32) for shape in ((5, 256), (256, 256)))
    (y,) = run(x=x, w=w, b=np.zeros(256, np.float32))
    print(f"answer: {y.dtype}{list(y.shape)}")


if __name__ == "__main__":
    main()
