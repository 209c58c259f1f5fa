import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.backends.numpy.running import call, close, compute, draw, reference, transient

DTYPES = ("float32", "float16", "int64", "bool")


@pytest.mark.parametrize("dtype", DTYPES)
def test_copies(dtype):
    x = draw(1, (2, 3, 4), dtype)
    close(compute("copy", (x.shape, dtype), x), x)
    close(compute("reshape", ((6, 4), dtype), x, np.array([6, 4])), x.reshape(6, 4))
    out, mask = np.empty_like(x), np.zeros(x.shape, bool)
    call("dropout", [out, mask], [x])
    close(out, x)
    assert mask.all()
    for perm in itertools.permutations(range(3)):
        wanted = x.transpose(perm)
        close(compute("transpose", (wanted.shape, dtype), x, perm=perm), wanted)
    close(compute("transpose", ((4, 3, 2), dtype), x), x.T)


def test_shapes_as_data():
    x = np.ones((2, 3, 4))
    for start, end in ((0, None), (1, None), (-2, None), (0, -1), (-9, 9), (2, 1)):
        wanted = np.array(x.shape[start:end], np.int64)
        close(compute("shape", (wanted.shape, "i8"), x, start=start, end=end), wanted)
    assert compute("size", ((), "i8"), x) == 24


@settings(max_examples=60)
@given(st.data(), st.sampled_from(DTYPES))
def test_concat_and_split(data, dtype):
    shape = data.draw(st.lists(st.integers(0, 4), min_size=1, max_size=3))
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    lengths = data.draw(st.lists(st.integers(0, 4), min_size=1, max_size=4))
    parts = [draw(i, (*shape[:axis], n, *shape[axis:][1:]), dtype) for i, n in enumerate(lengths)]
    whole = np.concatenate(parts, axis=axis)
    close(compute("concat", (whole.shape, dtype), *parts, axis=axis), whole)
    for extra, params in (([], {}), ([np.array(lengths)], {"sections": len(parts)})):
        outs = [np.empty_like(part) for part in parts]
        call("split", outs, [whole, *extra], axis=axis, **params)
        for out, part in zip(outs, parts, strict=True):
            close(out, part)


def test_parts_that_do_not_add_up_are_refused():
    with pytest.raises(ValueError, match="add up to 2"):
        compute("concat", ((3,), "f"), np.ones(2, "f"), axis=0)


@settings(max_examples=200)
@given(st.data())
def test_slice(data):
    shape = tuple(data.draw(st.lists(st.integers(0, 5), min_size=1, max_size=3)))
    axes = data.draw(st.lists(st.integers(0, len(shape) - 1), min_size=1, max_size=3, unique=True))
    numbers = st.sampled_from([*range(-7, 8), -(2**63), 2**63 - 1])
    starts, ends = ([data.draw(numbers) for _ in axes] for _ in range(2))
    steps = [data.draw(st.sampled_from([-3, -2, -1, 1, 2, 3])) for _ in axes]
    x = draw(1, shape)
    index = [slice(None)] * len(shape)
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        # A start or end before the first element means before it, never counted from the end again.
        size = shape[axis]
        start, end = (v + size if v < 0 else v for v in (start, end))
        start = min(max(start, 0), size - 1 if step < 0 else size)
        end = min(max(end, -1 if step < 0 else 0), size)
        index[axis] = slice(start, None if end < 0 else end, step) if size else slice(0, 0)
    wanted = x[tuple(index)]
    named = [axis - len(shape) if data.draw(st.booleans()) else axis for axis in axes]
    ins = [np.array(each, np.int64) for each in (starts, ends, named, steps)]
    close(compute("slice_array", (wanted.shape, "f"), x, *ins), wanted)


def test_slice_without_axes_and_steps():
    x = draw(1, (4, 5))
    close(compute("slice_array", ((2, 3), "f"), x, np.array([1, 2], "i4"), np.array([3, 9], "i4")), x[1:3, 2:])
    with pytest.raises(ValueError, match="step of 0"):
        compute("slice_array", ((2,), "f"), x[0], np.array([0]), np.array([2]), np.array([0]), np.array([0]))


def test_repetition():
    x = draw(1, (2, 1, 3))
    close(compute("expand", ((4, 2, 5, 3), "f"), x, np.array([4, 1, 5, 1])), np.broadcast_to(x, (4, 2, 5, 3)))
    close(compute("tile", ((4, 3, 3), "f"), x, np.array([2, 3, 1])), np.tile(x, (2, 3, 1)))
    assert compute("tile", ((4, 0, 3), "f"), x, np.array([2, 0, 1])).size == 0
    close(compute("tile", ((), "f"), np.asarray(x[0, 0, 0]), np.empty(0, "i8")), np.asarray(x[0, 0, 0]))


@pytest.mark.parametrize("dtype", ["float32", "float64", "int16", "int64"])
@pytest.mark.parametrize(("start", "limit", "delta"), [(0, 5, 1), (3, -9, -2), (1, 5000, 1), (0, 0, 1)])
def test_sequences(start, limit, delta, dtype):
    wanted = np.arange(start, limit, delta).astype(dtype)
    found = compute("sequence", (wanted.shape, dtype), *(np.array(each, dtype) for each in (start, limit, delta)))
    close(found, wanted)


def test_fill():
    close(compute("fill", ((2, 3), "f"), np.array([2, 3]), value=1.5), np.full((2, 3), 1.5, "f"))
    close(compute("fill", ((), bool), value=True), np.array(True))


@pytest.mark.parametrize("mode", ["DCR", "CRD"])
def test_blocks_of_depth_and_space(mode):
    x = draw(1, (2, 12, 2, 3))
    wanted = reference("DepthToSpace", [x], blocksize=2, mode=mode)
    close(compute("depth_to_space", (wanted.shape, "f"), x, blocksize=2, mode=mode), wanted)
    y = draw(2, (2, 3, 4, 6))
    wanted = reference("SpaceToDepth", [y], blocksize=2)
    close(compute("space_to_depth", (wanted.shape, "f"), y, blocksize=2), wanted)


def test_unknown_modes_are_refused():
    with pytest.raises(ValueError, match="DCR and CRD"):
        compute("depth_to_space", ((1, 1, 2, 2), "f"), draw(1, (1, 4, 1, 1)), blocksize=2, mode="RCD")
    with pytest.raises(ValueError, match="modes constant"):
        compute("pad", ((3,), "f"), draw(1, (1,)), np.array([1, 1]), mode="mirror")


@pytest.mark.parametrize("k", range(-5, 6))
@pytest.mark.parametrize("shape", [(3, 4), (4, 3), (2, 3, 3), (0, 2), (1, 1)])
@pytest.mark.parametrize("dtype", ["float32", "int64", "bool"])
def test_diagonals(shape, k, dtype):
    x = draw(1, shape, dtype)
    if len(shape) == 2:
        close(compute("eye_like", (shape, dtype), x, k=k), np.eye(*shape, k=k, dtype=dtype))
    for upper in (0, 1):
        close(compute("trilu", (shape, dtype), x, np.array(k), upper=upper), (np.triu if upper else np.tril)(x, k))
    close(compute("trilu", (shape, dtype), x), np.triu(x))


@settings(max_examples=200)
@given(st.data(), st.sampled_from(["constant", "edge", "reflect", "wrap"]))
def test_pad(data, mode):
    shape = tuple(data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=3)))
    pads = [data.draw(st.integers(0, 9)) for _ in range(2 * len(shape))]
    x = draw(1, shape)
    both = list(zip(pads[: len(shape)], pads[len(shape) :], strict=True))
    value = [np.array(7, "f")] if mode == "constant" else []
    wanted = np.pad(x, both, mode=mode, **({"constant_values": 7} if value else {}))
    close(compute("pad", (wanted.shape, "f"), x, np.array(pads), *value, mode=mode), wanted)


def test_pad_some_axes_and_crop():
    x = draw(1, (4, 5))
    found = compute("pad", ((4, 5), "f"), x, np.array([2, -2]), None, np.array([-1]))
    close(found, np.pad(x, ((0, 0), (2, 0)))[:, :-2])
    close(compute("pad", ((2, 5), "f"), x, np.array([-1, 0, -1, 0])), x[1:3])
    close(
        compute("pad", ((5,), "i4"), np.array([1, 2, 3], "i4"), np.array([1, 1]), np.array(9, "i4")),
        np.array([9, 1, 2, 3, 9], "i4"),
    )
    with pytest.raises(ValueError, match="nothing to pad with"):
        compute("pad", ((2,), "f"), np.empty(0, "f"), np.array([1, 1]), mode="edge")


def test_no_tensor_is_allocated():
    x, out = draw(1, (64, 100, 100)), np.empty((64, 100, 100), "f")
    big = np.empty((64, 140, 140), "f")
    cases = [
        ("copy", [x], {}, out),
        ("reshape", [x], {}, out),
        ("transpose", [x], {"perm": (0, 2, 1)}, out),
        ("trilu", [x], {}, out),
        ("concat", [x[:32], x[32:]], {"axis": 0}, out),
        ("expand", [x[:1]], {}, out),
        ("tile", [x[:1], np.array([64, 1, 1])], {}, out),
        ("fill", [], {"value": 1.0}, out),
        ("sequence", [np.array(0.0), np.array(64e4), np.array(1.0)], {}, np.empty(640000)),
        *(
            ("pad", [x, np.array([0, 20, 20] * 2)], {"mode": mode}, big)
            for mode in ("constant", "edge", "reflect", "wrap")
        ),
    ]
    for kernel, ins, params, target in cases:
        assert transient(kernel, [target], ins, **params) <= 16384, kernel
