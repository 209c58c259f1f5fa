"""Windows, filters and Fourier transforms; NumPy's transform allocates for the lines that are taken at once."""

from typing import Any

import numpy as np

from nnvm.backends.numpy.kernels.scratch import Array, normal, wide

_STRIP = 4096
_TERMS = {"hann": (0.5, 0.5, 0.0), "hamming": (25 / 46, 21 / 46, 0.0), "blackman": (0.42, 0.5, 0.08)}


def window(out: Array, *_: Array, kind: str, periodic: int = 1) -> None:
    """Fill with a window: a constant less a cosine, plus one of twice the frequency."""
    first, second, third = _TERMS[kind]
    turn = out.size if periodic else out.size - 1
    for start in range(0, out.size, _STRIP):
        part = out[start : start + _STRIP]
        angle = np.arange(start, start + part.size) * (2 * np.pi / turn if turn else 0.0)
        exact = first - second * np.cos(angle) + third * np.cos(2 * angle)
        part[...] = exact.astype(np.float32) if out.dtype.kind in "iu" else exact  # or almost one would become zero


def mel_weight_matrix(
    out: Array, bins: Array, dft_length: Array, sample_rate: Array, lower: Array, upper: Array
) -> None:
    """Fill each column with a triangle that rises from one of evenly spaced mel frequencies and falls to the next."""
    count, length = out.shape[1], int(dft_length.reshape(()))
    ends = [2595 * np.log10(1 + float(each.reshape(())) / 700) for each in (lower, upper)]
    mels = np.arange(count + 2) * ((ends[1] - ends[0]) / (count + 2)) + ends[0]
    hertz = 700 * (10 ** (mels / 2595) - 1)
    places = ((length + 1) * hertz // int(sample_rate.reshape(()))).astype(np.int64)
    out.fill(0)
    for column, (low, middle, high) in enumerate(zip(places, places[1:], places[2:], strict=False)):
        if low == middle:
            out[middle, column] = 1
        else:
            out[low : middle + 1, column] = np.arange(middle - low + 1) / (middle - low)
        if high > middle:
            out[middle:high, column] = np.arange(high - middle, 0, -1) / (high - middle)


def dft(
    out: Array,
    x: Array,
    dft_length: Array | None = None,
    axis: Array | None = None,
    *,
    inverse: int = 0,
    onesided: int = 0,
) -> None:
    """Transform along an axis; the last one holds real and imaginary parts."""
    at = normal(-2 if axis is None else int(axis.reshape(())), x.ndim)
    source, target = np.moveaxis(x, at, -2), np.moveaxis(out, at, -2)
    own = 2 * (x.shape[at] - 1) if inverse and onesided else x.shape[at]
    length = own if dft_length is None else int(dft_length.reshape(()))
    if length < 1:
        if out.size:
            raise ValueError(f"dft: a length of {length}")
        return
    for place in np.ndindex(*source.shape[:-2]):
        _transform(target[place], source[place], length, inverse, onesided)


def _transform(out: Array, x: Array, length: int, inverse: int, onesided: int) -> None:
    """Transform lines (..., steps, parts)."""
    dtype = wide(x.dtype)
    real = x[..., 0].astype(dtype)
    signal = real if x.shape[-1] == 1 else real + x[..., 1].astype(dtype) * 1j
    if inverse and onesided:
        out[..., 0] = np.fft.irfft(signal, length, axis=-1)
        return
    found = np.fft.ifft(signal, length, axis=-1) if inverse else np.fft.fft(signal, length, axis=-1)
    out[..., 0], out[..., 1] = found.real[..., : out.shape[-2]], found.imag[..., : out.shape[-2]]


def stft(
    out: Array,
    signal: Array,
    frame_step: Array,
    window: Array | None = None,
    frame_length: Array | None = None,
    *,
    onesided: int = 1,
) -> None:
    """Transform frames of a signal through a window."""
    step, length = int(frame_step.reshape(())), frame(signal, window, frame_length)
    if window is not None and window.size != length:
        raise ValueError(f"stft: a window of {window.size} for frames of {length}")
    dtype = wide(signal.dtype)
    factors: Any = 1 if window is None else window.astype(dtype)[:, None]
    for batch in range(out.shape[0]):
        for place in range(out.shape[1]):
            part = signal[batch, place * step : place * step + length].astype(dtype) * factors
            _transform(out[batch, place], part, length, 0, onesided)


def frame(signal: Array, window: Array | None, frame_length: Array | None) -> int:
    """Return how long a frame is: as said, as its window, or as the whole signal."""
    if frame_length is not None:
        return int(frame_length.reshape(()))
    return signal.shape[1] if window is None else window.size


KERNELS = {"window": window, "mel_weight_matrix": mel_weight_matrix, "dft": dft, "stft": stft}
WORKSPACES: dict[str, Any] = {}
