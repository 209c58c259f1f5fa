"""Nodes that reduce, normalise, or multiply matrices."""

import numpy as np
from tests.laws.onnx_nodes.drawing import Case, Draw, draws, kind_of

I64 = np.int64
EMPTY = ("ReduceMean", "ReduceLogSum", "ReduceLogSumExp")
"""Reductions that are not defined over nothing, at least not for whole numbers."""


def matrices(draw: Draw) -> tuple[tuple[int, ...], tuple[int, ...]]:
    m, k, n = draw.size(draw.flag(6)), draw.size(False), draw.size(draw.flag(6))
    lead = draw.shape(0, 2)
    first, second = (*draw.part(lead), m, k), (*draw.part(lead), k, n)
    if draw.flag(5):
        first = (k,)
    if draw.flag(5):
        second = (k,)
    return first, second


@draws("MatMul")
def matmul(draw: Draw) -> Case:
    first, second = matrices(draw)
    return Case([draw.array(draw.port(0), first), draw.array(draw.port(1), second)], loose=2)


@draws("Gemm")
def gemm(draw: Draw) -> Case:
    m, k, n = (draw.size(draw.flag(6)) for _ in range(3))
    flips = {name: draw.maybe(draw.int(0, 1)) for name in ("transA", "transB")}
    first = (k, m) if flips["transA"] else (m, k)
    second = (n, k) if flips["transB"] else (k, n)
    dtype = draw.port(0)
    real = kind_of(dtype) == "float"
    third = [] if draw.version >= 11 and draw.flag(3) else [draw.array(dtype, draw.part((m, n)))]
    scales = {name: draw.maybe(draw.real() if real else 2.0) for name in ("alpha", "beta")}
    return Case([draw.array(dtype, first), draw.array(dtype, second), *third], flips | scales, loose=2)


@draws(
    "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd",
    "ReduceSum", "ReduceSumSquare",
)  # fmt: skip
def reduce(draw: Draw) -> Case:
    turn = 13 if draw.type == "ReduceSum" else 18
    low = 1 if draw.type == "ReduceLogSum" else -3
    least = 0 if draw.version >= 13 else 1
    x = draw.array(draw.port(0), draw.shape(least, 4, draw.type not in EMPTY), low, 3)
    given = {"keepdims": draw.maybe(draw.int(0, 1))}
    axes = draw.maybe(draw.axes(x.ndim, 0 if draw.version >= turn else 1, draw.version >= 11)) if x.ndim else None
    if draw.version < turn:
        return Case([x], given | {"axes": axes}, loose=4)
    given["noop_with_empty_axes"] = draw.maybe(draw.int(0, 1))
    inputs = [x] if axes is None else [x, np.array(axes, I64)]
    return Case(inputs, given, fixed=() if draw.flag(4) and given["keepdims"] == 1 else (1,), loose=4)


@draws("ArgMax", "ArgMin")
def extreme(draw: Draw) -> Case:
    x = draw.array(draw.port(0), draw.shape(1, 4, False), -3, 3)
    x = np.round(x.astype(np.float64)).astype(x.dtype) if draw.flag() else x  # ties
    given = draw.attributes(select_last_index=draw.maybe(draw.int(0, 1)))
    axis = draw.maybe(draw.axis(x.ndim, draw.version >= 11))
    return Case([x], given | {"axis": axis, "keepdims": draw.maybe(draw.int(0, 1))})


@draws("CumSum", "CumProd")
def running(draw: Draw) -> Case:
    x = draw.array(draw.port(0), draw.shape(1), -2, 2)
    axis = np.array(draw.axis(x.ndim), draw.dtype("T2"))
    given = {"exclusive": draw.maybe(draw.int(0, 1)), "reverse": draw.maybe(draw.int(0, 1))}
    return Case([x, axis], given, fixed=(1,) if draw.flag() else (), loose=2)


@draws("Softmax", "LogSoftmax", "Hardmax")
def softmax(draw: Draw) -> Case:
    x = draw.array(draw.port(0), draw.shape(2 if draw.version < 13 else 1), -9, 9)
    return Case([x], {"axis": draw.maybe(draw.axis(x.ndim, draw.version >= 11))}, loose=4)


@draws("Det")
def determinant(draw: Draw) -> Case:
    size = draw.int(1, 4)
    return Case([draw.array(draw.port(0), (*draw.shape(0, 2), size, size))], loose=8)


def vector(draw: Draw, dtype: object, size: int, low: float = -2, high: float = 2) -> object:
    return draw.array(dtype, (size,), low, high)


@draws("BatchNormalization")
def batch_norm(draw: Draw) -> Case:
    old = draw.version < 14
    types = [draw.port(i) for i in range(5)]
    dims = (draw.int(1, 2), draw.int(1, 3), *draw.shape(0, 3, False))
    x = draw.array(types[0], dims)
    given = {"epsilon": draw.maybe(draw.real(1e-3, 1e-1)), "momentum": draw.maybe(draw.real(0.5, 1.0))}
    spatial = draw.pick(None, 1, 0) if draw.has("spatial") else None
    size = dims[1:] if spatial == 0 else (dims[1],)
    rest = [draw.array(types[i], size, *((0.5, 2) if i == 4 else (-2, 2))) for i in range(1, 5)]
    training = None if old else draw.pick(None, 0, 1)
    outputs = 3 if training and draw.flag() else 1
    loose = 8 if len({x.dtype, *(each.dtype for each in rest)}) == 1 else 1e8
    return Case([x, *rest], given | draw.attributes(spatial=spatial, training_mode=training), outputs, loose=loose)


@draws("InstanceNormalization")
def instance_norm(draw: Draw) -> Case:
    dims = (draw.int(1, 2), draw.int(1, 3), *draw.shape(1, 3, False))
    dtype = draw.port(0)
    rest = [vector(draw, dtype, dims[1]) for _ in range(2)]
    return Case([draw.array(dtype, dims), *rest], {"epsilon": draw.maybe(draw.real(1e-2, 1.0))}, loose=16)


@draws("LayerNormalization", "RMSNormalization")
def layer_norm(draw: Draw) -> Case:
    dims = draw.shape(1, 4, False)
    axis = draw.axis(len(dims))
    whole = dims[axis:]
    rest = [draw.array(draw.port(i), whole) for i in range(1, len(draw.schema.inputs))]
    rest = rest[: draw.int(1, len(rest))]
    given = {"axis": axis if axis != -1 or draw.flag() else None, "epsilon": draw.maybe(draw.real(1e-2, 1.0))}
    given["stash_type"] = draw.maybe(1)
    outputs = draw.int(1, 3) if draw.type == "LayerNormalization" and draw.flag(3) else 1
    return Case([draw.array(draw.port(0), dims), *rest], given, outputs, loose=16)


@draws("GroupNormalization")
def group_norm(draw: Draw) -> Case:
    groups, per = draw.int(1, 3), draw.int(1, 3)
    dims = (draw.int(1, 2), groups * per, *draw.shape(1, 2, False))
    dtype = draw.port(0)
    rest = [vector(draw, dtype, groups * per) for _ in range(2)]
    given = {"num_groups": groups, "epsilon": draw.maybe(draw.real(1e-2, 1.0)), "stash_type": draw.maybe(1)}
    loose = 1e7 if dtype == np.float64 else 16  # statistics have 32 bits
    return Case([draw.array(dtype, dims), *rest], given, loose=loose)


@draws("LpNormalization")
def lp_norm(draw: Draw) -> Case:
    x = draw.array(draw.port(0), draw.shape(1))
    return Case([x], {"axis": draw.maybe(draw.axis(x.ndim)), "p": draw.maybe(draw.int(1, 2))}, loose=8)


@draws("MeanVarianceNormalization")
def moments(draw: Draw) -> Case:
    shape = [draw.int(2, 4) for _ in range(4)]
    unlike = draw.rng.permutation(np.linspace(-3, 3, int(np.prod(shape))))  # a variance of zero is the judges' own
    x = unlike.reshape(shape).astype(draw.port(0))
    return Case([x], {"axes": draw.maybe(draw.axes(4, 1)) or None}, loose=400)


@draws("LRN")
def local(draw: Draw) -> Case:
    x = draw.array(draw.port(0), (draw.int(1, 2), draw.int(1, 6), *draw.shape(2, 2)))
    given = {name: draw.maybe(draw.real()) for name in ("alpha", "beta", "bias")}
    return Case([x], given | {"size": draw.pick(1, 3, 5)}, loose=4)


@draws("Dropout")
def dropout(draw: Draw) -> Case:
    x = draw.array(draw.port(0), draw.shape(0 if draw.version >= 12 else 1))
    outputs = 2 if draw.version >= 10 and draw.flag() else 1
    if draw.version < 12:
        return Case([x], {"ratio": draw.maybe(draw.real(0, 0.75))}, outputs)
    ratio = draw.maybe(draw.array(draw.port(1), (), 0, 0.75))
    training = draw.maybe(np.array(draw.flag(3)))
    if training is not None and training:
        ratio = np.zeros((), draw.port(1))
    inputs = [x, ratio, training]
    while inputs[-1] is None:
        inputs.pop()
    return Case(inputs, {"seed": draw.maybe(3)}, outputs, fixed=(1, 2))


@draws("NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss")
def loss(draw: Draw) -> Case:
    n, c, rest = draw.int(1, 3), draw.int(1, 4), draw.shape(0, 2, False)
    x = draw.array(draw.port(0), (n, c, *rest))
    target = draw.array(draw.port(1), (n, *rest), 0, c - 1)
    ignored = draw.maybe(draw.pick(-1, draw.int(0, c - 1)))
    if ignored == -1 and draw.flag():
        target.reshape(-1)[0] = -1
    weight = [draw.array(draw.port(0), (c,), 0.5, 2)] if draw.flag() else []
    given = {"ignore_index": ignored, "reduction": draw.maybe(draw.pick("none", "mean", "sum"))}
    second = draw.type == "SoftmaxCrossEntropyLoss" and draw.flag()
    return Case([x, target, *weight], given, 2 if second else 1, loose=4)
