"""Nodes that move elements, or tell shapes."""

from math import prod

import numpy as np
from tests.laws.onnx_nodes.drawing import Case, Draw, draws, number_of

I64 = np.int64


def anything(draw: Draw, low: int = 0, high: int = 4, zero: bool = True) -> object:
    return draw.array(draw.port(0), draw.shape(low, high, zero), -9, 9)


@draws("Shape")
def shape(draw: Draw) -> Case:
    ends = draw.attributes(start=draw.maybe(draw.int(-4, 4)), end=draw.maybe(draw.int(-4, 4)))
    return Case([anything(draw)], ends)


@draws("Size")
def size(draw: Draw) -> Case:
    return Case([anything(draw)])


@draws("Reshape")
def reshape(draw: Draw) -> Case:
    x = anything(draw)
    wanted, allow = list(x.shape), None
    if draw.flag():
        draw.random.shuffle(wanted)
    if wanted and 0 not in wanted and draw.flag():
        wanted[draw.axis(len(wanted), False)] = -1
    elif 0 not in x.shape and draw.flag():
        wanted = [size if draw.flag() else 0 for size in x.shape]
    elif draw.has("allowzero") and draw.flag() and -1 not in wanted:
        allow = 1
    elif 0 in wanted:
        wanted = list(x.shape)
    return Case([x, np.array(wanted, I64)], {"allowzero": allow}, fixed=(1,) if draw.flag() else ())


@draws("Flatten")
def flatten(draw: Draw) -> Case:
    x = anything(draw, 1)
    return Case([x], {"axis": draw.maybe(draw.int(-x.ndim if draw.version >= 11 else 0, x.ndim))})


@draws("Squeeze", "Unsqueeze")
def axes(draw: Draw) -> Case:
    x, negative = anything(draw, 1, 4), draw.version >= 11
    if draw.type == "Squeeze":
        x = x.reshape([1 if draw.flag(3) else size for size in x.shape]) if x.size == 1 else x
        chosen = [i for i in range(x.ndim) if x.shape[i] == 1 and draw.flag()]
        rank = x.ndim
    else:
        rank = x.ndim + draw.int(1, 2)
        chosen = draw.random.sample(range(rank), rank - x.ndim)
    chosen = [i - rank if negative and draw.flag(3) else i for i in chosen]
    if draw.type == "Squeeze" and (not chosen or draw.flag(4)):
        return Case([x])
    if draw.version < 13:
        return Case([x], {"axes": chosen})
    return Case([x, np.array(chosen, I64)], fixed=(1,))


@draws("Transpose")
def transpose(draw: Draw) -> Case:
    x = anything(draw)
    return Case([x], {"perm": draw.maybe(draw.random.sample(range(x.ndim), x.ndim)) or None})


@draws("Concat")
def concat(draw: Draw) -> Case:
    dims = draw.shape(1)
    axis = draw.axis(len(dims), draw.version >= 11)
    parts = []
    for _ in range(draw.int(1, 4)):
        own = list(dims)
        own[axis] = draw.size()
        parts.append(draw.array(draw.port(0), own, -9, 9))
    return Case(parts, {"axis": axis})


@draws("Split")
def split(draw: Draw) -> Case:
    x = anything(draw, 1)
    axis = draw.axis(x.ndim, draw.version >= 11)
    length, parts = x.shape[axis], draw.int(1, 3)
    given: dict[str, object] = {"axis": axis if axis or draw.flag() else None}
    if draw.flag():
        cuts = sorted(draw.int(0, length) for _ in range(parts - 1))
        sizes = np.diff([0, *cuts, length])
        if draw.version < 13:
            return Case([x], given | {"split": sizes.tolist()}, parts)
        return Case([x, sizes.astype(I64)], given, parts, fixed=(1,) if draw.flag() else ())
    if draw.version >= 18:
        return Case([x], given | {"num_outputs": parts}, parts)
    parts = parts if length % parts == 0 else 1
    return Case([x], given, parts)


@draws("Slice")
def cut(draw: Draw) -> Case:
    x = anything(draw, 1)
    axes = draw.maybe(draw.axes(x.ndim, 1, draw.version >= 10))
    count = len(axes) if axes is not None else draw.int(1, x.ndim)
    starts = [draw.int(-6, 6) for _ in range(count)]
    ends = [draw.pick(*range(-6, 7), 2**31 - 1, -(2**31)) for _ in range(count)]
    if draw.version < 10:
        return Case([x], {"starts": starts, "ends": ends, "axes": axes})
    steps = draw.maybe([draw.pick(1, 1, 2, 3, -1, -2) for _ in range(count)])
    if steps is not None:  # backwards to the largest number, ONNX Runtime goes to the first element after all
        ends = [min(end, 9) if step < 0 else end for end, step in zip(ends, steps, strict=True)]
    kind = draw.pick(np.int32, I64)
    rest = [None if each is None else np.array(each, kind) for each in (starts, ends, axes, steps)]
    while rest[-1] is None:
        rest.pop()
    return Case([x, *rest], fixed=range(1, 5) if draw.flag() else ())


@draws("Pad")
def pad(draw: Draw) -> Case:
    modes = ["constant", "reflect", "edge"] + (["wrap"] if draw.version >= 19 else [])
    mode = draw.pick(*modes)
    x = anything(draw, 1, 4, mode == "constant")
    dtype = x.dtype
    axes = draw.axes(x.ndim, 1) if draw.version >= 18 and draw.flag() else None
    chosen = list(range(x.ndim)) if axes is None else axes
    most = [x.shape[i] - 1 if mode == "reflect" else x.shape[i] if mode == "wrap" else 3 for i in chosen]
    pads = [draw.int(0, min(limit, 3)) for limit in (*most, *most)]
    if draw.flag(3):
        pads = [-draw.int(0, x.shape[i] // 2) if draw.flag(3) else p for p, i in zip(pads, chosen * 2, strict=True)]
    given = {"mode": mode if mode != "constant" or draw.flag() else None}
    if draw.version < 11:
        value = draw.maybe(1.5) if mode == "constant" else None
        return Case([x], given | {"pads": pads, "value": value})
    value = draw.maybe(draw.array(dtype, (), 0, 9)) if mode == "constant" else None
    inputs = [x, np.array(pads, I64), value]
    if axes is not None:
        inputs.append(np.array(axes, draw.pick(np.int32, I64)))
    while inputs[-1] is None:
        inputs.pop()
    return Case(inputs, given, fixed=(1, 3) if draw.flag() else (3,))


@draws("Expand")
def expand(draw: Draw) -> Case:
    dims = draw.shape()
    x = draw.array(draw.port(0), draw.part(dims), -9, 9)
    wanted = dims if draw.flag() else draw.part(dims)
    return Case([x, np.array(wanted, I64)], fixed=(1,) if draw.flag() else ())


@draws("Tile")
def tile(draw: Draw) -> Case:
    x = anything(draw, 1)
    return Case([x, np.array([draw.int(0, 3) if draw.flag(4) else draw.int(1, 3) for _ in x.shape], I64)])


@draws("DepthToSpace", "SpaceToDepth")
def blocks(draw: Draw) -> Case:
    block, (n, c, h, w) = draw.int(1, 3), (draw.size() for _ in range(4))
    deep = draw.type == "DepthToSpace"
    dims = (n, c * block * block, h, w) if deep else (n, c, h * block, w * block)
    mode = draw.maybe(draw.pick("DCR", "CRD"))
    return Case([draw.array(draw.port(0), dims, -9, 9)], draw.attributes(blocksize=block, mode=mode))


@draws("Trilu")
def trilu(draw: Draw) -> Case:
    x = anything(draw, 2)
    inputs = [x, np.array(draw.int(-4, 4), I64)] if draw.flag() else [x]
    return Case(inputs, {"upper": draw.maybe(draw.int(0, 1))})


@draws("CenterCropPad")
def center(draw: Draw) -> Case:
    x = anything(draw, 1)
    axes = draw.maybe(draw.axes(x.ndim, 1))
    count = x.ndim if axes is None else len(axes)
    sizes = np.array([draw.int(0 if draw.flag(4) else 1, 6) for _ in range(count)], draw.dtype("Tind"))
    return Case([x, sizes], {"axes": axes}, fixed=(1,))


@draws("ConstantOfShape")
def repeated(draw: Draw) -> Case:
    value = draw.maybe(draw.array(draw.dtype("T2"), (1,), 0, 3))
    return Case([np.array(draw.shape(), I64)], {"value": value}, fixed=(0,) if draw.flag() else ())


@draws("EyeLike")
def eye(draw: Draw) -> Case:
    target = draw.maybe(number_of(draw.dtype("T2")))
    x = draw.array(draw.port(0), draw.shape(2, 2), 0, 1)
    return Case([x], {"dtype": target, "k": draw.maybe(draw.int(-3, 3))})


@draws("Range")
def sequence(draw: Draw) -> Case:
    dtype = draw.port(0)
    start, step = draw.int(0, 4), draw.pick(1, 2, 3)
    ends = (start, start + step * draw.int(0, 5))
    start, limit = ends[::-1] if draw.flag() and "u" not in np.dtype(dtype).name[0] else ends
    step = step if start <= limit else -step
    return Case([np.array(each, dtype) for each in (start, limit, step)], draw.attributes(), fixed=range(3))


@draws("ReverseSequence")
def reverse(draw: Draw) -> Case:
    x = anything(draw, 2, 4, False)
    batch = draw.int(0, 1)
    lengths = np.array([draw.int(1, x.shape[1 - batch]) for _ in range(x.shape[batch])], I64)
    explicit = batch == 0 or draw.flag()
    return Case([x, lengths], {"batch_axis": batch, "time_axis": 1 - batch} if explicit else {})


@draws("Einsum")
def einsum(draw: Draw) -> Case:
    sizes = dict(zip("abcd", (draw.size() for _ in range(4)), strict=True))
    terms = ["".join(draw.random.sample("abcd", draw.int(1, 3))) for _ in range(draw.int(1, 3))]
    used = sorted(set("".join(terms)))
    lead = draw.shape(0, 2, False) if draw.flag(3) else None
    output = "".join(draw.random.sample(used, draw.int(0, len(used))))
    if lead is not None:
        arrow = f"->...{output}"
        terms, shapes = [f"...{term}" for term in terms], [draw.part(lead) for _ in terms]
    else:
        arrow, shapes = f"->{output}" if draw.flag() else "", [() for _ in terms]
    arrays = [
        draw.array(draw.port(0), (*own, *(sizes[letter] for letter in term if letter != ".")))
        for own, term in zip(shapes, terms, strict=True)
    ]
    return Case(arrays, {"equation": draw.pick(",", " , ").join(terms) + arrow}, loose=2)


@draws("Col2Im")
def patches(draw: Draw) -> Case:
    rank = draw.int(1, 3)
    block = [draw.int(1, 2) for _ in range(rank)]
    strides, dilations = ([draw.int(1, 2) for _ in range(rank)] for _ in range(2))
    pads = [draw.int(0, 1) for _ in range(2 * rank)]
    image = [max(draw.int(2, 5), (block[i] - 1) * dilations[i] + 1 - pads[i] - pads[i + rank], 1) for i in range(rank)]
    counts = [
        (image[i] + pads[i] + pads[i + rank] - (block[i] - 1) * dilations[i] - 1) // strides[i] + 1 for i in range(rank)
    ]
    x = draw.array(draw.port(0), (draw.size(False), draw.size(False) * prod(block), prod(counts)))
    return Case(
        [x, np.array(image, I64), np.array(block, I64)],
        {"strides": strides, "dilations": dilations, "pads": pads},
        fixed=(1, 2),
    )
