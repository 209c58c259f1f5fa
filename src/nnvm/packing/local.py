"""A search through orders of putting down: what reaches the top is moved forward, or changes places with another."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, Generic, NamedTuple, TypeVar

import numpy as np

from nnvm.packing.budget import Budget

T = TypeVar("T")

PATIENCE: Final = 400
"""Moves in vain, after which the order is shaken."""


class Placed(NamedTuple, Generic[T]):
    """A packing made from an order: its score (lower is better) and who reaches the top; None where it was stopped."""

    score: tuple[int, ...]
    top: Sequence[int]
    packing: T


def improve(
    order: Sequence[int],
    place: Callable[[Sequence[int]], Placed[T] | None],
    cost: int,
    budget: Budget,
    *,
    seed: int = 0,
) -> Iterator[Placed[T]]:
    """Yield ever better packings, while the budget has `cost` steps for one more order.

    A move takes one of those that reach the top and puts it down earlier, or swaps it with one that came before.
    Moves that keep the score are kept. What is drawn depends on the seed alone.
    """
    chance = np.random.default_rng(seed)
    if len(order) < 2 or not budget.affords(cost):
        return
    current, at = list(order), place(order)
    budget.spend(cost)
    if at is None:
        return
    yield at
    best, vain = at, 0
    while budget.affords(cost):
        tried = _moved(current, at.top, chance, shaken=vain >= PATIENCE)
        found = place(tried)
        budget.spend(cost)
        if found is None:
            return
        if found.score <= at.score or vain >= PATIENCE:
            current, at = tried, found
        vain = vain + 1 if vain < PATIENCE and found.score >= best.score else 0
        if found.score < best.score:
            best = found
            yield best


def _moved(order: list[int], top: Sequence[int], chance: np.random.Generator, *, shaken: bool) -> list[int]:
    """Return the order after one move, or after a few where it is shaken."""
    moved = list(order)
    for _ in range(8 if shaken else 1):
        who = top[int(chance.integers(len(top)))] if top and not shaken else moved[int(chance.integers(len(moved)))]
        there = moved.index(who)
        if not there:
            continue
        here = int(chance.integers(there))
        if chance.random() < 0.3:
            moved[here], moved[there] = moved[there], moved[here]
        else:
            moved.insert(here, moved.pop(there))
    return moved
