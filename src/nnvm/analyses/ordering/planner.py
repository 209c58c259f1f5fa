"""How a problem becomes an order: cut into pieces, each piece ordered by the dearest means that it needs."""

from collections.abc import Callable, Hashable, Sequence
from typing import Final

from nnvm.analyses.ordering import greedy
from nnvm.analyses.ordering.beam import beam
from nnvm.analyses.ordering.bounds import bound as bound_of
from nnvm.analyses.ordering.closures import closure_bound
from nnvm.analyses.ordering.ideals import search
from nnvm.analyses.ordering.pieces import cuts, part, shape
from nnvm.analyses.ordering.problem import Problem, admit, peak, profile
from nnvm.analyses.ordering.series_parallel import reduce
from nnvm.analyses.ordering.shares import share
from nnvm.analyses.ordering.windows import improve
from nnvm.errors import Error

EFFORT: Final = 2_000_000
"""Transitions between sets of steps that an order may take; about as many microseconds, or two."""

SHARES: Final = 4
"""Parts of the effort that is left of which a piece gets one, where as many pieces are left."""

BEAM: Final = 32
"""Sets of steps that the narrowest beam keeps."""

WORD: Final = 300
"""Steps for which a transition of a piece costs as much again."""

ROUNDS: Final = 24
"""Times that shares of what several read are moved."""

LARGE: Final = 20_000
"""Steps of a piece above which only the cheap orders, its structure and windows are tried."""

Progress = Callable[[str], object]


class Order:
    """An order of steps, the bytes it holds at most, a bound that no order is below, and what is known of it.

    `status` is `optimal` where both are equal; `bounded` where they are not and every tensor was counted in the bound;
    `heuristic` where the effort did not reach that far. `spent` is the effort, in transitions.
    """

    __slots__ = ("bound", "order", "peak", "spent", "status")

    def __init__(self, order: Sequence[int], peak: int, bound: int, status: str, spent: int) -> None:
        self.order: Final = tuple(order)
        self.peak: Final = peak
        self.bound: Final = bound
        self.status: Final = status
        self.spent: Final = spent

    def __repr__(self) -> str:
        return f"Order(peak={self.peak}, bound={self.bound}, status={self.status!r}, {len(self.order)} steps)"


def order(problem: Problem, *, effort: int = EFFORT, progress: Progress | None = None) -> Order:
    """Return an order that holds as few bytes at once as can be found, never more than the given one.

    `effort` counts transitions of the searches and so gives the same answer on any machine; `progress` is told what
    each piece came to. Raises Error for a problem that is none, or a negative effort.
    """
    admit(problem.steps, problem.tensors)
    if effort < 0:
        raise Error(f"the effort is {effort}; it is a number of transitions, 0 or more")
    given = list(range(len(problem)))
    planning = _Planning(problem, effort, progress)
    found = planning.run()
    most, before = peak(problem, found), peak(problem, given)
    if most >= before:  # the given order is somebody's choice: it stays where nothing is gained
        found, most = given, before
    bound = min(planning.bound, most)
    status = "optimal" if most == bound else "bounded" if planning.complete else "heuristic"
    return Order(found, most, bound, status, planning.spent)


class _Piece:
    """Steps between two cuts, their problem, the best order so far and what it holds, and the bound."""

    __slots__ = ("bound", "first", "number", "order", "peak", "problem")

    def __init__(self, number: int, first: int, problem: Problem, peak: int, bound: int) -> None:
        self.number: Final = number
        self.first: Final = first
        self.problem: Final = problem
        self.order = list(range(len(problem)))
        self.peak = peak
        self.bound = bound


class _Planning:
    def __init__(self, problem: Problem, effort: int, progress: Progress | None) -> None:
        self.problem, self.effort, self.progress = problem, effort, progress
        self.spent, self.complete = 0, True
        self.held = profile(problem, range(len(problem)))
        self.bound, self.complete = bound_of(problem, 50 * effort)
        self.known: dict[Hashable, _Piece] = {}

    def run(self) -> list[int]:
        """Order the pieces that hold the most, one after the other, until none holds more than the bound."""
        given = list(range(len(self.problem)))
        most = max((during for during, _ in self.held), default=self.bound)
        if most <= self.bound:
            return given
        pieces = [self._piece(i, *ends, given) for i, ends in enumerate(cuts(self.problem))]
        open = sorted(
            (piece for piece in pieces if piece.peak > self.bound), key=lambda each: (-each.peak, each.number)
        )
        while open and open[0].peak > self.bound:
            piece = open.pop(0)
            self._improve(piece, len(open) + 1)
            self.bound = max(self.bound, piece.bound)
        return [piece.first + step for piece in pieces for step in piece.order]

    def _piece(self, number: int, first: int, end: int, places: Sequence[int]) -> _Piece:
        held = max(during for during, _ in self.held[first:end])
        if held <= self.bound or end - first == 1:
            made = Problem([], [])  # nothing to gain here, so nothing to look at
            piece = _Piece(number, first, made, held, held if end - first == 1 else self.bound)
            piece.order = list(range(end - first))
            return piece
        live = self.held[first - 1][1] if first else peak(self.problem, ())
        return _Piece(number, first, part(self.problem, range(first, end), places, live), held, self.bound)

    def _improve(self, piece: _Piece, left: int) -> None:
        if not len(piece.problem):
            return
        key = shape(piece.problem)
        twin = self.known.setdefault(key, piece)
        if twin is not piece:
            piece.order, piece.peak, piece.bound = twin.order, twin.peak, twin.bound
            return
        before = piece.peak
        self.spent += _improve(piece, self.bound, max(self.effort - self.spent, 0) // min(left, SHARES))
        if self.progress is not None:
            told = f"{len(piece.order)} steps from {piece.first}: {before} -> {piece.peak} bytes, bound {piece.bound}"
            self.progress(told)


def _improve(piece: _Piece, target: int, effort: int) -> int:
    """Make a piece's order better, down to the target, by ever dearer means; return the effort spent."""
    spent = 0
    dear = 1 + len(piece.problem) // WORD  # sets of many steps are long numbers
    for means in (_cheaply, _by_structure, _by_closures, _by_search, _by_beams, _by_windows):
        times = 1 if means is _by_structure or means is _by_windows else dear
        spent += times * means(piece, target, (effort - spent) // times)
        if piece.peak <= max(target, piece.bound):
            break
    return spent


def _cheaply(piece: _Piece, target: int, effort: int) -> int:
    """Try walks and greedy orders, whatever the effort: they cost no transitions."""
    for found in greedy.candidates(piece.problem):
        _keep(piece, found)
        if piece.peak <= max(target, piece.bound):
            break
    return 0


def _by_structure(piece: _Piece, target: int, effort: int) -> int:
    reduced = reduce(piece.problem, 40 * len(piece.problem))
    if reduced.order is not None:
        _keep(piece, reduced.order)
        if reduced.exact:
            piece.bound = piece.peak
            return reduced.spent // 4
    else:
        return reduced.spent // 4
    shared = share(piece.problem, rounds=ROUNDS, limit=effort // 8)
    piece.bound = max(piece.bound, shared.bound)
    if shared.order is not None:
        _keep(piece, shared.order)
    return reduced.spent // 4 + shared.spent


def _by_closures(piece: _Piece, target: int, effort: int) -> int:
    """Ask how little the steps can hold at which this order holds the most, with a fourth of the effort."""
    found, spent = closure_bound(piece.problem, piece.order, lower=max(target, piece.bound), limit=effort)
    piece.bound = max(piece.bound, found)
    return spent // 4


def _by_search(piece: _Piece, target: int, effort: int) -> int:
    if len(piece.problem) > LARGE or effort <= 0:
        return 0
    found = search(piece.problem, lower=max(target, piece.bound), upper=piece.peak, limit=effort // 2)
    piece.bound = max(piece.bound, found.bound)
    if found.order is not None:
        _keep(piece, found.order)
    return found.spent


def _by_beams(piece: _Piece, target: int, effort: int) -> int:
    """Try ever wider beams with half of the effort."""
    spent, width = 0, BEAM
    least = max(target, piece.bound)
    while len(piece.problem) <= LARGE and piece.peak > least and spent < effort // 2:
        limit = effort // 2 - spent
        found, cost = beam(piece.problem, lower=least, upper=piece.peak, width=width, limit=limit)
        spent += cost
        width *= 4
        if found is not None:
            _keep(piece, found)
    return spent


def _by_windows(piece: _Piece, target: int, effort: int) -> int:
    least = max(target, piece.bound)
    found, spent = improve(piece.problem, piece.order, lower=least, limit=max(effort, 0))
    _keep(piece, found)
    return spent


def _keep(piece: _Piece, order: list[int]) -> None:
    """Take an order where it holds less than the best so far."""
    held = peak(piece.problem, order)
    if held < piece.peak:
        piece.order, piece.peak = order, held
