"""What is known of the outputs of operators that are carried, where the file does not say."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import onnx

from nnvm import ops
from nnvm.errors import Error
from nnvm.frontends.onnx import schemas
from nnvm.frontends.onnx.attributes import OPAQUE
from nnvm.frontends.onnx.carry import foreign_operator
from nnvm.frontends.onnx.value_types import TypeReader, write_type
from nnvm.ir import ABSENT, UNKNOWN, ContainerType, OpAttr, TensorType, UnknownRank, Value, f32, i32, i64, params
from nnvm.ir.types import Type
from nnvm.ops.linear import product_shape
from nnvm.ops.nn import window_sizes

Given = Mapping[str, Any]
Types = list[Type | None]
TypeRule = Callable[[tuple[Value, ...], Given], Sequence[Type | None]]

carried_type: Final[OpAttr[TypeRule]] = OpAttr("types of what a carried operator gives, of its inputs and attributes")
"""Filled by whoever knows an operator that we do not: a type, or None, for each output; see docs/onnx.md."""

Known = (TensorType, ContainerType)


def carried_types(
    node: onnx.NodeProto, inputs: tuple[Value, ...], given: Given, opset: int, reader: TypeReader
) -> Types:
    """Return the types of a node's outputs as far as they are known; `given` are its attributes.

    A rule that somebody gave comes first; standard operators are asked of onnx itself; of other domains there is a
    table of what is met most. Raises Error where a rule fails.
    """
    found: Sequence[Type | None]
    rule = carried_type.get(foreign_operator("" if node.domain == "ai.onnx" else node.domain, node.op_type))
    if rule is not None:
        return _whole(_ruled(rule, node, inputs, given), node, reader)
    try:
        if node.domain in ("", "ai.onnx"):
            found = _standard(node, inputs, opset, reader)
        else:
            known = _KNOWN.get(f"{node.domain}.{node.op_type}")
            shown = not any(value is OPAQUE for value in given.values())
            found = known(inputs, given) if known is not None and shown else []
    except (UnknownRank, Error, ValueError, TypeError, IndexError, KeyError, ArithmeticError):
        found = []  # it means something else than what the table knows, or is at fault, which running it tells
    return _whole(found, node, reader)


def _ruled(rule: TypeRule, node: onnx.NodeProto, inputs: tuple[Value, ...], given: Given) -> Sequence[Type | None]:
    """Ask a rule that somebody gave, which may not know some types, but is not to fail."""
    try:
        found = tuple(rule(inputs, given))
    except UnknownRank:
        return []
    except Exception as error:  # whatever a stranger's rule raises is to name the operator
        raise Error(f"the type rule of {node.domain}::{node.op_type} fails: {error}") from error
    if len(found) > len(node.output) or not all(each is None or isinstance(each, Known) for each in found):
        raise Error(
            f"the type rule of {node.domain}::{node.op_type} gives {found!r:.80}; "
            f"it gives a type or None for each of its outputs, at most {len(node.output)}"
        )
    return found


def _whole(found: Sequence[Type | None], node: onnx.NodeProto, reader: TypeReader) -> Types:
    """Return a type or None for each output; a dimension that is not known is called after the output."""
    types = [*found, *[None] * len(node.output)]
    return [_named(type, name, reader) for type, name in zip(types, node.output, strict=False)]


def _named(type: Type | None, name: str, reader: TypeReader) -> Type | None:
    if not isinstance(type, TensorType) or UNKNOWN not in (type.shape_or_none or ()):
        return type
    return type[tuple(reader.fresh(name, i) if size is UNKNOWN else size for i, size in enumerate(type.shape))]


def _standard(node: onnx.NodeProto, inputs: tuple[Value, ...], opset: int, reader: TypeReader) -> Types:
    version = schemas.since(node.op_type, opset)
    if version is None or any(value.type is None for value in inputs if value is not ABSENT):
        return []
    bare = onnx.NodeProto()
    bare.CopyFrom(node)
    types: dict[str, onnx.TypeProto] = {}
    for name, value in zip(node.input, inputs, strict=True):
        if name:
            write_type(types.setdefault(name, onnx.TypeProto()), value.type, lambda _: True)
    imports = [onnx.helper.make_opsetid("", opset)]
    schema = onnx.defs.get_schema(node.op_type, opset, "")
    try:
        found = onnx.shape_inference.infer_node_outputs(schema, bare, types, opset_imports=imports)
    except Exception:  # it raises classes of its own
        return []
    return [reader.read(found[name], name) if name in found else None for name in node.output]


def _like(place: int = 0) -> Callable[[tuple[Value, ...], Given], Types]:
    return lambda inputs, given: [inputs[place].type]


def _normalised(inputs: tuple[Value, ...], given: Given) -> Types:
    """Return the types of a sum normalised: its statistics are no use to anybody, the sum itself comes fourth."""
    return [inputs[0].type, None, None, inputs[0].type]


def _broadcast(inputs: tuple[Value, ...], given: Given) -> Types:
    return list(ops.add.infer((inputs[0], inputs[3]), params({}), None))


def _convolved(inputs: tuple[Value, ...], given: Given) -> Types:
    x, weight = inputs[:2]
    kernel = given.get("kernel_shape") or weight.shape[2:]
    window = (given.get("strides", ()), given.get("pads", ()), given.get("dilations", ()))
    sizes = window_sizes(x.shape[2:], tuple(kernel), *window, given.get("auto_pad", "NOTSET"))
    return [x.tensor[(x.shape[0], weight.shape[0], *sizes)]]


def _pooled(inputs: tuple[Value, ...], given: Given) -> Types:
    x = inputs[0]
    if given.get("channels_last"):
        return [x.tensor[(x.shape[0], *[1] * (len(x.shape) - 2), x.shape[-1])]]
    return [x.tensor[(*x.shape[:2], *[1] * (len(x.shape) - 2))]]


def _joined(inputs: tuple[Value, ...], given: Given) -> Types:
    return list(ops.concat.infer(inputs[2::3], params({"axis": given["axis"]}), None))


def _product(inputs: tuple[Value, ...], given: Given) -> Types:
    """Return the type of a product of two matrices, either of which may be turned."""
    a, b = (list(value.shape) for value in inputs[:2])
    if given.get("transBatchA") or given.get("transBatchB"):
        return [inputs[0].tensor[(UNKNOWN,) * len(a)]]
    for shape, name in ((a, "transA"), (b, "transB")):
        if given.get(name):
            shape[-2:] = shape[:-3:-1]
    return [inputs[0].tensor[product_shape(tuple(a), tuple(b))]]


def _product_of_bytes(place: int) -> Callable[[tuple[Value, ...], Given], Types]:
    return lambda inputs, given: [inputs[place].dtype[product_shape(inputs[0].shape, inputs[1].shape)]]


def _packed(inputs: tuple[Value, ...], given: Given) -> Types:
    return [inputs[0].tensor[(*inputs[0].shape[:-1], given["N"])]]


def _recurrent(inputs: tuple[Value, ...], given: Given) -> Types:
    steps, batch, _ = inputs[0].shape
    directions, hidden = inputs[2].shape[0], given["hidden_size"]
    state = f32[directions, batch, hidden]
    return [f32[steps, directions, batch, hidden], state, state]


def _attended(inputs: tuple[Value, ...], given: Given) -> Types:
    x, weight = inputs[:2]
    sizes = given.get("qkv_hidden_sizes")
    width = sizes[2] if sizes else weight.shape[1] // 3
    return [x.tensor[(*x.shape[:2], width)]]


def _attended_by_heads(inputs: tuple[Value, ...], given: Given) -> Types:
    query, value = inputs[0], inputs[2] if len(inputs) > 2 else ABSENT
    if len(query.shape) != 3 or (value is not ABSENT and len(value.shape) != 3):
        return []
    return [query.tensor[(*query.shape[:2], UNKNOWN if value is ABSENT else value.shape[2])]]


def _embedded(inputs: tuple[Value, ...], given: Given) -> Types:
    ids, words = inputs[0], inputs[2]
    whole = words.tensor[(*ids.shape, words.shape[1])]
    return [whole, i32[ids.shape[:1]], whole]


def _classified(inputs: tuple[Value, ...], given: Given) -> Types:
    labels = given.get("classlabels_ints", given.get("classlabels_int64s"))
    return [i64[inputs[0].shape[:1]] if labels else None, f32[inputs[0].shape[0], UNKNOWN]]


def _regressed(inputs: tuple[Value, ...], given: Given) -> Types:
    return [f32[inputs[0].shape[0], given.get("n_targets", given.get("targets", 1))]]


def _scaled(inputs: tuple[Value, ...], given: Given) -> Types:
    type = inputs[0].type
    return [f32[type.shape_or_none] if isinstance(type, TensorType) and type.shape_or_none is not None else f32[...]]


_MICROSOFT: Final[Mapping[str, Callable[[tuple[Value, ...], Given], Types]]] = {
    **dict.fromkeys(("BiasAdd", "BiasDropout", "BiasGelu", "BiasSoftmax", "FastGelu", "Gelu", "QuickGelu"), _like()),
    **dict.fromkeys(("QLinearLeakyRelu", "QLinearSigmoid", "QLinearSoftmax", "RotaryEmbedding"), _like()),
    **dict.fromkeys(("SkipLayerNormalization", "SkipSimplifiedLayerNormalization"), _normalised),
    **dict.fromkeys(("QLinearAdd", "QLinearMul"), _broadcast),
    "Attention": _attended,
    "DynamicQuantizeLSTM": _recurrent,
    "DynamicQuantizeMatMul": _product_of_bytes(0),
    "EmbedLayerNormalization": _embedded,
    "FusedConv": _convolved,
    "FusedMatMul": _product,
    "MatMulIntegerToFloat": _product_of_bytes(2),
    "MatMulNBits": _packed,
    "MultiHeadAttention": _attended_by_heads,
    "QLinearConcat": _joined,
    "QLinearGlobalAveragePool": _pooled,
}
_LEARNING: Final[Mapping[str, Callable[[tuple[Value, ...], Given], Types]]] = {
    **dict.fromkeys(("Scaler", "Normalizer"), _scaled),
    **dict.fromkeys(("Binarizer", "Imputer"), _like()),
    **dict.fromkeys(("LinearClassifier", "SVMClassifier", "TreeEnsembleClassifier"), _classified),
    **dict.fromkeys(("LinearRegressor", "TreeEnsembleRegressor"), _regressed),
}
_KNOWN: Final = {
    **{f"com.microsoft.{name}": found for name, found in _MICROSOFT.items()},
    **{f"ai.onnx.ml.{name}": found for name, found in _LEARNING.items()},
}
