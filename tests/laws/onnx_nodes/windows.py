"""Nodes that slide a window over images, or resample them."""

from typing import Any

import numpy as np
from tests.laws.onnx_nodes.drawing import Case, Draw, draws, kind_of


class Window:
    """A window that fits an image at least once."""

    def __init__(self, draw: Draw, rank: int, dilated: bool = True, most: int = 3) -> None:
        self.kernel = [draw.int(1, most) for _ in range(rank)]
        self.strides = [draw.int(1, 3) for _ in range(rank)] if draw.flag() else [1] * rank
        self.dilations = [draw.int(1, 2) for _ in range(rank)] if dilated and draw.flag() else [1] * rank
        self.pads = [draw.int(0, self.kernel[i % rank] - 1) for i in range(2 * rank)]
        self.auto = draw.pick("NOTSET", "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID")
        if self.auto != "NOTSET":
            self.pads = [0] * (2 * rank)
            if self.auto != "VALID":
                self.dilations = [1] * rank
                self.strides = [min(pair) for pair in zip(self.strides, self.kernel, strict=True)]
        reach = [(k - 1) * d + 1 for k, d in zip(self.kernel, self.dilations, strict=True)]
        self.image = [
            max(span - self.pads[i] - self.pads[i + rank], self.dilations[i]) + draw.int(0, 4)
            for i, span in enumerate(reach)
        ]

    def attributes(self, draw: Draw) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if any(each != 1 for each in self.strides) or draw.flag():
            found["strides"] = self.strides
        if any(each != 1 for each in self.dilations) or (draw.has("dilations") and draw.flag()):
            found["dilations"] = self.dilations
        if self.auto != "NOTSET":
            found["auto_pad"] = self.auto
        elif any(self.pads) or draw.flag():
            found["pads"] = self.pads
        return found


def batch(draw: Draw) -> int:
    return 0 if draw.flag(12) else draw.int(1, 2)


@draws("Conv")
def conv(draw: Draw) -> Case:
    rank = draw.pick(1, 2, 2, 3)
    window, groups, deep, out = Window(draw, rank), draw.pick(1, 1, 2, 3), draw.int(1, 3), draw.int(1, 3)
    dtype = draw.port(0)
    x = draw.array(dtype, (batch(draw), groups * deep, *window.image), -1, 1)
    weight = draw.array(dtype, (groups * out, deep, *window.kernel), -1, 1)
    bias = [draw.array(dtype, (groups * out,))] if draw.flag() else []
    given = window.attributes(draw) | {
        "kernel_shape": draw.maybe(window.kernel),
        "group": groups if groups > 1 else None,
    }
    return Case([x, weight, *bias], given, loose=2)


@draws("ConvTranspose")
def transposed(draw: Draw) -> Case:
    rank = draw.pick(1, 2, 2, 3)
    window, groups, deep, out = Window(draw, rank), draw.pick(1, 1, 2, 3), draw.int(1, 3), draw.int(1, 3)
    dtype = draw.port(0)
    image = [draw.int(2, 4) for _ in range(rank)]
    x = draw.array(dtype, (batch(draw), groups * deep, *image), -1, 1)
    weight = draw.array(dtype, (groups * deep, out, *window.kernel), -1, 1)
    bias = [draw.array(dtype, (groups * out,))] if draw.flag() else []
    given = window.attributes(draw) | {
        "kernel_shape": draw.maybe(window.kernel),
        "group": groups if groups > 1 else None,
    }
    whole = [window.strides[i] * (image[i] - 1) + (window.kernel[i] - 1) * window.dilations[i] + 1 for i in range(rank)]
    if window.auto == "NOTSET" and any(whole[i] - window.pads[i] - window.pads[i + rank] < 1 for i in range(rank)):
        given["pads"] = [0] * (2 * rank)
    if draw.flag(3) and window.auto in ("NOTSET", "VALID"):
        given["output_padding"] = [draw.int(0, stride - 1) for stride in window.strides]
    elif draw.flag(3) and window.auto != "VALID":
        given.pop("pads", None)
        given["output_shape"] = [draw.int(max(1, size - 2), size) for size in whole]
    return Case([x, weight, *bias], given, loose=2)


@draws("MaxPool", "AveragePool", "LpPool")
def pool(draw: Draw) -> Case:
    rank = draw.pick(1, 2, 2, 3)
    window = Window(draw, rank, draw.has("dilations"))
    x = draw.array(draw.port(0), (batch(draw), draw.int(1, 3), *window.image), -9, 9)
    given = window.attributes(draw) | {"kernel_shape": window.kernel}
    ceil = draw.maybe(draw.int(0, 1)) if window.auto in ("NOTSET", "VALID") else None
    given |= draw.attributes(ceil_mode=ceil, count_include_pad=draw.maybe(1), p=draw.maybe(draw.int(1, 3)))
    outputs = 1
    if draw.type == "MaxPool" and draw.version >= 8 and draw.flag():
        outputs, order = 2, draw.maybe(draw.int(0, 1))
        given |= {} if order is None else {"storage_order": order}
    return Case([x], given, outputs, loose=2)


@draws("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool")
def whole(draw: Draw) -> Case:
    dims = (batch(draw), draw.int(1, 3), *draw.shape(1, 3, False))
    return Case([draw.array(draw.port(0), dims)], draw.attributes(p=draw.maybe(draw.int(1, 3))), loose=2)


@draws("MaxUnpool")
def unpool(draw: Draw) -> Case:
    rank = draw.int(1, 3)
    kernel = [draw.int(1, 3) for _ in range(rank)]
    image = [draw.int(1, 3) for _ in range(rank)]
    n, c = draw.int(1, 2), draw.int(1, 2)
    strides = kernel if draw.flag() else [1] * rank
    out = [strides[i] * (image[i] - 1) + kernel[i] for i in range(rank)]
    x = draw.array(draw.port(0), (n, c, *image))
    cells = n * c * int(np.prod(out))
    indices = draw.rng.permutation(cells)[: x.size].reshape(x.shape).astype(np.int64)
    wide = [n, c, *(size + draw.int(0, 2) for size in out)]
    shape = [np.array(wide, np.int64)] if draw.flag() else []
    given = {"kernel_shape": kernel, "strides": strides if strides != [1] * rank or draw.flag() else None}
    return Case([x, indices, *shape], given, fixed=(2,))


@draws("Upsample")
def upsample(draw: Draw) -> Case:
    rank = draw.pick(4, 4, 2, 3)
    mode = draw.pick("nearest", "linear") if rank in (2, 4) else "nearest"
    dims = [draw.int(1, 4) for _ in range(rank)]
    mode = mode if kind_of(draw.port(0)) == "float" else "nearest"  # or the last bit decides
    scales = [draw.pick(1.0, 1.5, 2.0, 2.5, 3.0) for _ in range(rank)]
    if mode == "linear" and rank == 4:
        scales[:2] = [1.0, 1.0]
    x, given = draw.array(draw.port(0), dims, -9, 9), {"mode": mode if mode != "nearest" or draw.flag() else None}
    if draw.version < 9:
        return Case([x], given | {"scales": scales})
    return Case([x, np.array(scales, np.float32)], given, fixed=(1,) if draw.flag() else ())


@draws("Resize")
def resize(draw: Draw) -> Case:
    if draw.version < 11:
        case = upsample(draw)
        shrunk = [scale if scale == 1 or draw.flag() else 0.5 for scale in case.inputs[1].tolist()]
        case.inputs[1] = np.array(
            [max(s, 1 / n) for s, n in zip(shrunk, case.inputs[0].shape, strict=True)], np.float32
        )
        return case
    mode = draw.pick("nearest", "linear", "cubic") if kind_of(draw.dtype("T1")) == "float" else "nearest"
    rank = 4 if mode == "cubic" else draw.pick(2, 4, 4)
    dims = [draw.int(1, 5) for _ in range(rank)]
    axes = draw.axes(rank, 1, False) if draw.version >= 18 and draw.flag() else None  # both oracles drop -1
    if mode != "nearest" and rank == 4:
        axes = None if axes is None else [2, 3]
    chosen = list(range(rank)) if axes is None else axes
    scales = [draw.pick(0.5, 0.75, 1.0, 1.5, 2.0, 3.0) for _ in chosen]
    if mode != "nearest" and rank == 4 and axes is None:
        scales[:2] = [1.0, 1.0]
    scales = [max(scale, 1 / dims[i]) for scale, i in zip(scales, chosen, strict=True)]
    places = ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"]
    places += ["tf_half_pixel_for_nn"] if draw.version < 13 and mode == "nearest" else []
    places += ["half_pixel_symmetric"] if draw.version >= 19 and mode != "nearest" else []  # or the last bit decides
    given: dict[str, Any] = {"mode": mode if mode != "nearest" or draw.flag() else None, "axes": axes}
    given["coordinate_transformation_mode"] = draw.maybe(draw.pick(*places))
    if mode == "nearest":
        given["nearest_mode"] = draw.maybe(draw.pick("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"))
    if mode == "cubic":
        given |= {"cubic_coeff_a": draw.maybe(-0.5), "exclude_outside": draw.maybe(1)}
    x = draw.array(draw.dtype("T1"), dims, -9, 9)
    if draw.version >= 18 and mode != "nearest" and draw.flag():
        given["antialias"] = 1
        given["coordinate_transformation_mode"] = draw.maybe(draw.pick("half_pixel", "asymmetric"))
    sizes = [max(int(scale * dims[i]), 1) for scale, i in zip(scales, chosen, strict=True)]
    roi = np.array([], np.float32) if draw.version < 13 or draw.flag() else None
    if draw.flag():
        if draw.version >= 18 and draw.flag():
            given["keep_aspect_ratio_policy"] = draw.pick("stretch", "not_larger", "not_smaller")
        none = np.array([], np.float32) if draw.version < 13 else None
        return Case([x, roi, none, np.array(sizes, np.int64)], given, fixed=(1, 2, 3), loose=8)
    return Case([x, roi, np.array(scales, np.float32)], given, fixed=(1, 2), loose=8)


@draws("GridSample")
def sampled(draw: Draw) -> Case:
    rank = draw.pick(2, 2, 3) if draw.version >= 20 else 2
    modes = ("linear", "nearest", "cubic") if draw.version >= 20 else ("bilinear", "nearest", "bicubic")
    mode = draw.pick(*modes[: 3 if rank == 2 else 2])
    n, c = draw.int(1, 2), draw.int(1, 3)
    x = draw.array(draw.dtype("T1"), (n, c, *(draw.int(1, 4) for _ in range(rank))))
    mode = mode if kind_of(x.dtype) == "float" else "nearest"
    grid = draw.array(draw.dtype("T2"), (n, *(draw.int(1, 4) for _ in range(rank)), rank))
    grid = (grid * np.array(0.6, grid.dtype)).astype(grid.dtype)
    given = {
        "mode": mode,
        "padding_mode": draw.maybe(draw.pick("zeros", "border", "reflection")),
        "align_corners": draw.maybe(draw.int(0, 1)),
    }
    return Case([x, grid], given, loose=1e5 if x.dtype == np.float64 else 8)


@draws("AffineGrid")
def affine(draw: Draw) -> Case:
    rank, n = draw.int(2, 3), draw.int(1, 2)
    theta = draw.array(draw.port(0), (n, rank, rank + 1))
    size = np.array([n, draw.int(1, 3), *(draw.int(1, 4) for _ in range(rank))], np.int64)
    loose = 1e6 if theta.dtype == np.float64 else 4  # onnx.reference computes in 32 bits
    return Case([theta, size], {"align_corners": draw.maybe(draw.int(0, 1))}, fixed=(1,), loose=loose)


@draws("RoiAlign")
def regions(draw: Draw) -> Case:
    n, c, h, w = draw.int(1, 2), draw.int(1, 2), draw.int(2, 6), draw.int(2, 6)
    count, dtype = draw.int(0, 3), draw.dtype("T1")
    corners = np.sort(draw.rng.uniform(0, 8, (count, 2, 2)), axis=1).reshape(count, 4).astype(dtype)
    given = draw.attributes(
        coordinate_transformation_mode=draw.maybe(draw.pick("half_pixel", "output_half_pixel")),
        mode=draw.maybe(draw.pick("avg", "max")),
        output_height=draw.maybe(draw.int(1, 3)),
        output_width=draw.maybe(draw.int(1, 3)),
        sampling_ratio=draw.maybe(draw.int(0, 3)),
        spatial_scale=draw.maybe(0.5),
    )
    batches = draw.rng.integers(0, n, count).astype(np.int64)
    return Case([draw.array(dtype, (n, c, h, w)), corners, batches], given, loose=8)
