"""Where every order has to pass, so that what lies between can be ordered on its own."""

from collections.abc import Hashable, Sequence

from nnvm.analyses.ordering.problem import Problem, Step, Tensor


def cuts(problem: Problem) -> list[tuple[int, int]]:
    """Return the ranges of the given order between steps that every other step is an ancestor or a descendant of.

    Such a step, an articulation point of the precedence, has the same place in every order, and is a range of its own.
    """
    count = len(problem)
    alone_before = _single_ends(problem.before, range(count))
    alone_after = _single_ends(problem.after, range(count - 1, -1, -1))
    ranges, first = [], 0
    for step in range(count):
        if alone_before[step] and alone_after[step]:
            if first < step:
                ranges.append((first, step))
            ranges.append((step, step + 1))
            first = step + 1
    if first < count:
        ranges.append((first, count))
    return ranges


def _single_ends(neighbours: Sequence[tuple[int, ...]], order: Sequence[int]) -> list[bool]:
    """Tell for each step whether it follows, in this direction, from all steps seen before it."""
    found = [False] * len(order)
    is_end = [False] * len(order)
    ends = 0
    for step in order:
        for neighbour in neighbours[step]:
            ends -= is_end[neighbour]
            is_end[neighbour] = False
        is_end[step] = True
        ends += 1
        found[step] = ends == 1
    return found


def part(problem: Problem, steps: Sequence[int], places: Sequence[int], live: int) -> Problem:
    """Return the problem of ordering steps that are consecutive in an order, everything else staying where it is.

    `places` gives each step's place in that order, `live` the bytes alive when the first of the steps starts. Step i of
    the part is `steps[i]`.
    """
    first, last = places[steps[0]], places[steps[-1]]
    number = {step: i for i, step in enumerate(steps)}
    renamed: dict[int, int] = {}
    tensors: list[Tensor] = []
    base = live
    for step in steps:
        for t in problem.touches[step]:
            if t in renamed:
                continue
            renamed[t] = len(tensors)
            tensor = problem.tensors[t]
            given = tensor.given or any(places[writer] < first for writer in tensor.writers)
            kept = tensor.kept or any(places[toucher] > last for toucher in problem.touchers[t])
            base -= tensor.size if given else 0
            writers = [number[writer] for writer in tensor.writers if writer in number]
            readers = [number[reader] for reader in tensor.readers if reader in number]
            tensors.append(Tensor(tensor.size, writers, readers, given=given, kept=kept))
    made = []
    for step in steps:
        whole = problem.steps[step]
        inplace = [(renamed[out], [renamed[t] for t in over]) for out, over in whole.inplace]
        before = [number[need] for need in problem.before[step] if need in number]
        made.append(Step(before, workspace=whole.workspace, inplace=inplace))
    return Problem(made, tensors, base=base)


def shape(problem: Problem) -> Hashable:
    """Return what two problems share exactly if they are the same, numbers of steps and tensors included."""
    steps = tuple((step.before, step.workspace, step.inplace) for step in problem.steps)
    tensors = tuple((each.size, each.writers, each.readers, each.given, each.kept) for each in problem.tensors)
    return steps, tensors, problem.base


def reversed_problem(problem: Problem) -> Problem:
    """Return the problem with time running backwards: its orders, reversed, hold the same bytes step by step.

    That is exact but for buffers with several writers, and in-place options, where a step takes over whatever it
    touches first.
    """
    last = len(problem) - 1
    steps = []
    for step in range(last, -1, -1):
        whole = problem.steps[step]
        inplace = [(over[0], [out]) for out, over in whole.inplace if over and _can_swap(problem, step, over[0])]
        steps.append(Step([last - user for user in problem.after[step]], workspace=whole.workspace, inplace=inplace))
    tensors = []
    for t, tensor in enumerate(problem.tensors):
        touchers = [last - step for step in problem.touchers[t]]
        readers = [last - step for step in tensor.writers]
        tensors.append(_backwards(touchers, readers, tensor))
    return Problem(steps, tensors, base=problem.base)


def _backwards(touchers: list[int], readers: list[int], tensor: Tensor) -> Tensor:
    writers = [step for step in touchers if step not in readers] or touchers
    return Tensor(tensor.size, writers, readers, given=tensor.kept, kept=tensor.given)


def _can_swap(problem: Problem, step: int, over: int) -> bool:
    """Tell whether the step is the only one that touches a tensor after it was made."""
    return problem.tensors[over].readers == (step,) and not problem.tensors[over].kept
