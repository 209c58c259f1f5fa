"""Files of the type .hello: a line `NAME SIZE ...` for the input, then a line `scale NUMBER` for each step."""

import os
from pathlib import Path

import nnvm
from nnvm_hello.operators import scale


def load(path: str | os.PathLike[str]) -> nnvm.Graph:
    """Read a graph; raise nnvm.Error, naming the line, for what is no number or no step."""
    line = 1
    try:
        (name, *sizes), *steps = map(str.split, Path(path).read_text(encoding="utf-8").splitlines())
        value = first = nnvm.input(type=nnvm.f32[tuple(map(int, sizes))], name=name)
        for word, by in steps:
            line += 1
            if word != "scale":
                raise ValueError(f"{word!r} is no step; write: scale NUMBER")
            value = scale(value, by=float(by))
    except (OSError, ValueError) as error:
        raise nnvm.Error(f"{os.fspath(path)}, line {line}: {error}") from error
    return nnvm.Graph([value], [first], output_names=["y"], name="hello")


def save(graph: nnvm.Graph, path: str | os.PathLike[str]) -> None:
    """Write a chain of scales from one input of static shape; raise nnvm.Error for any other graph."""
    value, steps = graph.outputs[0], []
    while value.node.op is scale:
        steps.append(f"scale {value.node.params['by']!r}")
        value = value.node.inputs[0]
    if len(graph.outputs) != 1 or value.node.op is not nnvm.input or not all(isinstance(n, int) for n in value.shape):
        raise nnvm.Error(f"{os.fspath(path)}: a .hello file holds scales of one input of static shape, not {value!r}")
    first = " ".join([str(value.name), *map(str, value.shape)])
    Path(path).write_text("\n".join([first, *reversed(steps), ""]), encoding="utf-8")
