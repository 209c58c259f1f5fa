"""Which order is the best of all, by a search through the sets of steps that can have run."""

from collections.abc import Iterable
from heapq import heappop, heappush
from typing import Final

from nnvm.analyses.ordering.absorb import absorb
from nnvm.analyses.ordering.problem import Problem

Move = tuple[int, int, int, int]
"""The steps that ran, the bytes alive after them, the steps that can run next, the last of those that ran."""


class Search:
    """What a search found: an order or None, a bound that no order is below, and the steps it took."""

    __slots__ = ("bound", "order", "spent")

    def __init__(self, order: list[int] | None, bound: int, spent: int) -> None:
        self.order: Final = order
        self.bound: Final = bound
        self.spent: Final = spent


class Moves:
    """The steps that can run after others, and what they hold, with sets of steps as bits of one integer.

    Steps that run as one with a follower are not asked about: `members` are what runs with a step, `bits` their set.
    """

    __slots__ = ("after", "bits", "full", "inplace", "members", "multiple", "need", "new", "start", "touched")

    def __init__(self, problem: Problem) -> None:
        tensors, masks = problem.tensors, [mask_of(touching) for touching in problem.touchers]
        self.full: Final = (1 << len(problem)) - 1
        absorbed = absorb(problem)
        self.members: Final = [own or [] for own in absorbed]
        self.bits: Final = [mask_of(own) for own in self.members]
        last = {step: into for into, own in enumerate(self.members) for step in own}
        self.after: Final = [list(dict.fromkeys(last[user] for user in users)) for users in problem.after]
        self.need: Final = [
            mask_of(need for step in own for need in problem.before[step]) & ~bits
            for own, bits in zip(self.members, self.bits, strict=True)
        ]
        self.new: Final[list[tuple[int, int]]] = []
        self.multiple: Final[list[list[tuple[int, int]]]] = []
        self.touched: Final[list[list[tuple[int, int]]]] = []
        self.inplace: Final[list[list[tuple[int, list[tuple[int, int]]]]]] = []
        for s, step in enumerate(problem.steps):
            written = [t for t in problem.writes[s] if tensors[t].size and not tensors[t].given]
            alone = sum(tensors[t].size for t in written if len(tensors[t].writers) == 1)
            self.new.append((alone, step.workspace))
            several = [t for t in written if len(tensors[t].writers) > 1]
            self.multiple.append([(tensors[t].size, mask_of(tensors[t].writers)) for t in several])
            mortal = [t for t in problem.touches[s] if tensors[t].size and not tensors[t].kept]
            self.touched.append([(tensors[t].size, masks[t]) for t in mortal])
            pairs = [(out, [(t, masks[t]) for t in over if not tensors[t].kept]) for out, over in step.inplace]
            self.inplace.append([(tensors[out].size, over) for out, over in pairs if tensors[out].size and over])
        alive = (t.size for t, mask in zip(tensors, masks, strict=True) if t.given and (t.kept or mask))
        ready = mask_of(s for s, need in enumerate(self.need) if not need and self.bits[s])
        self.start: Final[Move] = (0, problem.base + sum(alive), ready, -1)

    def price(self, ran: int, step: int) -> tuple[int, int]:
        """Return the bytes beyond those alive that a step with its members holds while it runs, and once it is done."""
        members = self.members[step]
        if len(members) == 1:
            return self._price(ran, step)
        most = total = 0
        for member in members:
            during, change = self._price(ran, member)
            most = max(most, total + during)
            total += change
            ran |= 1 << member
        return most, total

    def _price(self, ran: int, step: int) -> tuple[int, int]:
        now = ran | 1 << step
        change, workspace = self.new[step]
        for size, writers in self.multiple[step]:
            if not ran & writers:
                change += size
        during = change + workspace
        for size, touchers in self.touched[step]:
            if touchers & now == touchers:
                change -= size
        if self.inplace[step]:
            during -= self._saved(now, step)
        return during, change

    def _saved(self, now: int, step: int) -> int:
        saved, taken = 0, []
        for size, over in self.inplace[step]:
            for t, touchers in over:
                if touchers & now == touchers and t not in taken:
                    taken.append(t)
                    saved += size
                    break
        return saved

    def ready(self, ran: int, ready: int, step: int) -> int:
        """Return the steps that can run once a step has run, `ran` with it, out of those that could before."""
        ready ^= 1 << step
        for user in self.after[step]:
            need = self.need[user]
            if need & ran == need:
                ready |= 1 << user
        return ready


def mask_of(numbers: Iterable[int]) -> int:
    """Return the set of numbers as bits of one integer."""
    mask = 0
    for number in numbers:
        mask |= 1 << number
    return mask


def search(problem: Problem, *, lower: int, upper: int, limit: int) -> Search:
    """Find an order that holds at most `lower` bytes, or else as few as possible and less than `upper`.

    Sets of steps are visited by the peak that leads to them, and each once; a step that fits under the level reached
    and leaves no more alive than before is run at once, for nothing is lost by it. Where the order is None, no order is
    below the bound: all of `upper` if the search ended, else the level at which `limit` transitions were spent.
    """
    moves = Moves(problem)
    level, spent, count = max(lower, moves.start[1]), 0, 0
    if level >= upper:
        return Search(None, upper, 0)
    last: dict[int, int] = {0: -1}
    stack: list[Move] = [moves.start]
    waiting: list[tuple[int, int, int, Move]] = []
    while spent <= limit:
        if not stack:
            while waiting and waiting[0][3][0] in last:
                heappop(waiting)
            if not waiting:
                return Search(None, upper, spent)
            level, _, _, move = heappop(waiting)
            last[move[0]] = move[3]
            stack.append((move[0], move[1], moves.ready(move[0], move[2], move[3]), move[3]))
        ran, live, ready, _ = stack.pop()
        if ran == moves.full:
            return Search(_path(moves, last, ran), level, spent)
        children, later = _expand(moves, ran, live, ready, level)
        spent += len(children) + len(later) + 1
        for during, move in later:
            if during < upper and move[0] not in last:
                count += 1
                heappush(waiting, (during, -move[0].bit_count(), count, move))
        children.sort(reverse=True)
        for after, step in children:
            now = ran | moves.bits[step]
            if now not in last:
                last[now] = step
                stack.append((now, after, moves.ready(now, ready, step), step))
    return Search(None, level, spent)


def _expand(
    moves: Moves, ran: int, live: int, ready: int, level: int
) -> tuple[list[tuple[int, int]], list[tuple[int, Move]]]:
    """Return the steps to run next at this level, or the one that nothing is lost by, and those of higher levels."""
    children: list[tuple[int, int]] = []
    later: list[tuple[int, Move]] = []
    left = ready
    while left:
        low = left & -left
        left ^= low
        step = low.bit_length() - 1
        during, change = moves.price(ran, step)
        during += live
        if during > level:
            later.append((during, (ran | moves.bits[step], live + change, ready, step)))
        elif change <= 0:
            return [(live + change, step)], []
        else:
            children.append((live + change, step))
    return children, later


def _path(moves: Moves, last: dict[int, int], ran: int) -> list[int]:
    order: list[int] = []
    while ran:
        step = last[ran]
        order += reversed(moves.members[step])
        ran ^= moves.bits[step]
    return order[::-1]
