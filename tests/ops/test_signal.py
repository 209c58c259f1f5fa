from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ops.uses import Use, by_reference, by_runtime, check_run, check_types, refusal, seeds, shapes, values

from nnvm import ops
from nnvm.ir import DTYPES, Op, boolean, f32, i64, named_input


def scalar(number: float, dtype: str = "int64") -> Any:
    return np.asarray(number, dtype)


@st.composite
def windows(draw: st.DrawFn, op: Op[..., Any]) -> Use:
    dtype = DTYPES[draw(st.sampled_from(["float32", "float64"]))]
    size = scalar(draw(st.integers(2, 9)), draw(st.sampled_from(["int32", "int64"])))
    return Use(op, [size], fixed=[0], output_dtype=dtype, periodic=draw(st.booleans()))


@st.composite
def mels(draw: st.DrawFn) -> Use:
    length, rate = draw(st.sampled_from([16, 32, 64])), draw(st.sampled_from([8000, 8192]))
    lower, upper = float(draw(st.sampled_from([0, 100]))), float(draw(st.sampled_from([2000, 4000])))
    ends = [scalar(lower, "float32"), scalar(upper, "float32")]
    return Use(
        ops.mel_weight_matrix, [scalar(draw(st.integers(1, 8))), scalar(length), scalar(rate), *ends], fixed=range(5)
    )


@st.composite
def transforms(draw: st.DrawFn) -> Use:
    shape = draw(shapes(1, 3, smallest=1))
    axis = draw(st.none() | st.integers(0, len(shape) - 1))
    inverse = draw(st.booleans())
    onesided = not inverse and draw(st.booleans())
    parts = 1 if onesided or (not inverse and draw(st.booleans())) else 2
    x = values(draw(seeds), (*shape, parts), draw(st.sampled_from(["float32", "float64"])))
    given = [
        x,
        scalar(draw(st.integers(1, 6))) if draw(st.booleans()) else None,
        None if axis is None else scalar(axis),
    ]
    return Use(ops.dft, given, fixed=[1, 2], inverse=inverse, onesided=onesided)


@st.composite
def frames(draw: st.DrawFn) -> Use:
    steps, batch = draw(st.integers(4, 12)), draw(st.integers(1, 2))
    length, stride = draw(st.integers(1, steps)), draw(st.integers(1, 4))
    onesided = draw(st.booleans())
    signal = values(draw(seeds), (batch, steps, 1), draw(st.sampled_from(["float32", "float64"])))
    window = values(draw(seeds), (length,), signal.dtype.name) if draw(st.booleans()) else None
    size = scalar(length) if window is None or draw(st.booleans()) else None
    return Use(ops.stft, [signal, scalar(stride), window, size], fixed=[1, 3], onesided=onesided)


USES = {
    **{op: windows(op) for op in (ops.hann_window, ops.hamming_window, ops.blackman_window)},
    ops.mel_weight_matrix: mels(), ops.dft: transforms(), ops.stft: frames(),
}  # fmt: skip


@pytest.mark.parametrize("op", USES, ids=lambda op: op.name)
def test_a_use_is_what_onnx_makes_of_it(op: Op[..., Any]) -> None:
    @given(USES[op], seeds)
    @settings(max_examples=30)
    def law(use: Use, seed: int) -> None:
        judges = (by_reference,) if op in (ops.dft, ops.stft) else (by_runtime, by_reference)
        check_types(use, check_run(use, judges=judges), seed)

    law()


@pytest.mark.parametrize("shape", [(2, 8), (1, 5), (3, 1)])
@pytest.mark.parametrize("params", [{}, {"onesided": True}])
def test_onnxruntime_agrees(shape: tuple[int, ...], params: dict[str, Any]) -> None:
    for opset in (17, 20):
        use = Use(ops.dft, [values(1, (*shape, 1)), None, scalar(1)], fixed=[2], **params)
        check_run(use, opset, judges=(by_runtime,))


def test_half_a_spectrum_gives_the_signal_back() -> None:
    x = values(1, (3, 8))
    half = np.fft.rfft(x)
    parts = np.stack([half.real, half.imag], -1).astype(np.float32)
    (found,) = check_run(Use(ops.dft, [parts], inverse=True, onesided=True), 20, judges=(by_reference,))
    np.testing.assert_allclose(found[..., 0], x, atol=1e-5)


@pytest.mark.parametrize(
    ("op", "given", "params", "why"),
    [
        (ops.dft, (f32[2, 3, 1], None, (2,)), {}, "the last axis holds real and imaginary parts"),
        (ops.dft, (f32[2, 3, 3],), {}, "numbers of 3 parts"),
        (ops.dft, (f32[3],), {}, "two dimensions or more"),
        (ops.dft, (f32[2, 3, 2],), {"onesided": True}, "only a real signal"),
        (ops.stft, (f32[2, 3], (1,)), {}, "a signal is [batch, steps, 1 or 2]"),
        (ops.stft, (f32[2, 3, 1], (0,)), {}, "frames 0 apart"),
        (ops.hann_window, (boolean[()],), {}, "elements are boolean"),
    ],
)
def test_what_is_ill_typed_is_refused(op: Op[..., Any], given: Any, params: Any, why: str) -> None:
    assert why in refusal(op, *given, **params)


def test_dimensions() -> None:
    x, n = named_input("x", f32["b", "n", 1]), named_input("k", i64[()])
    assert str(ops.dft(x, onesided=True).type) == "f32['b', '((n)//2) + 1', 2]"
    assert ops.hann_window(n, name="y").type is f32["y.0"]
    assert ops.dft(x, n, name="y").type is f32["b", "y.1", 2]
    assert ops.dft(x, None, n).type is None
