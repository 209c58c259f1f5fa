"""Spectra of signals, and the windows and filters they are taken through."""

from nnvm.ir import DType, TensorType, UnknownRank, Value, born, contents, f32, op
from nnvm.ir.dims import Size
from nnvm.ops.typing import axis_of, of_kind, rank_or_none, require


def _number(value: Value, axis: int) -> Size:
    """Return the whole number that a scalar holds, or a dimension born of it."""
    of_kind(value, "int")
    known = contents(value)
    return born(axis) if known is None or len(known) != 1 else known[0]


@op
def hann_window(size: Value, *, output_dtype: DType = f32, periodic: bool = True) -> TensorType:
    """Return sin² over one arch; `periodic` leaves the last point out (ONNX HannWindow)."""
    return output_dtype[(_number(size, 0),)]


@op
def hamming_window(size: Value, *, output_dtype: DType = f32, periodic: bool = True) -> TensorType:
    """Return 25/46 - 21/46 cos over one turn; `periodic` leaves the last point out (ONNX HammingWindow)."""
    return output_dtype[(_number(size, 0),)]


@op
def blackman_window(size: Value, *, output_dtype: DType = f32, periodic: bool = True) -> TensorType:
    """Return 0.42 - 0.5 cos + 0.08 cos of twice the angle, over one turn (ONNX BlackmanWindow).

    `periodic` leaves the last point out.
    """
    return output_dtype[(_number(size, 0),)]


@op
def mel_weight_matrix(
    bins: Value, dft_length: Value, sample_rate: Value, lower: Value, upper: Value, *, output_dtype: DType = f32
) -> TensorType:
    """Return triangles over a spectrum, evenly spaced on the mel scale between two hertz (ONNX MelWeightMatrix)."""
    length = contents(dft_length)
    rows = born(0) if length is None or len(length) != 1 else length[0] // 2 + 1
    return output_dtype[rows, _number(bins, 1)]


@op
def dft(
    x: Value,
    dft_length: Value | None = None,
    axis: Value | None = None,
    *,
    inverse: bool = False,
    onesided: bool = False,
) -> TensorType:
    """Return the discrete Fourier transform along `axis`, by default the last but one (ONNX DFT).

    The last dimension is 1 of real or 2 of complex numbers. `onesided` gives the first half of a real signal's
    spectrum, or with `inverse` a real signal from that half. `dft_length` cuts or pads with zeros.
    """
    of_kind(x, "float")
    require(len(x.shape) >= 2, f"a signal has two dimensions or more, not those of {x.type}")
    chosen = (-2,) if axis is None else contents(axis)
    if chosen is None or len(chosen) != 1 or not isinstance(chosen[0], int):
        raise UnknownRank
    at = axis_of(chosen[0], len(x.shape))
    require(at < len(x.shape) - 1, "the last axis holds real and imaginary parts")
    require(x.shape[-1] in (1, 2) or not isinstance(x.shape[-1], int), f"numbers of {x.shape[-1]} parts")
    require(not onesided or inverse or x.shape[-1] != 2, "only a real signal has a one-sided spectrum")
    own = (x.shape[at] - 1) * 2 if inverse and onesided else x.shape[at]
    if dft_length is None:
        length = own
    else:
        known = contents(dft_length)
        if known is None or len(known) != 1:
            whole = born(at)
            return x.tensor[(*x.shape[:at], whole, *x.shape[at + 1 : -1], 1 if inverse and onesided else 2)]
        length = known[0]
    size = length // 2 + 1 if onesided and not inverse else length
    return x.tensor[(*x.shape[:at], size, *x.shape[at + 1 : -1], 1 if inverse and onesided else 2)]


@op
def stft(
    signal: Value,
    frame_step: Value,
    window: Value | None = None,
    frame_length: Value | None = None,
    *,
    onesided: bool = True,
) -> TensorType:
    """Return the spectra of frames of a signal, [batch, frames, frequencies, 2] (ONNX STFT)."""
    of_kind(signal, "float")
    require(rank_or_none(signal) in (None, 3), f"a signal is [batch, steps, 1 or 2], not {signal.type}")
    batch, steps, _parts = signal.shape
    length = _number(frame_length, 2) if frame_length is not None else steps if window is None else window.shape[0]
    stride = contents(frame_step)
    if stride is None or len(stride) != 1 or not isinstance(stride[0], int):
        frames = born(1)
    else:
        require(stride[0] > 0, f"frames {stride[0]} apart")
        frames = (steps - length) // stride[0] + 1
    known = frame_length is None or contents(frame_length) is not None
    return signal.tensor[batch, frames if known else born(1), _bins(length, onesided, known), 2]


def _bins(length: Size, onesided: bool, known: bool) -> Size:
    if not known:
        return born(2)
    return length // 2 + 1 if onesided else length
