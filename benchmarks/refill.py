"""How a model whose weights prove nothing gets weights that do, and how one that still proves nothing is refused."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, numpy_helper

Array = NDArray[Any]

FLOATS = (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16)
LEAST_CHANGE = 0.01
"""The share of its norm by which an output must differ between two random inputs."""

BATCH = 16
"""Images that a batch norm's statistics are taken over: over the 49 pixels of a single one, float32 loses digits."""

LEAST_VARIANCE = 1e-3
"""What a batch norm's variance is at least: a lone pixel has none."""

SPREAD = 3.0
"""The standard deviation over its logits that the input of a final Softmax is given."""

MULTIPLIES = {("BatchNormalization", 1), ("BatchNormalization", 4), ("Mul", 0), ("Mul", 1), ("Div", 1)}
PASSED_THROUGH = ("Cast", "Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze")
SCALES_THROUGH = ("AveragePool", "Dropout", "GlobalAveragePool", "MaxPool", "Relu", *PASSED_THROUGH)
"""Operators that a positive factor passes through."""


class Insensitive(ValueError):
    """Say that the inputs hardly change an output, so that comparing outputs would prove nothing."""


def refill(source: str | Path, target: str | Path, *, seed: int = 0) -> Path:
    """Save a copy of a model with every float weight drawn afresh from `seed`, and return its path.

    A matrix or filter is normal with He's scale, sqrt(2 / fan_in); where no batch norm takes away what all inputs have
    in common, the mean that Relu leaves, less its own mean over what it sums, lest that drown what tells inputs apart.
    A vector that multiplies lies in [0.5, 1.5], any other is small; lone numbers stay as they are. A batch norm has the
    mean and variance of what reaches it from a seeded batch, through layers that are normalised so already. The last
    layer before a final Softmax is scaled until its logits spread, so that Softmax neither levels nor saturates. What
    ConstantOfShape nodes made become initializers. Raises Insensitive where two random inputs still change an output,
    or the input of its final Softmax, by less than 1 % of its norm.
    """
    model = onnx.load(source)
    draw = _Weights(model.graph, seed)
    for tensor in model.graph.initializer:
        if draw.wants(tensor.data_type, tensor.dims):
            tensor.CopyFrom(draw.tensor(tensor.name, tensor.data_type, list(tensor.dims)))
    _refill_nodes(model, draw)
    _take_statistics(model, seed)
    _spread_logits(model, seed)
    onnx.checker.check_model(model, full_check=True)
    check_sensitive(model)
    onnx.save(model, target)
    return Path(target)


class _Weights:
    """Draws weights; what a weight feeds decides its scale."""

    def __init__(self, graph: GraphProto, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.normalised = any(node.op_type == "BatchNormalization" for node in graph.node)
        self.readers: dict[str, tuple[NodeProto, int]] = {}
        for node in reversed(graph.node):
            for slot, name in enumerate(node.input):
                beyond = self.readers.get(node.output[0]) if node.op_type in PASSED_THROUGH else None
                self.readers[name] = beyond or (node, slot)

    def wants(self, dtype: int, dims: Sequence[int]) -> bool:
        return dtype in FLOATS and math.prod(dims) > 1

    def tensor(self, name: str, dtype: int, dims: list[int]) -> TensorProto:
        drawn = self._draw(name, dims).astype(onnx.helper.tensor_dtype_to_np_dtype(dtype))
        return numpy_helper.from_array(drawn, name)

    def _draw(self, name: str, dims: list[int]) -> Array:
        node, slot = self.readers.get(name, (NodeProto(), 0))
        is_vector = sum(size > 1 for size in dims) < 2
        if is_vector and (node.op_type, slot) in MULTIPLIES:
            return self.random.uniform(0.5, 1.5, dims)
        if is_vector:
            return self.random.normal(0, 0.1, dims)
        axes = _summed_axes(node, len(dims))
        drawn = self.random.normal(0, math.sqrt(2 / math.prod(dims[axis] for axis in axes)), dims)
        return drawn if self.normalised else drawn - drawn.mean(axis=axes, keepdims=True)


def _summed_axes(node: NodeProto, rank: int) -> tuple[int, ...]:
    """Return the axes of a weight that its reader sums over; their sizes make its fan-in."""
    if node.op_type == "Gemm":
        transposed = any(attribute.name == "transB" and attribute.i for attribute in node.attribute)
        return (rank - 1,) if transposed else (rank - 2,)
    return (rank - 2,) if node.op_type == "MatMul" else tuple(range(1, rank))


def _refill_nodes(model: ModelProto, draw: _Weights) -> None:
    """Draw what Constant nodes hold, and put an initializer in place of each ConstantOfShape of a known shape."""
    graph = model.graph
    shapes = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    kept: list[NodeProto] = []
    for node in graph.node:
        held = next((attribute.t for attribute in node.attribute if attribute.name == "value"), None)
        if node.op_type == "Constant" and held is not None and draw.wants(held.data_type, held.dims):
            held.CopyFrom(draw.tensor(node.output[0], held.data_type, list(held.dims)))
        if node.op_type == "ConstantOfShape" and node.input[0] in shapes:
            dims = shapes[node.input[0]].tolist()
            dtype = TensorProto.FLOAT if held is None else held.data_type
            if draw.wants(dtype, dims):
                _add_weight(model, draw.tensor(node.output[0], dtype, dims))
                continue
        kept.append(node)
    del graph.node[:]
    graph.node.extend(kept)
    _drop_unread(graph, shapes)


def _add_weight(model: ModelProto, tensor: TensorProto) -> None:
    model.graph.initializer.append(tensor)
    if model.ir_version < 4 and all(value.name != tensor.name for value in model.graph.input):
        declared = onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims))
        model.graph.input.append(declared)


def _drop_unread(graph: GraphProto, names: Iterable[str]) -> None:
    """Remove those of these initializers that nothing reads any more."""
    read = {name for node in graph.node for name in node.input} | {value.name for value in graph.output}
    unread = set(names) - read
    for field in (graph.initializer, graph.input):
        kept = [item for item in field if item.name not in unread]
        del field[:]
        field.extend(kept)


def _take_statistics(model: ModelProto, seed: int) -> None:
    """Give each batch norm the mean and variance of its input, all layers before it normalised by theirs."""
    norms = [node for node in model.graph.node if node.op_type == "BatchNormalization"]
    if not norms:
        return
    watched = _watching(model, [f"{node.output[0]}/{part}" for node in norms for part in ("mean", "variance")])
    kept = [
        part
        for node in watched.graph.node
        for part in (_by_batch(node) if node.op_type == norms[0].op_type else [node])
    ]
    del watched.graph.node[:]
    watched.graph.node.extend(kept)
    _widen_batch(watched)
    found = evaluate(watched, random_inputs(watched, np.random.default_rng(seed)))
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    for node, mean, variance in zip(norms, found[::2], found[1::2], strict=True):
        for name, array in ((node.input[3], mean), (node.input[4], np.maximum(variance, LEAST_VARIANCE))):
            weights[name].CopyFrom(numpy_helper.from_array(array.reshape(-1), name))


def _widen_batch(model: ModelProto) -> None:
    """Let a model of one image take BATCH of them, also where a Reshape spells that one out."""
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    for value in model.graph.input:
        size = value.type.tensor_type.shape.dim[0] if value.type.tensor_type.shape.dim else None
        if value.name not in weights and size is not None and size.dim_value == 1:
            size.dim_value = BATCH
    for node in model.graph.node:
        tensor = weights.get(node.input[1]) if node.op_type == "Reshape" else None
        sizes = [] if tensor is None else numpy_helper.to_array(tensor).tolist()
        if tensor is not None and sizes[:1] == [1]:
            tensor.CopyFrom(numpy_helper.from_array(np.array([0, *sizes[1:]], np.int64), tensor.name))


def _by_batch(node: NodeProto) -> Iterator[NodeProto]:
    """Spell a batch norm that normalises by the statistics of its own input, and yields them, for four axes."""
    x, scale, bias, *_ = node.input
    name = node.output[0]
    names = {part: f"{name}/{part}" for part in ("mean", "centred", "squares", "variance", "at_least", "deviation")}
    make = onnx.helper.make_node
    yield make("ReduceMean", [x], [names["mean"]], axes=[0, 2, 3], keepdims=1)
    yield make("Sub", [x, names["mean"]], [names["centred"]])
    yield make("Mul", [names["centred"], names["centred"]], [names["squares"]])
    yield make("ReduceMean", [names["squares"]], [names["variance"]], axes=[0, 2, 3], keepdims=1)
    yield make("Clip", [names["variance"]], [names["at_least"]], min=LEAST_VARIANCE)
    yield make("Sqrt", [names["at_least"]], [names["deviation"]])
    yield make("Div", [names["centred"], names["deviation"]], [f"{name}/normal"])
    for kind, part, before, after in (
        ("Mul", scale, f"{name}/normal", f"{name}/scaled"),
        ("Add", bias, f"{name}/scaled", name),
    ):
        yield make("Unsqueeze", [part], [f"{after}/{kind}"], axes=[0, 2, 3])
        yield make(kind, [before, f"{after}/{kind}"], [after])


def _spread_logits(model: ModelProto, seed: int) -> None:
    """Scale the layer that the logits come from, and its bias, so that random inputs spread them by SPREAD."""
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    makers = {name: node for node in model.graph.node for name in node.output}
    for logits in final_softmax_inputs(model.graph):
        node = makers.get(logits)
        while node is not None and node.op_type in SCALES_THROUGH:
            node = makers.get(node.input[0])
        if node is None or node.op_type not in ("Conv", "Gemm") or not weights.keys() >= set(node.input[1:]):
            continue
        watched = _watching(model, [logits])
        (found,) = evaluate(watched, random_inputs(watched, np.random.default_rng(seed)))
        for name in node.input[1:]:
            array = numpy_helper.to_array(weights[name])
            scaled = array * (SPREAD / float(found.std()))
            weights[name].CopyFrom(numpy_helper.from_array(scaled.astype(array.dtype), name))


def _watching(model: ModelProto, names: Iterable[str]) -> ModelProto:
    """Return a copy of a model that yields these values alone."""
    watched = ModelProto()
    watched.CopyFrom(model)
    del watched.graph.output[:]
    watched.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    return watched


def check_sensitive(
    model: ModelProto, shapes: Mapping[str, Sequence[int]] | None = None, *, seed: int = 0, least: float = LEAST_CHANGE
) -> dict[str, float]:
    """Return how far two random inputs move each output, and the input of its final Softmax, as a share of its norm.

    Inputs without a given shape take their own, free dimensions as 1 at the front and as 64 elsewhere. Raises
    Insensitive where one moves by less than `least`.
    """
    names = dict.fromkeys([*(value.name for value in model.graph.output), *final_softmax_inputs(model.graph)])
    watched = _watching(model, names)
    random = np.random.default_rng(seed)
    first, second = (evaluate(watched, random_inputs(watched, random, shapes)) for _ in range(2))
    moved = {name: _distance(a, b) for name, a, b in zip(names, first, second, strict=True)}
    still = {name: share for name, share in moved.items() if not share >= least}
    if still:
        said = ", ".join(f"{name} by {share:.2%}" for name, share in still.items())
        raise Insensitive(
            f"two random inputs change {said} of its norm, under {least:.0%}: comparing it proves nothing"
        )
    return moved


def final_softmax_inputs(graph: GraphProto) -> list[str]:
    """Return the inputs of the Softmax nodes that outputs come from, looking through what only moves elements."""
    makers = {name: node for node in graph.node for name in node.output}
    found: list[str] = []
    for value in graph.output:
        node = makers.get(value.name)
        while node is not None and node.op_type in PASSED_THROUGH:
            node = makers.get(node.input[0])
        if node is not None and node.op_type in ("LogSoftmax", "Softmax") and node.input[0] not in found:
            found.append(node.input[0])
    return found


def random_inputs(
    model: ModelProto, random: np.random.Generator, shapes: Mapping[str, Sequence[int]] | None = None
) -> dict[str, Array]:
    """Draw normal inputs, in the given shapes or in the model's own."""
    given = shapes or {}
    return {
        name: random.standard_normal(tuple(given.get(name, shape)), np.float32).astype(dtype)
        for name, dtype, shape in _feeds(model.graph)
    }


def _feeds(graph: GraphProto) -> Iterator[tuple[str, Any, list[int]]]:
    weights = {tensor.name for tensor in graph.initializer}
    for value in graph.input:
        if value.name in weights:
            continue
        tensor = value.type.tensor_type
        shape = [
            size.dim_value if size.dim_value > 0 else 64 if axis else 1 for axis, size in enumerate(tensor.shape.dim)
        ]
        yield value.name, onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type), shape


def evaluate(model: ModelProto, inputs: Mapping[str, Array]) -> list[Array]:
    """Run a model once, with ONNX Runtime or else with onnx's reference."""
    try:
        import onnxruntime
    except ImportError:
        from onnx.reference import ReferenceEvaluator

        return list(ReferenceEvaluator(model).run(None, dict(inputs)))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return list(session.run(None, dict(inputs)))


def _distance(a: Array, b: Array) -> float:
    first, second = a.astype(np.float64), b.astype(np.float64)
    norm = max(np.linalg.norm(first), np.linalg.norm(second), np.finfo(np.float64).tiny)
    return float(np.linalg.norm(first - second) / norm)
