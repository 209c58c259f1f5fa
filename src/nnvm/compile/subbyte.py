"""Elements of less than a byte, which constants pack and buffers give a byte each."""

from nnvm.ir import TensorData, u8


def unpacked(data: TensorData) -> TensorData:
    """Return a constant with a byte for each element, its bits the lowest; one of whole bytes is returned as it is."""
    bits = data.dtype.bits
    if not 0 < bits < 8:
        return data
    raw, mask, each = bytes(data.read()), (1 << bits) - 1, 8 // bits
    spread = bytearray(len(raw) * each)
    for place in range(each):
        spread[place::each] = raw.translate(bytes(byte >> (place * bits) & mask for byte in range(256)))
    return TensorData(u8[data.size], bytes(spread[: data.size]))


__all__ = ["unpacked"]
