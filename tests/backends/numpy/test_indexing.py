import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.backends.numpy.running import call, close, compute, draw, transient

DTYPES = ("float32", "float16", "int64", "bool")


def shapes(data, least=1, most=3):
    return tuple(data.draw(st.lists(st.integers(1, 4), min_size=least, max_size=most)))


def numbers(data, shape, length, kind):
    return np.random.default_rng(data.draw(st.integers(0, 99))).integers(-length, length, shape).astype(kind)


@settings(max_examples=80)
@given(st.data(), st.sampled_from(DTYPES), st.sampled_from(["int32", "int64"]))
def test_gather(data, dtype, kind):
    shape = shapes(data)
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    x, indices = draw(1, shape, dtype), numbers(data, shapes(data, 0, 2), shape[axis], kind)
    wanted = np.asarray(np.take(x, indices, axis=axis))
    close(compute("gather", (wanted.shape, dtype), x, indices, axis=axis), wanted)


@pytest.mark.parametrize("kernel", ["gather", "gather_elements"])
@pytest.mark.parametrize("index", [3, -4])
def test_indices_outside_are_refused(kernel, index):
    with pytest.raises(ValueError, match=r"outside -3\.\.2"):
        compute(kernel, ((1,), "f"), np.ones(3, "f"), np.array([index]))


def test_many_short_indices():
    x, indices = draw(1, (3, 50, 2)), np.arange(90000, dtype="i4") % 50
    wanted = np.ascontiguousarray(x[:, indices])
    close(compute("gather", (wanted.shape, "f"), x, indices, axis=1), wanted)
    assert transient("gather", [np.empty_like(wanted)], [x, indices], axis=1) <= 16384


def test_nothing_gathered():
    assert compute("gather", ((0, 3), "f"), np.ones((2, 3), "f"), np.empty(0, "i8")).size == 0
    assert compute("gather", ((2, 0), "f"), np.ones((2, 0), "f"), np.array([0, 1])).size == 0


@settings(max_examples=80)
@given(st.data(), st.sampled_from(DTYPES), st.sampled_from(["int32", "int64"]))
def test_gather_and_scatter_elements(data, dtype, kind):
    shape = shapes(data)
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    some = tuple(data.draw(st.integers(1, size)) for size in shape)
    x, indices = draw(1, shape, dtype), numbers(data, some, shape[axis], kind)
    wanted = gathered(x, indices, axis % len(shape))
    close(compute("gather_elements", (some, dtype), x, indices, axis=axis), wanted)
    updates = draw(2, some, dtype)
    for reduction in ("none", "add", "mul", "max", "min"):
        if dtype == "bool" and reduction != "none":
            continue
        if reduction == "none":
            indices = np.broadcast_to(
                np.arange(some[axis]).reshape([-1 if at == axis % len(shape) else 1 for at in range(len(shape))]), some
            ).astype(kind)
        found = compute(
            "scatter_elements",
            (shape, dtype),
            x,
            np.ascontiguousarray(indices),
            updates,
            axis=axis,
            reduction=reduction,
        )
        close(found, scattered(x, indices, updates, axis % len(shape), reduction))


def gathered(x, indices, axis):
    out = np.empty(indices.shape, x.dtype)
    for place in np.ndindex(*indices.shape):
        out[place] = x[(*place[:axis], indices[place], *place[axis + 1 :])]
    return out


COMBINE = {"none": lambda a, b: b, "add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}


def scattered(x, indices, updates, axis, reduction):
    out = x.copy()
    for place in np.ndindex(*indices.shape):
        where = (*place[:axis], indices[place], *place[axis + 1 :])
        out[where] = COMBINE[reduction](out[where], updates[place])
    return out


@settings(max_examples=80)
@given(st.data(), st.sampled_from(DTYPES))
def test_gather_and_scatter_nd(data, dtype):
    shape = shapes(data, 1, 4)
    lead = data.draw(st.integers(0, len(shape) - 1))
    depth = data.draw(st.integers(1, len(shape) - lead))
    count = (*shape[:lead], *shapes(data, 0, 2))
    indices = np.stack([numbers(data, count, size, "int64") for size in shape[lead : lead + depth]], axis=-1)
    x = draw(1, shape, dtype)
    wanted = np.empty((*count, *shape[lead + depth :]), dtype)
    for place in np.ndindex(*count):
        wanted[place] = x[(*place[:lead], *indices[place])]
    close(compute("gather_nd", (wanted.shape, dtype), x, indices, batch_dims=lead), wanted)
    if lead:
        return
    updates = draw(2, wanted.shape, dtype)
    for reduction in ("none", "add", "mul", "max", "min") if dtype != "bool" else ("none",):
        if (
            reduction == "none"
            and len(np.unique(indices.reshape(-1, depth) % shape[:depth], axis=0)) < indices[..., 0].size
        ):
            continue  # which of two wins is not defined
        result = x.copy()
        for place in np.ndindex(*count):
            where = tuple(indices[place])
            result[where] = COMBINE[reduction](result[where], updates[place])
        close(compute("scatter_nd", (shape, dtype), x, indices, updates, reduction=reduction), result)


def test_index_tuples_longer_than_the_shape_are_refused():
    with pytest.raises(ValueError, match="too long"):
        compute("gather_nd", ((1,), "f"), np.ones(3, "f"), np.zeros((1, 2), "i8"))
    with pytest.raises(ValueError, match="reductions"):
        compute("scatter_elements", ((3,), "f"), np.ones(3, "f"), np.zeros(1, "i8"), np.ones(1, "f"), reduction="xor")
    with pytest.raises(ValueError, match="reductions"):
        compute(
            "scatter_nd",
            ((3, 2), "f"),
            np.ones((3, 2), "f"),
            np.zeros((1, 1), "i8"),
            np.ones((1, 2), "f"),
            reduction="xor",
        )


def test_scatter_in_place():
    x, indices, updates = draw(1, (4, 3)), np.array([[1, 2, 0]]), draw(2, (1, 3))
    wanted = scattered(x, indices, updates, 0, "none")
    call("scatter_elements", [x], [x, indices, updates])
    close(x, wanted)


@settings(max_examples=60)
@given(st.data(), st.sampled_from(["int32", "int64", "uint8", "float32"]))
def test_one_hot(data, kind):
    shape = shapes(data, 0, 3)
    axis = data.draw(st.integers(-len(shape) - 1, len(shape)))
    indices = (
        np.random.default_rng(data.draw(st.integers(0, 99)))
        .integers(0 if kind == "uint8" else -7, 7, shape)
        .astype(kind)
    )
    values = np.array([2, 5], "f")
    at = axis % (len(shape) + 1)
    wanted = np.full((*shape[:at], 5, *shape[at:]), 2, "f")
    for place in np.ndindex(*shape):
        if -5 <= indices[place] < 5:
            wanted[(*place[:at], int(indices[place]) % 5, *place[at:])] = 5
    close(compute("one_hot", (wanted.shape, "f"), np.asarray(indices), np.array(5), values, axis=axis), wanted)


def test_no_tensor_is_allocated():
    x, indices, updates = (
        draw(1, (300, 200)),
        np.random.default_rng(0).integers(-300, 300, (250, 200)),
        draw(2, (250, 200)),
    )
    assert transient("gather_elements", [np.empty((250, 200), "f")], [x, indices], axis=0) <= 16384
    assert transient("scatter_elements", [np.empty_like(x)], [x, indices, updates], axis=0) <= 16384
    assert (
        transient("one_hot", [np.empty((300, 400), "f")], [indices[:, 0].repeat(2)[:300], np.array(400), x[0, :2]])
        <= 16384
    )
    tuples = np.random.default_rng(0).integers(0, 200, (40000, 2))
    assert transient("gather_nd", [np.empty(40000, "f")], [x, tuples]) <= 16384
