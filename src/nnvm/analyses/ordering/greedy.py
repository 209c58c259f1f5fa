"""Orders that are cheap to find: walks from either end, and the step next that leaves the least alive."""

from collections import deque
from collections.abc import Callable, Iterator
from heapq import heapify, heappop, heappush
from typing import Final

from nnvm.analyses.ordering.pieces import reversed_problem
from nnvm.analyses.ordering.problem import Ledger, Problem

LOOK: Final = 16
"""Steps of the heap that are looked at for one that does not raise the peak."""


def depth_first(problem: Problem) -> list[int]:
    """Return the order of a walk from the last steps back, needs left to right."""
    order: list[int] = []
    seen = [False] * len(problem)
    for end in range(len(problem)):
        if problem.after[end] or seen[end]:
            continue
        seen[end] = True
        stack = [(end, iter(problem.before[end]))]
        while stack:
            step, needs = stack[-1]
            need = next((need for need in needs if not seen[need]), None)
            if need is None:
                order.append(step)
                stack.pop()
            else:
                seen[need] = True
                stack.append((need, iter(problem.before[need])))
    return order


def breadth_first(problem: Problem) -> list[int]:
    """Return the order in which steps become ready, first come, first served."""
    waiting = [len(needs) for needs in problem.before]
    ready = deque(step for step, count in enumerate(waiting) if not count)
    order = []
    while ready:
        step = ready.popleft()
        order.append(step)
        for user in problem.after[step]:
            waiting[user] -= 1
            if not waiting[user]:
                ready.append(user)
    return order


def least_memory_first(problem: Problem, *, newest: bool = False, look: int = 1) -> list[int]:
    """Return the order that always runs the step that leaves the least alive (LPMF, with a heap).

    Ties go to the step listed first, or to the one that became ready last. With `look` above 1, so many of the best are
    looked at for one that does not raise the peak; where each does, the one that raises it least runs.
    """
    ledger = Ledger(problem)
    waiting = [len(needs) for needs in problem.before]
    age = [0] * len(problem)
    heap = [(ledger.price(step)[1], 0, step) for step, count in enumerate(waiting) if not count]
    heapify(heap)
    order: list[int] = []
    done = [False] * len(problem)
    most = ledger.live
    while heap:
        step = _best(heap, ledger, done, most, look)
        if step is None:
            break
        done[step] = True
        order.append(step)
        most = max(most, ledger.run(step)[0])
        for user in problem.after[step]:
            waiting[user] -= 1
            if not waiting[user]:
                age[user] = -len(order) if newest else 0
                heappush(heap, (ledger.price(user)[1], age[user], user))
        for other in dict.fromkeys(_cheaper(ledger, step)):
            if not waiting[other] and not done[other]:
                heappush(heap, (ledger.price(other)[1], age[other], other))
    return order


def _best(heap: list[tuple[int, int, int]], ledger: Ledger, done: list[bool], most: int, look: int) -> int | None:
    """Take the step to run next out of the heap; what is there twice, or has another price by now, is dropped."""
    seen: list[tuple[tuple[int, int], tuple[int, int, int]]] = []
    while heap and len(seen) < look:
        entry = heappop(heap)
        step = entry[2]
        if done[step] or any(step == other[2] for _, other in seen):
            continue
        during, change = ledger.price(step)
        if change != entry[0]:
            continue
        during += ledger.live
        seen.append(((max(during, most), len(seen)), entry))
        if during <= most:
            break
    if not seen:
        return None
    _, chosen = min(seen)
    for _, entry in seen:
        if entry is not chosen:
            heappush(heap, entry)
    return chosen[2]


def _cheaper(ledger: Ledger, step: int) -> Iterator[int]:
    """Yield the steps whose price changed by running a step: last users of its tensors, other writers of them."""
    problem = ledger.problem
    for t in problem.touches[step]:
        if ledger.left[t] == 1:
            yield ledger.remaining[t]
    for t in problem.writes[step]:
        tensor, is_first = problem.tensors[t], ledger.left[t] == len(problem.touchers[t]) - 1
        if is_first and len(tensor.writers) > 1 and not tensor.given:
            yield from tensor.writers


def backwards(search: Callable[[Problem], list[int]], problem: Problem) -> list[int]:
    """Return the order that a search finds with time running backwards."""
    last = len(problem) - 1
    return [last - step for step in reversed(search(reversed_problem(problem)))]


def candidates(problem: Problem) -> Iterator[list[int]]:
    """Yield orders, the given one first, cheap ones before dear ones."""
    yield list(range(len(problem)))
    yield depth_first(problem)
    yield breadth_first(problem)
    yield least_memory_first(problem)
    yield least_memory_first(problem, newest=True, look=LOOK)
    yield backwards(lambda turned: least_memory_first(turned, newest=True, look=LOOK), problem)
    yield backwards(least_memory_first, problem)
