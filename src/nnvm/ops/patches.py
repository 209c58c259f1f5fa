"""Pieces of images put in their places, and images cut or widened about their centre."""

from nnvm.ir import TensorType, Value, born, contents, equal, op
from nnvm.ir.dims import Size
from nnvm.ir.types import Shape, UnknownRank
from nnvm.ops.typing import axes_of, of_kind, require


def _vector(value: Value, what: str, first: int = 0) -> Shape:
    """Return the sizes in a vector, those of axes from `first` on; raise UnknownRank where it has no length."""
    known = contents(value)
    require(known is None or all(not isinstance(size, int) or size >= 0 for size in known), f"{what} of {known}")
    if known is not None:
        return known
    shape = value.tensor.shape_or_none
    if shape is None or len(shape) != 1 or not isinstance(shape[0], int):
        raise UnknownRank
    return tuple(born(first + i) for i in range(shape[0]))


@op
def center_crop_pad(x: Value, shape: Value, *, axes: tuple[int, ...] | None = None) -> TensorType:
    """Crop or pad with zeros about the centre, along `axes` or all, to the sizes in `shape` (ONNX CenterCropPad)."""
    rank = len(x.shape)
    chosen = tuple(range(rank)) if axes is None else tuple(axis + rank if axis < 0 else axis for axis in axes)
    axes_of(chosen, rank)
    known = contents(shape)
    require(known is None or len(known) == len(chosen), f"sizes {known} for {len(chosen)} axes")
    require(known is None or all(not isinstance(size, int) or size >= 0 for size in known), f"sizes of {known}")
    found = list(x.shape)
    for i, axis in enumerate(chosen):
        found[axis] = born(axis) if known is None else known[i]
    return x.tensor[tuple(found)]


@op
def col2im(
    x: Value,
    image_shape: Value,
    block_shape: Value,
    *,
    dilations: tuple[int, ...] = (),
    pads: tuple[int, ...] = (),
    strides: tuple[int, ...] = (),
) -> TensorType:
    """Add up the columns of x, each a block of an image, where the blocks lie (ONNX Col2Im).

    x is [batch, channels * elements of a block, blocks]; blocks slide over the padded image, the last axis fastest.
    """
    require(len(x.shape) == 3, f"columns are [batch, channels * block, blocks], not {x.type}")
    image, block = _vector(image_shape, "an image", 2), contents(block_shape)
    require(block is None or len(block) == len(image), f"a block of {block} in an image of {image}")
    for what, given, count in (("dilations", dilations, 1), ("pads", pads, 2), ("strides", strides, 1)):
        require(len(given) in (0, count * len(image)), f"{what} {given} for {len(image)} axes")
    require(min((*dilations, *strides), default=1) > 0, f"strides {strides} and dilations {dilations} are positive")
    batch, rows, _ = x.shape
    channels: Size = born(1)
    if block is not None:
        area: Size = 1
        for size in block:
            area = area * size
        require(not isinstance(area, int) or area > 0, f"a block of {block}")
        fits = not (isinstance(rows, int) and isinstance(area, int)) or rows % area == 0
        require(fits, f"{rows} rows do not divide into blocks of {block}")
        channels = rows // area
    return x.tensor[(batch, channels, *image)]


@op
def max_unpool(
    x: Value,
    indices: Value,
    output_shape: Value | None = None,
    *,
    kernel: tuple[int, ...],
    pads: tuple[int, ...] = (),
    strides: tuple[int, ...] = (),
) -> TensorType:
    """Put elements back to where in the pooled image `indices` say, zeros elsewhere (ONNX MaxUnpool).

    Indices count through the whole image that the window implies, which lies in a corner of one of `output_shape`.
    """
    of_kind(x, "float")
    require(len(x.shape) == len(kernel) + 2, f"a window of {kernel} for {x.type}")
    for what, given, count in (("pads", pads, 2), ("strides", strides, 1)):
        require(len(given) in (0, count * len(kernel)), f"{what} {given} for a window of {kernel}")
    if indices.tensor.shape_or_none is not None:
        same = len(indices.shape) == len(x.shape)
        same = same and all(equal(p, q) is not False for p, q in zip(indices.shape, x.shape, strict=True))
        require(same, f"indices of {indices.type} for {x.type}")
    if output_shape is not None:
        sizes = _vector(output_shape, "an image")
        require(len(sizes) == len(x.shape), f"an output of {len(sizes)} dimensions for {x.type}")
        return x.tensor[sizes]
    return x.tensor[unpooled(x.shape, kernel, pads, strides)]


def unpooled(shape: Shape, kernel: tuple[int, ...], pads: tuple[int, ...], strides: tuple[int, ...]) -> Shape:
    """Return the shape of the image that a window pooled."""
    rank = len(kernel)
    pads, strides = pads or (0,) * (2 * rank), strides or (1,) * rank
    sizes = [(shape[i + 2] - 1) * strides[i] + kernel[i] - pads[i] - pads[rank + i] for i in range(rank)]
    require(all(not isinstance(size, int) or size >= 0 for size in sizes), f"an image of {sizes}")
    return (*shape[:2], *sizes)


@op
def affine_grid(theta: Value, size: Value, *, align_corners: bool = False) -> TensorType:
    """Return where each element of images of `size` lies after an affine map, in [-1, 1] (ONNX AffineGrid).

    theta is [batch, 2, 3] for images [batch, channels, height, width], [batch, 3, 4] where they have a depth.
    """
    of_kind(theta, "float")
    require(len(theta.shape) == 3, f"maps are [batch, axes, axes + 1], not {theta.type}")
    sizes = _vector(size, "an image")
    axes = len(sizes) - 2
    require(axes in (2, 3), f"images of {len(sizes)} dimensions; there are 4 or 5")
    fits = equal(theta.shape[1], axes) is not False and equal(theta.shape[2], axes + 1) is not False
    require(fits, f"maps of {theta.type} for images of {axes} axes")
    require(equal(theta.shape[0], sizes[0]) is not False, f"{theta.shape[0]} maps for {sizes[0]} images")
    return theta.tensor[(theta.shape[0], *sizes[2:], axes)]
