"""Resampling in ONNX, where Upsample became Resize in opset 10, and Resize what it is in opset 11."""

from typing import Final

from nnvm import ops
from nnvm.frontends.onnx.rows import Read, Row, Use, Written, columns_of, read_params, too_old, write_params
from nnvm.ir import Node, Value, data_of, f32, tensor_data

_TURN: Final = 11
"""The opset from which a Resize says where elements come from."""
_RESIZE: Final = columns_of(
    {
        "mode": "nearest",
        "coordinate_transformation_mode": "half_pixel",
        "nearest_mode": "round_prefer_floor",
        "cubic_coeff_a": -0.75,
        "exclude_outside": False,
        "extrapolation_value": 0.0,
        "antialias": False,
        "axes": None,
        "keep_aspect_ratio_policy": "stretch",
    }
)
_UPSAMPLE: Final = columns_of({"mode": "nearest"})


def _read_resize(use: Use) -> Read | None:
    if use.opset < _TURN:
        params = read_params(_UPSAMPLE, use)
        return None if params is None else (ops.upsample, use.inputs, params)
    params = read_params(_RESIZE, use)
    return None if params is None else (ops.resize, use.inputs, params)


def _write_resize(node: Node, opset: int) -> Written:
    if opset < _TURN:
        raise too_old(node, "Resize", opset, _TURN, "an older Resize does not say where elements come from")
    return Written("Resize", node.inputs, write_params(_RESIZE, node.params))


def _read_upsample(use: Use) -> Read | None:
    """Before opset 9 the scales are an attribute."""
    scales = use.input(1)
    if use.opset < 9:
        given = use.attributes.pop("scales", None)
        if not isinstance(given, tuple):
            return None
        scales = use.constant(tensor_data(given, f32[len(given)]), "scales")
    params = read_params(_UPSAMPLE, use)
    return None if params is None else (ops.upsample, (use.inputs[0], scales), params)


def _write_upsample(node: Node, opset: int) -> Written:
    x, scales = node.inputs
    attributes = write_params(_UPSAMPLE, node.params)
    if opset >= _TURN:
        attributes |= {"coordinate_transformation_mode": "asymmetric"}
        if node.params["mode"] == "nearest":
            attributes |= {"nearest_mode": _rule(node, opset, scales)}
        return Written("Resize", (x, "", scales), attributes)
    if opset == _TURN - 1:
        return Written("Resize", node.inputs, attributes)
    if opset == 9:
        return Written("Upsample", node.inputs, attributes)
    data = data_of(scales)
    if data is None:
        raise too_old(node, "Upsample", opset, 9, f"its scales {scales.name!r} are computed")
    return Written("Upsample", (x,), attributes | {"scales": tuple(map(float, data.values()))})


def _rule(node: Node, opset: int, scales: Value) -> str:
    """Return where the nearest lies: below, but above where an axis shrinks, which a newer Resize says once for all."""
    data = data_of(scales)
    if data is not None:
        known = [float(scale) for scale in data.values()]
        if all(scale >= 1 for scale in known):
            return "floor"
        if all(scale <= 1 for scale in known):
            return "ceil"
    why = "its scales are computed, or it shrinks one axis and stretches another, to the nearest"
    raise too_old(node, "Resize", opset, _TURN - 1, why)


ROWS: Final[tuple[Row, ...]] = (
    Row("Resize", ops.resize, _read_resize, _write_resize),
    Row("Upsample", ops.upsample, _read_upsample, _write_upsample),
)
