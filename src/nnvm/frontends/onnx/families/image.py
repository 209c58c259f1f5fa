"""Resampling in ONNX, where Upsample became Resize in opset 10, and Resize what it is in opset 11."""

from typing import Final

from nnvm import ops
from nnvm.frontends.onnx.rows import Read, Row, Use, Written, columns_of, read_params, too_old, write_params
from nnvm.ir import ABSENT, Node, TensorType, Value, data_of, f32, tensor_data

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
    if opset >= 13 and node.params["coordinate_transformation_mode"] == "tf_half_pixel_for_nn":
        raise too_old(node, "Resize", opset, 12, "opset 13 gave up the coordinates tf_half_pixel_for_nn")
    inputs = [*node.inputs, ABSENT, ABSENT]
    if opset < 13 and inputs[2] is ABSENT:
        raise too_old(node, "Resize", opset, 13, "it has no scales, which an older one may not leave out")
    roi = _stand_in(opset, inputs[2]) if inputs[1] is ABSENT else inputs[1]
    return Written("Resize", (inputs[0], roi, *inputs[2:]), write_params(_RESIZE, node.params))


def _stand_in(opset: int, scales: Value) -> Value | str:
    """Return what to write for a region that nothing reads: before opset 13 it must be there, so the scales are."""
    return "" if opset >= 13 else scales


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
        return Written("Resize", (x, _stand_in(opset, scales), scales), attributes)
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


_GRID: Final = columns_of({"align_corners": False, "mode": "linear", "padding_mode": "zeros"})
_BEFORE_20: Final = {"linear": "bilinear", "cubic": "bicubic"}
"""Names of modes when images had two axes."""


def _read_grid_sample(use: Use) -> Read | None:
    modes = {old: new for new, old in _BEFORE_20.items()}
    if use.opset < 20 and "mode" in use.attributes:
        use.attributes["mode"] = modes.get(use.attributes["mode"], use.attributes["mode"])
    params = read_params(_GRID, use)
    return None if params is None else (ops.grid_sample, use.inputs, params)


def _write_grid_sample(node: Node, opset: int) -> Written:
    attributes = write_params(_GRID, node.params)
    if opset < 20:
        type = node.inputs[0].type
        if isinstance(type, TensorType) and type.shape_or_none is not None and len(type.shape) != 4:
            raise too_old(node, "GridSample", opset, 20, f"its images have {len(type.shape) - 2} axes, not 2")
        if "mode" in attributes:
            attributes["mode"] = _BEFORE_20.get(attributes["mode"], attributes["mode"])
    return Written("GridSample", node.inputs, attributes)


_ROI: Final = columns_of(
    {
        "coordinate_transformation_mode": "half_pixel",
        "mode": "avg",
        "output_height": 1,
        "output_width": 1,
        "sampling_ratio": 0,
        "spatial_scale": 1.0,
    }
)
_BEFORE_16: Final = {"coordinate_transformation_mode": "output_half_pixel"}
"""What a RoiAlign did when it did not say."""


def _read_roi_align(use: Use) -> Read | None:
    params = read_params(_ROI, use)
    if params is None or (use.opset < 16 and "coordinate_transformation_mode" in use.attributes):
        return None
    return ops.roi_align, use.inputs, params | (_BEFORE_16 if use.opset < 16 else {})


def _write_roi_align(node: Node, opset: int) -> Written:
    attributes = write_params(_ROI, node.params)
    if opset < 16 and attributes.pop("coordinate_transformation_mode", "") != "output_half_pixel":
        raise too_old(node, "RoiAlign", opset, 16, "it shifts regions by half an element")
    return Written("RoiAlign", node.inputs, attributes)


ROWS: Final[tuple[Row, ...]] = (
    Row("Resize", ops.resize, _read_resize, _write_resize),
    Row("Upsample", ops.upsample, _read_upsample, _write_upsample),
    Row("GridSample", ops.grid_sample, _read_grid_sample, _write_grid_sample),
    Row("RoiAlign", ops.roi_align, _read_roi_align, _write_roi_align),
)
