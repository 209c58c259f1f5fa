"""Which steps never hold more than they leave, so that they can wait until something is gained by them."""

from collections.abc import Sequence
from typing import Final

from nnvm.analyses.ordering.problem import Problem

SEVERAL: Final = 4
"""Tensors that a step touches above which nothing else that touches them is asked to wait: too many would be last."""

LARGE: Final = 2_000
"""Steps of a problem above which none is asked to wait: the sets of all that comes before each would be too large."""


def patient(problem: Problem, members: Sequence[Sequence[int] | None]) -> list[bool]:
    """Tell for each step whether it runs alone and holds no more than what it leaves, or than what there was.

    Such a step writes one tensor, over any of those that may die at it, as a sum does, or none can die at it. In any
    order it can wait until something dies at it, or until a step that needs it runs, or one that is the last to touch
    what it touches as well: between two such events nothing dies, so that what has not run only holds less.
    """
    if len(problem) > LARGE:
        return [False] * len(problem)
    mortal = [_mortal(problem, step) for step in range(len(problem))]
    crowded = {t for each in mortal if len(each) > SEVERAL for t in each}
    found = []
    for step, own in enumerate(members):
        alone = own is not None and len(own) == 1 and not problem.steps[step].workspace
        found.append(alone and crowded.isdisjoint(mortal[step]) and _is_over_all(problem, step, mortal[step]))
    return found


def _mortal(problem: Problem, step: int) -> list[int]:
    """Return the tensors that others write and that may die at a step."""
    tensors = ((t, problem.tensors[t]) for t in problem.touches[step])
    return [t for t, tensor in tensors if tensor.size and not tensor.kept and tensor.writers != (step,)]


def _is_over_all(problem: Problem, step: int, mortal: Sequence[int]) -> bool:
    """Tell whether a step writes one tensor, which outlives it, and can do so over any of those that may die."""
    tensors = problem.tensors
    written = [t for t in problem.writes[step] if tensors[t].size]
    if len(written) != 1 or tensors[written[0]].given or len(tensors[written[0]].writers) > 1:
        return False
    if problem.touchers[written[0]] == (step,) and not tensors[written[0]].kept:
        return False
    if any(len(tensors[t].writers) > 1 for t in mortal):
        return False
    over = next((over for out, over in problem.steps[step].inplace if out == written[0]), ())
    return set(mortal) <= set(over)
