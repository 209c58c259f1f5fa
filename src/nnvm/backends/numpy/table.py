"""Which NumPy kernel computes which operator, with which parameters, in place of which input."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from nnvm import ops
from nnvm.attrs import elementwise, view
from nnvm.attrs import kernel as named_kernel
from nnvm.backends.numpy.kernels import ALLOCATING, KERNELS, WORKSPACES
from nnvm.backends.numpy.measured import measured, resampling, scalar
from nnvm.backends.numpy.registered import find, workspace_of
from nnvm.compile.backend import Call
from nnvm.errors import Error
from nnvm.ir import ABSENT, Node, OpAttr, Value, f32, f64
from nnvm.ops.einsum import labels
from nnvm.ops.recurrent import activations_of
from nnvm.ops.reduce import axes_known
from nnvm.ops.typing import axes_of, axis_of

Lower = Callable[[Node], "tuple[str, tuple[Value, ...], Mapping[str, Any]]"]
lowering: Final[OpAttr[Lower]] = OpAttr(
    "kernel, inputs and parameters in NumPy; without an entry that of attrs.kernel, or of the operator's own name"
)

RENAMED: Final = {
    "pow": "power", "round": "round_even", "abs": "absolute", "identity": "copy", "slice": "slice_array",
    "arange": "sequence", "upsample": "resize",
}  # fmt: skip
"""Kernels that are called otherwise than their operators."""

OVER_FIRST: Final = frozenset(
    (
        *(ops.clip, ops.softmax, ops.log_softmax, ops.softmax_from, ops.log_softmax_from),
        *(ops.batch_norm, ops.dropout, ops.trilu),
    )
)
"""Operators whose kernels may write over their first input, whatever of its memory their other inputs show."""


def call(node: Node) -> Call | None:
    """Return how NumPy computes a node; None where it has no kernel, as for a carried operator that nobody lowers."""
    lower = lowering.get(node.op)
    if lower is None and node.op.foreign:
        return None
    if lower is not None:
        kernel, inputs, params = lower(node)
    elif node.op in named_kernel:
        kernel, inputs, params = named_kernel[node.op], node.inputs, node.params
    elif node.op in view:
        kernel, inputs, params = "reshape", node.inputs[:1], {}
    else:
        kernel, inputs, params = RENAMED.get(node.op.name, node.op.name), node.inputs, node.params
    full = kernel if ":" in kernel else f"numpy:{kernel}/1"
    if full not in KERNELS and find(full) is None:
        return None
    if full in ALLOCATING:
        return Call(full, inputs, params, allocates=True)
    allocating = measured.get(node.op)
    return Call(
        full,
        inputs,
        params,
        _inplace(node, inputs),
        WORKSPACES.get(full) or workspace_of(full),
        measured=None if allocating is None else allocating(node),
        joins=full == "numpy:concat/1" and _is_outermost(node),
        adding=_adding(node, full, inputs, params),
    )


def _is_outermost(node: Node) -> bool:
    """Say whether a concat puts its inputs one after another in memory."""
    shape = node.outputs[0].shape
    return all(size == 1 for size in shape[: axis_of(node.params["axis"], len(shape))])


def _adding(
    node: Node, full: str, inputs: tuple[Value, ...], params: Mapping[str, Any]
) -> Callable[[Value], Call] | None:
    """Return how a product is added to another value; None where no kernel does."""
    kernel = f"{full.removesuffix('/1')}_add/1"
    if node.op not in (ops.conv, ops.matmul, ops.gemm) or node.outputs[0].dtype not in (f32, f64):
        return None
    shapes = [value.shape for value in inputs[:2]]
    depthwise = node.op is ops.conv and params["groups"] != 1 and shapes[1][1] == 1
    if depthwise or any(len(shape) < 2 for shape in shapes) or params.get("beta", 1.0) != 1:
        return None
    return lambda rest: Call(kernel, (rest, *inputs), params, (0,), WORKSPACES[kernel])


def _inplace(node: Node, inputs: tuple[Value, ...]) -> tuple[int, ...]:
    """Return the inputs that output 0 may overwrite, where the types are equal."""
    if node.op in OVER_FIRST:
        return (0,)
    return tuple(i for i, value in enumerate(inputs) if value is not ABSENT) if node.op in elementwise else ()


def _own(node: Node) -> str:
    return RENAMED.get(node.op.name, node.op.name)


def _window(node: Node, weight: int = 1) -> Mapping[str, Any]:
    """Fill in the defaults of a window and turn `auto_pad` into pads."""
    image = node.inputs[0].shape[2:]
    rank = len(image)
    given = node.params
    kernel: Any = given["kernel"] or node.inputs[weight].shape[2:]
    strides, dilations = given["strides"] or (1,) * rank, given["dilations"] or (1,) * rank
    pads = given["pads"] or (0,) * (2 * rank)
    if given["auto_pad"] == "VALID":
        pads = (0,) * (2 * rank)
    elif given["auto_pad"].startswith("SAME"):
        needs = [_same(node, image[i], kernel[i], strides[i], dilations[i]) for i in range(rank)]
        smaller, larger = [need // 2 for need in needs], [need - need // 2 for need in needs]
        pads = (*smaller, *larger) if given["auto_pad"] == "SAME_UPPER" else (*larger, *smaller)
    return {"kernel": tuple(kernel), "strides": strides, "pads": tuple(pads), "dilations": dilations}


def _same(node: Node, size: Any, kernel: Any, stride: int, dilation: int) -> int:
    """Return how many elements to pad along one axis, so that the output has ceil(size / stride)."""
    for needed in (kernel,) if stride == 1 else (kernel, size):
        if not isinstance(needed, int):
            what = f"the pads of auto_pad={node.params['auto_pad']} depend on the dimension {needed}"
            raise Error(f"{node!r}: {what}; give it: --set-dim {needed}=...")
    reach: int = dilation * (kernel - 1) + 1
    return reach - 1 if stride == 1 else max((-(-size // stride) - 1) * stride + reach - size, 0)


@lowering(ops.conv)
def _(node: Node) -> tuple[str, tuple[Value, ...], Mapping[str, Any]]:
    window = {key: value for key, value in _window(node).items() if key != "kernel"}
    return "conv", node.inputs, window | {"groups": node.params["groups"]}


@lowering(ops.deform_conv)
def _(node: Node) -> tuple[str, tuple[Value, ...], Mapping[str, Any]]:
    rank, given = len(node.inputs[0].shape) - 2, node.params
    window = {"strides": given["strides"] or (1,) * rank, "pads": given["pads"] or (0,) * (2 * rank)}
    window["dilations"] = given["dilations"] or (1,) * rank
    return "deform_conv", node.inputs, window | {key: given[key] for key in ("groups", "offset_groups")}


@lowering(ops.conv_integer, ops.qlinear_conv)
def _(node: Node) -> tuple[str, tuple[Value, ...], Mapping[str, Any]]:
    window = _window(node, 3 if node.op is ops.qlinear_conv else 1)
    window = {key: value for key, value in window.items() if key != "kernel"}
    return node.op.name, node.inputs, window | {"groups": node.params["groups"]}


@lowering(ops.conv_transpose)
def _(node: Node) -> tuple[str, tuple[Value, ...], Mapping[str, Any]]:
    window = {key: value for key, value in _window(node).items() if key != "kernel"}
    rank = len(node.inputs[0].shape) - 2
    params = node.params
    padding = params["output_padding"] or (0,) * rank
    if params["output_shape"] or params["auto_pad"].startswith("SAME"):
        window["pads"] = _transposed_pads(node, window, padding)
    return "conv_transpose", node.inputs, window | {"groups": params["groups"], "output_padding": padding}


def _transposed_pads(node: Node, window: Mapping[str, Any], padding: tuple[int, ...]) -> tuple[int, ...]:
    """Find the pads that give the output its shape, split as the ONNX definition of ConvTranspose says."""
    image, out, kernel = node.inputs[0].shape[2:], node.outputs[0].shape[2:], node.inputs[1].shape[2:]
    begins, ends = [], []
    for i, size in enumerate(image):
        total: Any = (
            window["strides"][i] * (size - 1) + padding[i] + (kernel[i] - 1) * window["dilations"][i] + 1 - out[i]
        )
        if not isinstance(total, int):
            raise Error(f"{node!r}: the pads depend on a dimension; give it: --set-dim NAME=INT")
        total = max(total, 0)
        begin = total // 2 if node.params["auto_pad"] == "SAME_UPPER" else total - total // 2
        begins.append(begin)
        ends.append(total - begin)
    return (*begins, *ends)


@lowering(ops.max_pool, ops.max_pool_with_indices, ops.average_pool)
def _(node: Node) -> tuple[str, tuple[Value, ...], Mapping[str, Any]]:
    rest = {
        key: int(value)
        for key, value in node.params.items()
        if key in ("ceil_mode", "count_include_pad", "storage_order")
    }
    return node.op.name, node.inputs, {**_window(node), **rest}


@lowering(ops.lp_pool)
def _(node: Node) -> tuple[str, tuple[Value, ...], Mapping[str, Any]]:
    rest = {"ceil_mode": int(node.params["ceil_mode"]), "p": node.params["p"]}
    return "lp_pool", node.inputs, {**_window(node), **rest}


@lowering(ops.copy)
def _(node: Node) -> tuple[str, tuple[Value, ...], Mapping[str, Any]]:
    return "copy", node.inputs, {}


@lowering(ops.batch_norm, ops.batch_norm_each)
def _(node: Node) -> tuple[str, tuple[Value, ...], Mapping[str, Any]]:
    return node.op.name, node.inputs, {"epsilon": node.params["epsilon"]}


@lowering(ops.hann_window, ops.hamming_window, ops.blackman_window)
def _(node: Node) -> tuple[str, tuple[Value, ...], Mapping[str, Any]]:
    kind = node.op.name.removesuffix("_window")
    return "window", node.inputs, {"kind": kind, "periodic": int(node.params["periodic"])}


@lowering(ops.mel_weight_matrix)
def _(node: Node) -> tuple[str, tuple[Value, ...], Mapping[str, Any]]:
    return "mel_weight_matrix", node.inputs, {}


@lowering(ops.bit_cast)
def _(node: Node) -> tuple[str, tuple[Value, ...], Mapping[str, Any]]:
    return "bit_cast", node.inputs, {}


@lowering(ops.quantize_linear, ops.dequantize_linear, ops.attention)
def _(node: Node) -> tuple[str, tuple[Value, ...], Mapping[str, Any]]:
    """Say element types by name; that of the output is told by the output."""
    params = {key: value for key, value in _flags(node).items() if key != "output_dtype"}
    for key in params.keys() & {"precision", "softmax_precision"}:
        params[key] = params[key].name if params[key] else ""
    return node.op.name, node.inputs, params


@lowering(ops.cast, ops.cast_like)
def _(node: Node) -> tuple[str, tuple[Value, ...], Mapping[str, Any]]:
    target, params = node.outputs[0].dtype.name, {}
    if target.startswith("float8"):
        params = {"saturate": int(node.params["saturate"])}
    if target == "float8_e8m0fnu":
        params = {**params, "round_mode": node.params["round_mode"]}
    return "cast", node.inputs[:1], params


@lowering(ops.isinf)
def _(node: Node) -> tuple[str, tuple[Value, ...], Mapping[str, Any]]:
    return (
        "isinf",
        node.inputs,
        {"detect_negative": int(node.params["negative"]), "detect_positive": int(node.params["positive"])},
    )


@lowering(ops.dropout)
def _(node: Node) -> tuple[str, tuple[Value, ...], Mapping[str, Any]]:
    from nnvm.ops.nn import is_inference

    if not is_inference(node):
        raise Error(f"{node!r} drops at random, which this backend does not run; fix its `training` input to false")
    return "dropout", node.inputs[:1], {}


@lowering(ops.transpose)
def _(node: Node) -> tuple[str, tuple[Value, ...], Mapping[str, Any]]:
    return "transpose", node.inputs, {"perm": node.params["perm"] or tuple(range(len(node.inputs[0].shape)))[::-1]}


@lowering(ops.split)
def _(node: Node) -> tuple[str, tuple[Value, ...], Mapping[str, Any]]:
    return "split", node.inputs[:1], {"axis": node.params["axis"]}


@lowering(ops.depth_to_space, ops.space_to_depth)
def _(node: Node) -> tuple[str, tuple[Value, ...], Mapping[str, Any]]:
    return node.op.name, node.inputs, {"blocksize": node.params["block"], "mode": node.params["mode"]}


@lowering(ops.center_crop_pad)
def _(node: Node) -> tuple[str, tuple[Value, ...], Mapping[str, Any]]:
    return "center_crop_pad", node.inputs[:1], {}


@lowering(ops.max_unpool)
def _(node: Node) -> tuple[str, tuple[Value, ...], Mapping[str, Any]]:
    return "max_unpool", node.inputs[:2], node.params


@lowering(ops.affine_grid)
def _(node: Node) -> tuple[str, tuple[Value, ...], Mapping[str, Any]]:
    return "affine_grid", node.inputs[:1], _flags(node)


@lowering(ops.fill)
def _(node: Node) -> tuple[str, tuple[Value, ...], Mapping[str, Any]]:
    return "fill", (), {"value": scalar(node.params["value"])}


@lowering(ops.expand, ops.eye_like)
def _(node: Node) -> tuple[str, tuple[Value, ...], Mapping[str, Any]]:
    return node.op.name, node.inputs[:1], {"k": node.params["k"]} if node.op is ops.eye_like else {}


@lowering(
    ops.reduce_sum, ops.reduce_mean, ops.reduce_max, ops.reduce_min, ops.reduce_prod, ops.reduce_l1, ops.reduce_l2,
    ops.reduce_log_sum, ops.reduce_log_sum_exp, ops.reduce_sum_square,
)  # fmt: skip
def _(node: Node) -> tuple[str, tuple[Value, ...], Mapping[str, Any]]:
    rank = len(node.inputs[0].shape)
    known = axes_known(node.inputs[1] if len(node.inputs) > 1 and node.inputs[1] is not ABSENT else None)
    if known is None:
        return "sized_reduce", node.inputs, {"kernel": node.op.name, **_flags(node)}
    axes = axes_of(known, rank)
    if not axes and not node.params["noop_with_empty_axes"]:
        axes = tuple(range(rank))
    return node.op.name, node.inputs[:1], {"axes": axes, "keepdims": node.params["keepdims"]}


@lowering(ops.resize)
def _(node: Node) -> tuple[str, tuple[Value, ...], Mapping[str, Any]]:
    return "resize", node.inputs, resampling(node)


@lowering(ops.roi_align)
def _(node: Node) -> tuple[str, tuple[Value, ...], Mapping[str, Any]]:
    shaped = ("output_height", "output_width")
    return "roi_align", node.inputs, {key: value for key, value in node.params.items() if key not in shaped}


@lowering(ops.upsample)
def _(node: Node) -> tuple[str, tuple[Value, ...], Mapping[str, Any]]:
    return "resize", (node.inputs[0], ABSENT, node.inputs[1]), resampling(node)


@lowering(ops.lstm, ops.gru, ops.rnn)
def _(node: Node) -> tuple[str, tuple[Value, ...], Mapping[str, Any]]:
    given = node.params
    functions = (given["activations"], given["activation_alpha"], given["activation_beta"])
    names, alpha, beta = activations_of(node.op.name, given["direction"], *functions)
    kept = {"direction", "clip", "input_forget", "linear_before_reset", "layout"}
    rest = {key: value for key, value in _flags(node).items() if key in kept}
    return node.op.name, node.inputs, {"activations": names, "alpha": alpha, "beta": beta, **rest}


def _flags(node: Node) -> Mapping[str, Any]:
    return {key: int(value) if isinstance(value, bool) else value for key, value in node.params.items()}


@lowering(ops.einsum)
def _(node: Node) -> tuple[str, tuple[Value, ...], Mapping[str, Any]]:
    terms, output = labels(node.params["equation"], tuple(len(value.shape) for value in node.inputs))
    return "einsum", node.inputs, {"terms": terms, "output": output}


@lowering(
    ops.gemm, ops.argmax, ops.argmin, ops.cumsum, ops.cumprod, ops.mod, ops.trilu, ops.top_k, ops.unique,
    ops.grid_sample, ops.non_max_suppression, ops.rotary_embedding, ops.dft, ops.stft,
)  # fmt: skip
def _(node: Node) -> tuple[str, tuple[Value, ...], Mapping[str, Any]]:
    return _own(node), node.inputs, _flags(node)
