import numpy as np
import pytest
from tests.ops.uses import Numpy

from nnvm import ops
from nnvm.backends.numpy import run
from nnvm.backends.numpy.kernels import ALLOCATING
from nnvm.backends.numpy.measured import ROWS, measured
from nnvm.compile import compile_graph
from nnvm.errors import Error
from nnvm.ir import Graph, f32, i64, named_input, tensor_data

X = np.random.default_rng(0).normal(size=(2, 3)).astype(np.float32)


def computed(function, *sizes):
    """Run an operator on x and numbers that only the run knows."""
    types = {f"s{i}": i64[()] if np.ndim(size) == 0 else i64[len(size)] for i, size in enumerate(sizes)}
    x = named_input("x", f32["m", "n"])
    given = [named_input(name, type) for name, type in types.items()]
    outputs = function(x, *given)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    program = compile_graph(Graph(outputs, [x, *given]), Numpy())
    assert any(step.allocates for step in program.steps)
    found = run(program)(x=X, **{name: np.asarray(size) for name, size in zip(types, sizes, strict=True)})
    return found[0]


CASES = {
    ops.reshape: (lambda x, s: ops.reshape(x, s, name="y"), ([3, -1],), X.reshape(3, 2)),
    ops.expand: (lambda x, s: ops.expand(x, s, name="y"), ([4, 1, 1],), np.broadcast_to(X, (4, 2, 3))),
    ops.tile: (lambda x, s: ops.tile(x, s, name="y"), ([2, 1],), np.tile(X, (2, 1))),
    ops.slice: (lambda x, a, b: ops.slice(x, a, b, (1,), name="y"), ([1], [9]), X[:, 1:]),
    ops.pad: (lambda x, s: ops.pad(x, s, name="y"), ([0, 1, 0, 0],), np.pad(X, [(0, 0), (1, 0)])),
    ops.arange: (lambda x, n: ops.arange(0, n, 2, name="y"), (5,), np.arange(0, 5, 2)),
    ops.one_hot: (
        lambda x, n: ops.one_hot(np.array([1]), n, np.array([0.0, 1.0]), name="y"),
        (3,),
        np.array([[0.0, 1, 0]]),
    ),
    ops.split: (lambda x, s: ops.split(x, s, axis=1, parts=2, name="y")[0], ([1, 2],), X[:, :1]),
    ops.hann_window: (lambda x, n: ops.hann_window(n, name="y"), (4,), np.array([0, 0.5, 1, 0.5], "f")),
    ops.mel_weight_matrix: (
        lambda x, n: ops.mel_weight_matrix(n, 8, 8000, np.float32(0), np.float32(4000), name="y"),
        (1,),
        np.array([[1], [0.5], [0], [0], [0]], "f"),
    ),
    ops.dft: (lambda x, n: ops.dft(ops.unsqueeze(x, (2,)), n, name="y"), (1,), np.stack([X[:, :1], 0 * X[:, :1]], -1)),
    ops.stft: (
        lambda x, n: ops.stft(ops.unsqueeze(x, (2,)), n, None, (1,), name="y"),
        (2,),
        np.stack([X[:, ::2, None], 0 * X[:, ::2, None]], -1),
    ),
    ops.resize: (lambda x, s: ops.resize(x, None, None, s, name="y"), ([4, 3],), X.repeat(2, 0)),
    ops.upsample: (
        lambda x, s: ops.upsample(x, ops.cast(s, to=f32), name="y"),
        ([1, 2],),
        X.repeat(2, 1),
    ),
    ops.center_crop_pad: (lambda x, s: ops.center_crop_pad(x, s, axes=(1,), name="y"), ([1],), X[:, 1:2]),
    ops.col2im: (
        lambda x, s: ops.col2im(np.ascontiguousarray(X[None]), s, (2,), strides=(2,), name="y"),
        ([6],),
        X.T.reshape(1, 1, 6),
    ),
    ops.max_unpool: (
        lambda x, s: ops.max_unpool(X.reshape(1, 1, 6), np.arange(6).reshape(1, 1, 6), s, kernel=(1,), name="y"),
        ([1, 1, 7],),
        np.append(X, 0).reshape(1, 1, 7),
    ),
    ops.affine_grid: (
        lambda x, s: ops.affine_grid(X.reshape(1, 2, 3), s, name="y"),
        ([1, 1, 1, 1],),
        X[:, 2].reshape(1, 1, 1, 2),
    ),
    ops.top_k: (lambda x, k: ops.top_k(x, k, axis=1, name="y")[0], ([2],), -np.sort(-X, 1)[:, :2]),
    ops.fill: (
        lambda x, s: ops.fill(s, value=tensor_data(2.5, f32[()]), name="y"),
        ([1, 2],),
        np.full((1, 2), 2.5, "f"),
    ),
}


@pytest.mark.parametrize("op", CASES, ids=lambda op: op.name)
def test_sizes_that_only_a_run_knows(op):
    function, sizes, wanted = CASES[op]
    np.testing.assert_array_equal(computed(function, *sizes), wanted)


def test_every_row_is_run_above_and_allocates():
    assert set(ROWS) | {ops.fill} <= set(CASES)
    assert all(op in measured for op in CASES)
    assert {"numpy:sized_reshape/1", "numpy:sized_fill/1"} <= ALLOCATING


def test_a_kernel_that_refuses_says_which_step():
    with pytest.raises(Error, match=r"step 'y' \(numpy:sized_reshape/1\).*6 elements do not fit \[4\]"):
        computed(CASES[ops.reshape][0], [4])
