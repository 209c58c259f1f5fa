"""Which order is the best of all, by a search through the sets of steps that can have run."""

from heapq import heappop, heappush
from typing import Final

from nnvm.analyses.ordering.moves import Moves, Run, State
from nnvm.analyses.ordering.problem import Problem


class Search:
    """What a search found: an order or None, a bound that no order is below, and the steps it took."""

    __slots__ = ("bound", "order", "spent")

    def __init__(self, order: list[int] | None, bound: int, spent: int) -> None:
        self.order: Final = order
        self.bound: Final = bound
        self.spent: Final = spent


def search(problem: Problem, *, lower: int, upper: int, limit: int) -> Search:
    """Find an order that holds at most `lower` bytes, or else as few as possible and less than `upper`.

    Sets of steps are visited by the peak that leads to them, and each once. Where the order is None, no order is below
    the bound: all of `upper` if the search ended, else the level at which `limit` transitions were spent.
    """
    moves = Moves(problem)
    level, spent, count = max(lower, moves.start[1]), 0, 0
    if level >= upper:
        return Search(None, upper, 0)
    last: dict[int, Run] = {0: (0, -1)}
    stack: list[State] = [moves.start]
    waiting: list[tuple[int, int, int, int, int, int, Run]] = []
    while spent <= limit:
        if not stack:
            while waiting and waiting[0][3] in last:
                heappop(waiting)
            if not waiting:
                return Search(None, upper, spent)
            level, _, _, now, live, ready, run = heappop(waiting)
            last[now] = run
            stack.append((now, live, moves.ready(now, ready, run)))
        ran, live, ready = stack.pop()
        if ran == moves.full:
            return Search(_path(moves, last, ran), level, spent)
        children = []
        found = moves.runs(ran, ready, level - live, upper - live)
        spent += len(found) + 1
        for during, change, run in found:
            now = ran | moves.set_of(run)
            if now in last:
                continue
            if during + live <= level:
                children.append((live + change, run, now))
                continue
            count += 1
            heappush(waiting, (during + live, -now.bit_count(), count, now, live + change, ready, run))
        children.sort(reverse=True)
        for after, run, now in children:
            last[now] = run
            stack.append((now, after, moves.ready(now, ready, run)))
    return Search(None, level, spent)


def _path(moves: Moves, last: dict[int, Run], ran: int) -> list[int]:
    order: list[int] = []
    while ran:
        order += reversed(moves.steps(last[ran]))
        ran ^= moves.set_of(last[ran])
    return order[::-1]
