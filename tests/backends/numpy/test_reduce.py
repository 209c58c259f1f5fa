import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.backends.numpy.running import FLOATS, close, compute, draw, transient

WANTED = {
    "sum": lambda x, **k: x.sum(**k),
    "mean": lambda x, **k: x.mean(**k),
    "max": lambda x, **k: x.max(**k),
    "min": lambda x, **k: x.min(**k),
    "prod": lambda x, **k: x.prod(**k),
    "l1": lambda x, **k: np.abs(x).sum(**k),
    "l2": lambda x, **k: np.sqrt((x * x).sum(**k)),
    "sum_square": lambda x, **k: (x * x).sum(**k),
    "log_sum": lambda x, **k: np.log(x.sum(**k)),
    "log_sum_exp": lambda x, **k: np.log(np.exp(x).sum(**k)),
}


@settings(max_examples=200)
@given(
    st.data(), st.sampled_from(sorted(WANTED)), st.sampled_from([*FLOATS, "int32", "uint64", "int64"]), st.booleans()
)
def test_any_axes(data, name, dtype, keepdims):
    shape = tuple(data.draw(st.lists(st.integers(1, 5), max_size=4)))
    axes = tuple(data.draw(st.sets(st.integers(-len(shape), len(shape) - 1)))) if shape else ()
    x = draw(1, shape, dtype)
    if name == "log_sum":
        x = np.abs(x) + np.ones((), dtype)
    if name == "prod" and x.dtype.kind in "iu":
        x = x % 3
    whole = tuple({axis % len(shape) for axis in axes}) if shape else ()
    wanted = np.asarray(WANTED[name](x.astype("d"), axis=whole, keepdims=keepdims))
    if x.dtype.kind in "iu":
        wanted = np.trunc(wanted + np.sign(wanted) * 1e-9)
    close(compute(f"reduce_{name}", (wanted.shape, dtype), x, axes=axes, keepdims=keepdims), wanted.astype(dtype))


@pytest.mark.parametrize("name", sorted(WANTED))
@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize(
    ("shape", "axes"),
    [((3, 90000), (1,)), ((90000, 3), (0,)), ((40, 50, 60), (0, 2)), ((4, 500, 70), (1,)), ((7, 9000), (0,))],
)
def test_arrays_larger_than_the_workspace(name, shape, axes, dtype):
    x = draw(1, shape, dtype)
    if name in ("log_sum", "sum", "mean"):
        x = np.abs(x) * np.asarray(0.1, dtype)
    if name == "prod":
        x = (1 + x / 1000).astype(dtype)
        dtype == "float16" and x.fill(1)
    with np.errstate(over="ignore"):
        wanted = np.asarray(WANTED[name](x.astype("d"), axis=axes)).astype(dtype)
    close(
        compute(f"reduce_{name}", (wanted.shape, dtype), x, axes=axes, keepdims=False),
        wanted,
        1e-4 if dtype == "float32" else None,
    )
    assert transient(f"reduce_{name}", [np.empty(wanted.shape, dtype)], [x], axes=axes) <= 16384


def test_nothing_at_all():
    x = np.empty((2, 0, 3), "f")
    for name, value in (
        ("sum", 0),
        ("prod", 1),
        ("max", -np.inf),
        ("min", np.inf),
        ("l2", 0),
        ("log_sum_exp", -np.inf),
    ):
        found = compute(f"reduce_{name}", ((2, 1, 3), "f"), x, axes=(1,))
        np.testing.assert_array_equal(found, np.full((2, 1, 3), value, "f"))
    assert compute("reduce_max", ((1,), "i4"), np.empty(0, "i4"), axes=(0,))[0] == np.iinfo("i4").min
    assert compute("reduce_min", ((1,), bool), np.empty(0, bool), axes=(0,))[0]


def test_exponentials_do_not_overflow():
    x = np.array([[1000, 1000], [-np.inf, -np.inf], [np.inf, 0]], "f")
    found = compute("reduce_log_sum_exp", ((3, 1), "f"), x, axes=(1,))
    np.testing.assert_allclose(found[:, 0], [1000 + np.log(2), -np.inf, np.inf], rtol=1e-6)


def test_truths_and_nan():
    x = np.array([[True, False], [False, False]])
    np.testing.assert_array_equal(compute("reduce_max", ((2,), bool), x, axes=(1,)), [True, False])
    assert np.isnan(compute("reduce_max", ((1,), "f"), np.array([1, np.nan], "f"), axes=(0,)))


def test_short_floats_add_up_in_float32():
    assert compute("reduce_sum", ((1,), "e"), np.ones(4097, "e"), axes=(0,))[0] == 4096 + 0
    assert compute("reduce_mean", ((1,), "e"), np.full(60000, 2, "e"), axes=(0,))[0] == 2


def test_an_axis_outside_is_refused():
    with pytest.raises(ValueError, match="axis 2 is outside"):
        compute("reduce_sum", ((1,), "f"), np.ones((2, 2), "f"), axes=(2,))
