import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.backends.numpy.running import FLOATS, close, compute, draw, transient

SHAPES = [
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((3,), (3, 4)),
    ((2, 3), (3, 4)),
    ((5, 2, 3), (3, 4)),
    ((5, 2, 3), (5, 3, 4)),
    ((2, 1, 2, 3), (5, 3, 4)),
    ((5, 2, 3), (3,)),
    ((3,), (5, 3, 4)),
    ((2, 0), (0, 3)),
    ((0, 3), (3, 2)),
    ((300, 250), (250, 310)),
    ((2, 7, 260), (2, 260, 130)),
]


@pytest.mark.parametrize("dtype", [*FLOATS, "int32", "int64", "uint32"])
@pytest.mark.parametrize(("a", "b"), SHAPES)
def test_matmul_is_that_of_numpy(a, b, dtype):
    x, y = draw(1, a, dtype), draw(2, b, dtype)
    wide = np.float64 if np.dtype(dtype).kind == "f" else dtype
    wanted = np.asarray(np.matmul(x.astype(wide), y.astype(wide)))
    close(compute("matmul", (wanted.shape, dtype), x, y), wanted.astype(dtype))


@given(
    st.booleans(),
    st.booleans(),
    st.sampled_from([1.0, 0.5, 2.0]),
    st.sampled_from([1.0, 0.0, 0.5]),
    st.sampled_from([*FLOATS, "int32"]),
    st.sampled_from([None, (), (7,), (5, 1), (5, 7)]),
)
def test_gemm(transpose_a, transpose_b, alpha, beta, dtype, c):
    a, b = draw(1, (6, 5) if transpose_a else (5, 6), dtype), draw(2, (7, 6) if transpose_b else (6, 7), dtype)
    ins = [a, b] if c is None else [a, b, draw(3, c, dtype)]
    params = {"alpha": alpha, "beta": beta, "transpose_a": int(transpose_a), "transpose_b": int(transpose_b)}
    x, y = (each.astype("d").T if flip else each.astype("d") for each, flip in ((a, transpose_a), (b, transpose_b)))
    wanted = alpha * (x @ y) if dtype != "int32" else np.trunc(alpha * (x @ y))
    if c is not None:
        wanted = wanted + (beta * ins[2] if dtype != "int32" else np.trunc(beta * ins[2].astype("d")))
    close(compute("gemm", ((5, 7), dtype), *ins, **params), wanted.astype(dtype))


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_no_tensor_is_allocated(dtype):
    a, b, c = draw(1, (200, 300), dtype), draw(2, (300, 400), dtype), draw(3, (400,), dtype)
    out = np.empty((200, 400), dtype)
    assert transient("matmul", [out], [a, b]) <= 16384
    assert transient("gemm", [out], [a, b, c], beta=0.5, alpha=2.0) <= 16384
    assert transient("gemm", [out], [a, np.ascontiguousarray(b.T), c], transpose_b=1) <= 16384
