"""The still picture of a plan: a PNG that says what it is, with the colours where the buffers lie."""

import struct
import zlib

from tests.pictures.test_plan import net
from tests.runtime.toy import ping_pong

from nnvm.pictures import plan_png
from nnvm.pictures.plan_png import HEIGHT, WIDTH, Raster


def dots(data: bytes) -> list[bytes]:
    """Read a PNG of true colour without filters back into rows, checking every chunk."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, chunks = 8, {}
    while at < len(data):
        (size,), kind = struct.unpack(">I", data[at : at + 4]), data[at + 4 : at + 8]
        body = data[at + 8 : at + 8 + size]
        assert struct.unpack(">I", data[at + 8 + size : at + 12 + size]) == (zlib.crc32(kind + body),)
        chunks[kind] = body
        at += 12 + size
    assert list(chunks) == [b"IHDR", b"IDAT", b"IEND"]
    wide, tall, bits, colour = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    assert (bits, colour) == (8, 2)
    raw = zlib.decompress(chunks[b"IDAT"])
    rows = [raw[i * (3 * wide + 1) :][: 3 * wide + 1] for i in range(tall)]
    assert all(row[0] == 0 for row in rows)
    return [row[1:] for row in rows]


def test_a_plan_is_drawn_in_the_colours_of_its_families():
    rows = dots(plan_png(net(), "a net"))
    assert (len(rows), len(rows[0])) == (HEIGHT, 3 * WIDTH)
    seen = {row[i : i + 3] for row in rows[::3] for i in range(0, len(row), 3)}
    assert {bytes.fromhex(colour) for colour in ("D55E00", "009E73", "C98A00")} <= seen  # activation, shape, arithmetic


def test_the_same_plan_is_the_same_file():
    assert plan_png(net()) == plan_png(net())
    assert dots(plan_png(ping_pong(0), binding={"n": 2}))
    assert dots(plan_png(ping_pong(3_000), binding={"n": 2}))


def test_what_lies_outside_is_cut_off():
    raster = Raster(4, 3)
    raster.fill(-5, 1, 2, 99, "#000000")
    raster.write(1, -2, "é?", "#000000")
    rows = dots(raster.png())
    assert rows == [b"\xff" * 12, b"\x00" * 6 + b"\xff" * 6, b"\x00" * 6 + b"\xff" * 6]
