"""What the order of a lowered graph's steps is about, said to the search for good orders."""

from collections.abc import Iterable, Sequence
from typing import Final

from nnvm.analyses.ordering import Problem, Step, Tensor
from nnvm.analyses.schedule import SOURCES, depth_first, needs
from nnvm.compile.lower import Lowered
from nnvm.compile.plan import Arena, at, nbytes
from nnvm.ir import Graph, Node
from nnvm.runtime.memory import round_up

EFFORT: Final = 20_000
"""Transitions that the search for an order may take unless said: some milliseconds, whatever the graph."""

MOST_PIECES: Final = 1_000
"""Parts above which a join counts as one whole."""


class Question:
    """A problem whose steps are those of a lowered graph that compute a node."""

    __slots__ = ("graph", "nodes", "problem")

    def __init__(self, problem: Problem, nodes: Sequence[Node], graph: Graph) -> None:
        self.problem: Final = problem
        self.nodes: Final = nodes
        self.graph: Final = graph

    def order(self, steps: Sequence[int]) -> tuple[Node, ...]:
        """Return all nodes, those of the steps in this order; what takes no step comes when it is first needed."""
        done: dict[Node, None] = {}
        for wanted in (*(self.nodes[step] for step in steps), *depth_first(self.graph)):
            stack = [wanted]
            while stack:
                waiting = [need for need in needs(stack[-1]) if need.op not in SOURCES and need not in done]
                if waiting:
                    stack += reversed(waiting)
                else:
                    done[stack.pop()] = None
        return tuple(done)


def question(lowered: Lowered, arena: Arena, binding: dict[str, int], *, relaxed: bool) -> Question:
    """Return the problem of ordering a lowered graph that is not coalesced yet.

    A `relaxed` one asks for no more than any laying of parts into wholes does, so that its bound holds for them all:
    what a join writes takes over its parts, and a run of elements costs nothing. Else a run lives as its whole does.
    """
    return _Asking(lowered, arena, binding, relaxed).done()


class _Asking:
    def __init__(self, lowered: Lowered, arena: Arena, binding: dict[str, int], relaxed: bool) -> None:
        self.lowered, self.arena, self.binding, self.relaxed = lowered, arena, binding, relaxed
        self.steps = [i for i, node in enumerate(lowered.nodes) if node is not None]
        self.number = {i: k for k, i in enumerate(self.steps)}
        self.place = {lowered.nodes[i]: k for i, k in self.number.items()}
        self.terms: dict[Node, list[Node]] = {}
        for term, total in lowered.terms.items():
            self.terms.setdefault(total, []).append(term)
        self.wrote = {index: k for i, k in self.number.items() for index in lowered.steps[i].outputs}
        self.writer: dict[int, int] = {}
        self.readers: dict[int, list[int]] = {}
        self.given: set[int] = set()
        self.kept: set[int] = set()
        self.whole: dict[int, int] = {}
        self.pieces: dict[int, list[int]] = {}
        self.exact = relaxed and self._is_ragged()

    def done(self) -> Question:
        self._uses()
        self._divide()
        numbers: dict[int, list[int]] = {}
        rows: list[tuple[int, list[int]]] = []
        for index in sorted(self.writer.keys() | self.given):
            own = numbers[index] = []
            for size, part in zip(self.pieces[index], self._laid(index, numbers), strict=True):
                if part is None or part in own:  # a part has one place: the second time it is copied
                    part = len(rows)
                    rows.append((size, []))
                rows[part][1].append(index)
                own.append(part)
        tensors = [self._tensor(*row) for row in rows]
        steps = [self._step(i, numbers) for i in self.steps]
        nodes = [node for node in self.lowered.nodes if node is not None]
        return Question(Problem(steps, tensors), nodes, self.lowered.graph)

    def _tensor(self, size: int, showing: Sequence[int]) -> Tensor:
        """Return what stands for bytes that the first of these tensors brings, and that all of them show."""
        first = showing[0]
        writers = [self.writer[first]] if first in self.writer else []
        readers = [k for index in showing for k in self.readers.get(index, ())]
        return Tensor(size, writers, readers, given=first in self.given, kept=not self.kept.isdisjoint(showing))

    def _laid(self, index: int, numbers: dict[int, list[int]]) -> list[int | None]:
        """Return for each piece of a tensor what stands for the part that may lie there, even while others read it."""
        pieces = self.pieces[index]
        step = self.lowered.steps[self.steps[self.writer[index]]] if index in self.writer else None
        laid: list[int | None] = []
        for read in step.inputs if self.relaxed and step is not None and step.joins else ():
            own = self._pieces_of(read)
            content = -1 if read is None else self._content(read)
            laid += numbers[content] if content in numbers and self.pieces[content] == own else [None] * len(own)
        return laid if len(laid) == len(pieces) else [None] * len(pieces)

    def _content(self, index: int) -> int:
        """Return the tensor whose bytes a tensor shows; what is cut from another shows that one, unless relaxed."""
        while True:
            shown = self.lowered.tensors[index].shown
            shown = self.whole.get(index) if shown is None else shown
            if shown is None:
                return index
            index = shown

    def _shown(self, index: int | None) -> int | None:
        """Return the tensor that a step wrote and this one shows."""
        while index is not None and self.lowered.tensors[index].shown is not None:
            index = self.lowered.tensors[index].shown
        return index

    def _uses(self) -> None:
        lowered = self.lowered
        for i, step in enumerate(lowered.steps):
            k = self.number.get(i)
            for read in dict.fromkeys(self._content(each) for each in step.inputs if each is not None):
                if lowered.tensors[read].kind != "arena":
                    continue
                if k is None:
                    self.kept.add(read)
                else:
                    self.readers.setdefault(read, []).append(k)
            for written in step.outputs:
                if lowered.tensors[written].kind != "arena":
                    continue
                if k is None:
                    self.given.add(written)
                elif not self.relaxed and i in lowered.cuts and self._is_ours(step.inputs[0]):
                    self.whole[written] = step.inputs[0] or 0
                else:
                    self.writer[written] = k

    def _is_ours(self, index: int | None) -> bool:
        return index is not None and self.lowered.tensors[self._content(index)].kind == "arena"

    def _bytes(self, index: int) -> int:
        return at(nbytes(self.lowered.tensors[index].type), self.binding)

    def _size(self, index: int) -> int:
        return self._bytes(index) if self.exact else round_up(self._bytes(index), self.arena.alignment)

    def _are_ragged(self, parts: Iterable[int | None]) -> bool:
        return any(part is not None and self._bytes(part) % self.arena.alignment for part in parts)

    def _is_ragged(self) -> bool:
        """Say whether a part may lie in a whole where no buffer of its own could, and so take less than alone."""
        cuts = self.lowered.cuts
        return any(
            self._are_ragged(step.outputs if i in cuts else step.inputs if step.joins else ())
            for i, step in enumerate(self.lowered.steps)
        )

    def _outside(self) -> set[int]:
        """Return what may lie in a caller's array: the parts of a join that is an output, and what they are over."""
        lowered, outside = self.lowered, set[int]()
        for i in reversed(self.steps):
            step = lowered.steps[i]
            if not step.outputs:
                continue
            output = step.outputs[0]
            if step.joins and (output in outside or lowered.tensors[output].kind == "output"):
                outside |= {self._content(read) for read in step.inputs if read is not None}
            elif output in outside:
                over = (step.inputs[k] for k in step.inplace)
                outside |= {self._content(read) for read in over if read is not None}
        return outside

    def _divide(self) -> None:
        """Find the sizes of the tensors that stand for each: what a join wrote is in parts, and so what is over it."""
        outside = self._outside() if self.relaxed else set()
        for index in self.given:
            self.pieces[index] = [self._size(index)]
        for i in self.steps:
            for index in self.lowered.steps[i].outputs:
                if index in self.writer:
                    self.pieces[index] = [0] if index in outside else self._pieces(i, index)

    def _pieces(self, i: int, index: int) -> list[int]:
        step, size = self.lowered.steps[i], self._size(index)
        if i in self.lowered.cuts:
            return [0]
        if step.joins:
            if self._are_ragged(step.inputs):
                return [0 if self.relaxed else size]
            pieces = [piece for read in step.inputs for piece in self._pieces_of(read)]
            return pieces if len(pieces) <= MOST_PIECES else [0 if self.relaxed else size]
        if index != step.outputs[0]:
            return [size]
        over = [found for k in step.inplace if sum(found := self._pieces_of(step.inputs[k])) == size]
        if all(len(found) == 1 for found in over):
            return [size]
        return [0] if self.relaxed and any(found != over[0] for found in over) else max(over, key=len)

    def _pieces_of(self, read: int | None) -> list[int]:
        """Return the sizes of what stands for what is read, or its own where that is less or more."""
        if read is None:
            return []
        size, found = self._size(read), self.pieces.get(self._content(read), [])
        return found if sum(found) == size else [size]

    def _step(self, i: int, numbers: dict[int, list[int]]) -> Step:
        step, node = self.lowered.steps[i], self.lowered.nodes[i]
        assert node is not None  # those without are left out
        awaited = [each for ours in (node, *self.terms.get(node, ())) for each in ours.after]
        before = [self.place[each] for each in awaited if each in self.place]
        before += [self.wrote[shown] for read in step.inputs if (shown := self._shown(read)) in self.wrote]
        workspace = 0 if step.scratch is None else self._size(step.scratch)
        return Step(before, workspace=workspace, inplace=self._inplace(i, numbers))

    def _inplace(self, i: int, numbers: dict[int, list[int]]) -> list[tuple[int, list[int]]]:
        step = self.lowered.steps[i]
        output = step.outputs[0] if step.outputs else None
        if output not in numbers:
            return []
        if step.joins:
            own: list[list[int]] = []
            for read in step.inputs:
                pieces = self._pieces_of(read)
                own += self._over(read, pieces, numbers) or [[] for _ in pieces]
            if len(own) != len(numbers[output]):
                return []
            return [(out, over) for out, over in zip(numbers[output], own, strict=True) if over and out not in over]
        options: list[dict[int, None]] = [{} for _ in numbers[output]]
        for k in step.inplace:
            for option, found in zip(options, self._over(step.inputs[k], self.pieces[output], numbers), strict=False):
                option.update(dict.fromkeys(found))
        return [(each, list(option)) for each, option in zip(numbers[output], options, strict=True) if option]

    def _over(self, read: int | None, pieces: list[int], numbers: dict[int, list[int]]) -> list[list[int]]:
        """Return for each of these pieces the tensor that stands there for what is read; none where they differ."""
        content = -1 if read is None else self._content(read)
        if content not in numbers or self.pieces[content] != pieces or not sum(pieces):
            return []
        return [[each] for each in numbers[content]]
