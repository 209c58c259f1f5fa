"""How text is cleaned, how wide it is drawn, and how it is shortened to fit."""

from typing import Final
from unicodedata import category, combining, east_asian_width

TEXT: Final = 11.0
"""Pixels of ordinary text."""

TITLE: Final = 12.5
"""Pixels of an operator's name, drawn bold."""

_NARROW: Final = frozenset("iljtfrI.,:;'!|()[]{} -/\\\"")
_BROAD: Final = frozenset("mwMWQGO@%×→←↑↓…·")
_HIDDEN: Final = frozenset(("Cc", "Cs", "Cn", "Co", "Cf", "Zl", "Zp"))


def clean(text: str) -> str:
    """Return the text with everything that draws nothing, or turns what follows around, as a replacement sign."""
    if text.isascii() and text.isprintable():
        return text
    return "".join("\ufffd" if category(letter) in _HIDDEN else letter for letter in text)


def width(text: str, size: float = TEXT, bold: bool = False) -> float:
    """Return an upper estimate of how wide a sans-serif text of this size is, in pixels, whatever the font."""
    total = 0.0
    for letter in text:
        if letter in _NARROW:
            total += 0.42
        elif letter in _BROAD:
            total += 1.0
        elif letter.isascii():
            total += 0.72 if letter.isupper() else 0.64
        elif not combining(letter):
            total += 1.3 if east_asian_width(letter) in "WF" else 0.9
    return total * size * (1.08 if bold else 1.0)


def shorten(text: str, letters: int) -> str:
    """Return the cleaned text, its middle as … where it is longer than `letters`."""
    if len(text) <= letters:
        return clean(text)
    tail = letters // 2
    return f"{clean(text[: letters - tail - 1])}…{clean(text[-tail:])}"


def fit(text: str, pixels: float, size: float = TEXT, bold: bool = False) -> str:
    """Return the cleaned text, cut to a width, with … for what is left out."""
    kept = clean(text[:200])
    if len(text) <= 200 and width(kept, size, bold) <= pixels:
        return kept
    while kept and width(kept + "…", size, bold) > pixels:
        kept = kept[:-1]
    return kept + "…"
