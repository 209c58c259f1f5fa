"""How the plan of a program looks as a PNG file: the page's picture, drawn dot by dot."""

import struct
import zlib
from collections.abc import Callable, Mapping
from typing import Final

from nnvm.pictures.families import PALETTE
from nnvm.pictures.plan import bounds, drawn, family_of
from nnvm.runtime.lives import Lives
from nnvm.runtime.program import Program

WIDTH: Final = 1600
HEIGHT: Final = 900
_LEFT, _TOP, _RIGHT, _BOTTOM = 130, 64, 30, 60
_GROUND, _INK, _DIM, _LINE = "#FFFFFF", "#1B2430", "#566172", "#E3E7EC"
_ORDER, _PACKING = "#0072B2", "#C2410C"

_GLYPHS: Final = {
    letter: bytes.fromhex(columns)
    for letter, columns in zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ.,-_:/=%()+[]",
        (
            *(
                "3E5149453E",
                "00427F4000",
                "4261514946",
                "2141454B31",
                "1814127F10",
                "2745453939",
                "3C4A494930",
                "0171090503",
            ),
            *(
                "3649494936",
                "064949291E",
                "7E1111117E",
                "7F49494936",
                "3E41414122",
                "7F4141221C",
                "7F49494941",
                "7F09090901",
            ),
            *(
                "3E4149497A",
                "7F0808087F",
                "00417F4100",
                "2040413F01",
                "7F08142241",
                "7F40404040",
                "7F020C027F",
                "7F0408107F",
            ),
            *(
                "3E4141413E",
                "7F09090906",
                "3E4151215E",
                "7F09192946",
                "4649494931",
                "01017F0101",
                "3F4040403F",
                "1F2040201F",
            ),
            *(
                "3F4038403F",
                "6314081463",
                "0708700807",
                "6151494543",
                "0060600000",
                "0050300000",
                "0808080808",
                "4040404040",
            ),
            *(
                "0036360000",
                "2010080402",
                "1414141414",
                "2313086462",
                "001C224100",
                "0041221C00",
                "08083E0808",
                "007F414100",
            ),
            *("0041417F00",),
        ),
        strict=True,
    )
}
"""Letters of five columns of seven dots, the lowest bit at the top."""


class Raster:
    """Dots in rows, white at first."""

    __slots__ = ("height", "rows", "width")

    def __init__(self, width: int, height: int) -> None:
        self.width: Final = width
        self.height: Final = height
        self.rows: Final = [bytearray(_rgb(_GROUND) * width) for _ in range(height)]

    def fill(self, x0: float, y0: float, x1: float, y1: float, colour: str) -> None:
        """Fill a rectangle, at least a dot wide and high, as far as it lies inside."""
        left, top = max(round(x0), 0), max(round(y0), 0)
        right, bottom = min(max(round(x1), left + 1), self.width), min(max(round(y1), top + 1), self.height)
        if left < right:
            run = _rgb(colour) * (right - left)
            for row in self.rows[top:bottom]:
                row[3 * left : 3 * right] = run

    def write(self, x: float, y: float, text: str, colour: str, size: int = 2) -> None:
        """Write text from its upper left corner on; letters it has no picture of stay blank."""
        for k, letter in enumerate(text.upper()):
            for column, dots in enumerate(_GLYPHS.get(letter, b"")):
                for row in range(7):
                    if dots >> row & 1:
                        left, top = x + (6 * k + column) * size, y + row * size
                        self.fill(left, top, left + size, top + size, colour)

    def png(self) -> bytes:
        """Return the picture as a PNG file."""
        packed = zlib.compress(b"".join(b"\0" + row for row in self.rows), 9)
        head = struct.pack(">IIBBBBB", self.width, self.height, 8, 2, 0, 0, 0)
        return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")


def plan_png(program: Program, title: str = "plan", binding: Mapping[str, int] | None = None) -> bytes:
    """Return a PNG of a program's arena at a binding: steps to the right, bytes upwards, coloured by what made them."""
    lives = Lives(program, binding)
    raster = Raster(WIDTH, HEIGHT)
    steps, top = max(len(program.steps), 1), max(lives.placed.peak, 1) * 1.04
    wide, tall = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM

    def at(step: float, byte: float) -> tuple[float, float]:
        return _LEFT + step / steps * wide, _TOP + tall - byte / top * tall

    _grid(raster, top, tall)
    seen: dict[str, None] = {}
    for life in drawn(lives):
        kind = family_of(program.steps[life.maker].kernel)
        seen[kind] = None
        (x0, y0), (x1, y1) = at(life.first, life.offset + life.size), at(life.last + 1, life.offset)
        raster.fill(x0, y0, x1, y1, _GROUND)
        edge = 1 if x1 - x0 > 3 and y1 - y0 > 3 else 0
        raster.fill(x0 + edge, y0 + edge, max(x1, x0 + 1), max(y1, y0 + 1), PALETTE[kind][0])
    _limits(raster, lives, at)
    raster.write(16, 18, title[:60], _INK, 3)
    for step in range(0, steps, max(1, _round(steps / 10))):
        x, y = at(step, 0)
        raster.fill(x, y, x + 1, y + 6, _DIM)
        raster.write(x - 6 * len(str(step)), y + 10, str(step), _DIM)
    x = float(_LEFT)
    for kind in (each for each in PALETTE if each in seen):
        raster.fill(x, HEIGHT - 22, x + 14, HEIGHT - 8, PALETTE[kind][0])
        raster.write(x + 20, HEIGHT - 22, kind, _DIM)
        x += 44 + 12 * len(kind)
    return raster.png()


def _grid(raster: Raster, top: float, tall: float) -> None:
    step = 1
    while step * 10 < top:
        step *= 2
    for byte in range(0, int(top) + 1, step):
        y = _TOP + tall - byte / top * tall
        raster.fill(_LEFT, y, WIDTH - _RIGHT, y + 1, _LINE)
        text = _size(byte)
        raster.write(_LEFT - 10 - 12 * len(text), y - 7, text, _DIM)


def _limits(raster: Raster, lives: Lives, at: Callable[[float, float], tuple[float, float]]) -> None:
    """Draw the height and the bounds as lines, one text for those that are equal."""
    packing, order = bounds(lives)
    lines: dict[int, tuple[str, str]] = {}
    for text, size, colour in (
        ("height", lives.placed.peak, _INK),
        ("bound, this order", packing, _PACKING),
        ("bound, any order", order, _ORDER),
    ):
        if size:
            before = lines.get(size)
            lines[size] = (text, colour) if before is None else (f"{before[0]} = {text}", before[1])
    low = 0.0
    for size, (text, colour) in sorted(lines.items(), reverse=True):
        _, y = at(0, size)
        raster.fill(_LEFT, y - 1, WIDTH - _RIGHT, y + 1, colour)
        place = max(y - 18, low)
        wide = 12 * len(words := f"{text} {size:,}")
        raster.fill(WIDTH - _RIGHT - wide - 6, place - 2, WIDTH - _RIGHT, place + 15, _GROUND)
        raster.write(WIDTH - _RIGHT - wide, place, words, colour)
        low = place + 18


def _round(number: float) -> int:
    """Return the least of 1, 2, 5, 10, 20, ... that is no smaller."""
    step = 1
    while True:
        for factor in (1, 2, 5):
            if factor * step >= number:
                return factor * step
        step *= 10


def _size(size: int) -> str:
    for unit, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if size >= unit:
            return f"{size / unit:.3g} {name}"
    return f"{size} B"


def _rgb(colour: str) -> bytes:
    return bytes.fromhex(colour.removeprefix("#"))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
