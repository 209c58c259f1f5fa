"""The operators we ship, by family; each is a signature and the types it returns, after ONNX's newest definitions."""

from nnvm.ops import contents as _contents
from nnvm.ops.activation import (
    celu, elu, gelu, hard_sigmoid, hard_swish, hardmax, hardmax_from, leaky_relu, log_softmax, log_softmax_from, mish, prelu, relu, selu,
    sigmoid, softmax, softmax_from, softplus, softsign, tanh, thresholded_relu,
)  # fmt: skip
from nnvm.ops.arithmetic import (
    abs, acos, acosh, add, add_n, asin, asinh, atan, atanh, bitwise_and, bitwise_not, bitwise_or, bitwise_xor, cast, ceil, clip, cos, cosh,
    div, equal, erf, exp, floor, greater, greater_equal, identity, isinf, isnan, less, less_equal, log, logical_and, logical_not, logical_or,
    logical_xor, maximum, mean_n, minimum, mod, mul, neg, pow, reciprocal, round, sign, sin, sinh, sqrt, sub, tan, where,
)  # fmt: skip
from nnvm.ops.index import arange, eye_like, fill, gather, gather_elements, gather_nd, nonzero, one_hot, scatter_elements, scatter_nd
from nnvm.ops.linear import gemm, matmul
from nnvm.ops.nn import (
    average_pool, batch_norm, conv, conv_transpose, dropout, global_average_pool, global_max_pool, instance_norm, layer_norm, lrn, max_pool,
    max_pool_with_indices,
)  # fmt: skip
from nnvm.ops.reduce import (
    argmax, argmin, cumsum, reduce_l1, reduce_l2, reduce_log_sum, reduce_log_sum_exp, reduce_max, reduce_mean, reduce_min, reduce_prod,
    reduce_sum, reduce_sum_square,
)  # fmt: skip
from nnvm.ops.shape import (
    concat, depth_to_space, expand, flatten, pad, reshape, shape, size, slice, space_to_depth, split, squeeze, tile, transpose, trilu,
    unsqueeze,
)  # fmt: skip

__all__ = [
    "abs", "acos", "acosh", "add", "add_n", "arange", "argmax", "argmin", "asin", "asinh", "atan", "atanh", "average_pool", "batch_norm",
    "bitwise_and", "bitwise_not", "bitwise_or", "bitwise_xor", "cast", "ceil", "celu", "clip", "concat", "conv", "conv_transpose", "cos",
    "cosh", "cumsum", "depth_to_space", "div", "dropout", "elu", "equal", "erf", "exp", "expand", "eye_like", "fill", "flatten", "floor",
    "gather", "gather_elements", "gather_nd", "gelu", "gemm", "global_average_pool", "global_max_pool", "greater", "greater_equal",
    "hard_sigmoid", "hard_swish", "hardmax", "hardmax_from", "identity", "instance_norm", "isinf", "isnan", "layer_norm", "leaky_relu",
    "less", "less_equal", "log", "log_softmax", "log_softmax_from", "logical_and", "logical_not", "logical_or", "logical_xor", "lrn",
    "matmul", "max_pool", "max_pool_with_indices", "maximum", "mean_n", "minimum", "mish", "mod", "mul", "neg", "nonzero", "one_hot", "pad",
    "pow", "prelu", "reciprocal", "reduce_l1", "reduce_l2", "reduce_log_sum", "reduce_log_sum_exp", "reduce_max", "reduce_mean",
    "reduce_min", "reduce_prod", "reduce_sum", "reduce_sum_square", "relu", "reshape", "round", "scatter_elements", "scatter_nd", "selu",
    "shape", "sigmoid", "sign", "sin", "sinh", "size", "slice", "softmax", "softmax_from", "softplus", "softsign", "space_to_depth",
    "split", "sqrt", "squeeze", "sub", "tan", "tanh", "thresholded_relu", "tile", "transpose", "trilu", "unsqueeze", "where",
]  # fmt: skip
del _contents
