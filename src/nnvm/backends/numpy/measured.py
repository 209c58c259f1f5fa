"""Which NumPy kernel computes an operator where only the data says how large its outputs are."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from nnvm import ops
from nnvm.backends.numpy.device import dtype_of
from nnvm.compile.backend import Call
from nnvm.errors import Error
from nnvm.ir import ABSENT, Node, Op, OpAttr, TensorData, constant

measured: Final[OpAttr[Callable[[Node], Call]]] = OpAttr(
    "the call of a NumPy kernel that allocates what only its data can measure"
)


def by(kernel: str, *params: str) -> Callable[[Node], Call]:
    """Return a function that calls this kernel with the node's inputs, and these of its params."""

    def allocate(node: Node) -> Call:
        return sized(kernel, node, {name: node.params[name] for name in params})

    return allocate


def sized(kernel: str, node: Node, params: Mapping[str, Any]) -> Call:
    """Return the call of an allocating kernel on the node's inputs; flags become numbers."""
    plain = {key: int(value) if isinstance(value, bool) else value for key, value in params.items()}
    return Call(f"numpy:sized_{kernel}/1", node.inputs, plain, allocates=True)


ROWS: Final[Mapping[Op[..., Any], Callable[[Node], Call]]] = {
    ops.reshape: by("reshape", "allowzero"),
    ops.expand: by("expand"),
    ops.tile: by("tile"),
    ops.slice: by("slice"),
    ops.pad: by("pad", "mode"),
    ops.arange: by("sequence"),
    ops.one_hot: by("one_hot", "axis"),
    ops.split: by("split", "axis"),
    ops.dft: by("dft", "inverse", "onesided"),
    ops.stft: by("stft", "onesided"),
    ops.top_k: by("top_k", "axis", "largest", "sorted"),
    ops.center_crop_pad: by("center_crop_pad", "axes"),
    ops.col2im: by("col2im", "dilations", "pads", "strides"),
    ops.max_unpool: by("max_unpool", "kernel", "pads", "strides"),
}
for _operator, _call in ROWS.items():
    measured[_operator] = _call


@measured(ops.fill)
def _(node: Node) -> Call:
    """Hand the value's type over as an array, for no param can hold it."""
    value: TensorData = node.params["value"]
    inputs = (*node.inputs, constant(data=value))
    return Call("numpy:sized_fill/1", inputs, {"value": scalar(value)}, allocates=True)


def scalar(data: TensorData) -> int | float | bool:
    """Return the only element as a number that a step may hold; raise Error for a complex one."""
    if data.has_numbers:
        return data.item()
    if not data.dtype.is_float:
        raise Error(f"a tensor cannot be filled with {data.dtype!r} by NumPy; make it of floats")
    return float(np.frombuffer(data.read(), dtype_of(data.dtype.name))[0])


def resampling(node: Node) -> Mapping[str, Any]:
    """Return the params of a resize by the names that its kernel has for them."""
    if node.op is ops.upsample:
        return {"mode": node.params["mode"], "coordinates": "asymmetric", "nearest_mode": "simple"}
    renamed = {"coordinate_transformation_mode": "coordinates", "keep_aspect_ratio_policy": "policy"}
    return {
        renamed.get(key, key): int(value) if isinstance(value, bool) else value for key, value in node.params.items()
    }


@measured(ops.affine_grid)
def _(node: Node) -> Call:
    return sized("affine_grid", node, node.params)


@measured(ops.resize)
def _(node: Node) -> Call:
    return sized("resize", node, resampling(node))


@measured(ops.upsample)
def _(node: Node) -> Call:
    x, scales = node.inputs
    return Call("numpy:sized_resize/1", (x, ABSENT, scales), resampling(node), allocates=True)


@measured(ops.hann_window, ops.hamming_window, ops.blackman_window)
def _(node: Node) -> Call:
    params = {"kind": node.op.name.removesuffix("_window"), "periodic": node.params["periodic"]}
    return sized("window", node, {**params, "dtype": node.params["output_dtype"].name})


@measured(ops.mel_weight_matrix)
def _(node: Node) -> Call:
    return sized("mel_weight_matrix", node, {"dtype": node.params["output_dtype"].name})
