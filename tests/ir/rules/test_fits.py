"""What fits by operators alone: holes fit what is there, both orders count, and each question is asked once."""

from typing import Any

import pytest
from tests.ir.operators import add, biased, concat, halves, neg, relu, scaled, sub, tanh

from nnvm.ir import ABSENT, either, named_input
from nnvm.ir.rules.fits import Fits
from nnvm.ir.rules.patterns import ParamHole, RowHole

X, Y = named_input("x"), named_input("y")
BY, ROW = ParamHole(X.node, 0, None), RowHole(Y.node, 0, None)


@pytest.mark.parametrize(
    ("pattern", "value", "fits"),
    [
        (X, relu(Y), True),
        (X, ABSENT, False),
        (ABSENT, ABSENT, True),
        (add(neg(X), relu(Y)), add(relu(X), neg(X)), True),
        (add(neg(X), relu(Y)), add(relu(X), relu(X)), False),
        (sub(neg(X), relu(Y)), sub(relu(X), neg(X)), False),
        (either(neg(X), relu(X)), relu(Y), True),
        (either(neg(X), relu(X)), tanh(Y), False),
        (add(X, 1.0), add(1.0, Y), True),
        (add(X, 1.0), add(2.0, Y), False),
        (add(X, BY), add(2.0, Y), True),
        (add(X, BY), add(X, Y), False),
        (scaled(X, by=1), scaled(X, by=2), True),
        (concat(ROW, neg(X)), concat(X, Y), True),
        (biased(X, Y), biased(X, Y, Y), False),
        (neg(halves(X)[1]), neg(halves(X)[0]), False),
        (neg(relu(X)), neg(relu(X, after=(tanh(Y).node,))), False),
    ],
)
def test_what_fits(pattern, value, fits):
    assert Fits()(pattern, value) is fits


def test_shared_parts_are_asked_about_once(monkeypatch):
    asked: list[Any] = []
    plain = Fits._look
    monkeypatch.setattr(Fits, "_look", lambda self, p, g: asked.append((p, g)) or plain(self, p, g))
    pattern, value = X, X
    for _ in range(30):
        pattern, value = add(pattern, pattern), add(value, value)
    assert Fits()(pattern, value)
    assert len(asked) == 31
