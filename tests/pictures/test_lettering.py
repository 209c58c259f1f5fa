"""Text that is drawn."""

import pytest
from tests.pictures.graphs import HOSTILE

from nnvm.pictures.lettering import clean, fit, shorten, width


def test_clean_keeps_what_draws_and_replaces_what_does_not():
    assert clean("layer.0/mul") == "layer.0/mul"
    assert clean("漢字 é") == "漢字 é"
    assert clean("a\x00b\u202ec\ud800") == "a\ufffdb\ufffdc\ufffd"


def test_width_grows_with_letters_size_and_weight():
    assert width("iii") < width("mmm")
    assert width("a") < width("a", bold=True) < width("a", 20)
    assert width("漢") > width("a")
    assert width("") == 0


def test_shorten_keeps_both_ends():
    assert shorten("abc", 3) == "abc"
    assert shorten("abcdefghij", 5) == "ab…ij"
    assert len(shorten("x" * 1000, 40)) == 40


@pytest.mark.parametrize("text", HOSTILE)
def test_fit_fits(text):
    assert width(fit(text, 100), bold=False) <= 100
    assert fit(text, 1e9).startswith(clean(text[:200]))
