"""What the order of a lowered graph's steps is about, said to the search for good orders."""

from collections.abc import Sequence
from typing import Final

from nnvm.analyses.ordering import Problem, Step, Tensor
from nnvm.analyses.schedule import SOURCES, depth_first, needs
from nnvm.compile.lower import Lowered
from nnvm.compile.plan import Arena, at, nbytes
from nnvm.ir import Graph, Node
from nnvm.runtime.memory import round_up

EFFORT: Final = 20_000
"""Transitions that the search for an order may take unless said: some milliseconds, whatever the graph."""


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

    def done(self) -> Question:
        self._uses()
        numbers: dict[int, list[int]] = {}
        tensors: list[Tensor] = []
        for index in sorted(self.writer.keys() | self.given):
            numbers[index] = []
            for size in self._pieces(index):
                numbers[index].append(len(tensors))
                writers = [self.writer[index]] if index in self.writer else []
                kept, given = index in self.kept, index in self.given
                tensors.append(Tensor(size, writers, self.readers.get(index, ()), given=given, kept=kept))
        steps = [self._step(i, numbers) for i in self.steps]
        nodes = [node for node in self.lowered.nodes if node is not None]
        return Question(Problem(steps, tensors), nodes, self.lowered.graph)

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

    def _size(self, index: int) -> int:
        return round_up(at(nbytes(self.lowered.tensors[index].type), self.binding), self.arena.alignment)

    def _pieces(self, index: int) -> list[int]:
        """Return the sizes of the tensors that stand for one: a joined one is in parts that take over others."""
        i = self.steps[self.writer[index]] if index in self.writer else None
        if i is None or (not self.lowered.steps[i].joins and i not in self.lowered.cuts):
            return [self._size(index)]
        if i in self.lowered.cuts:
            return [0]
        parts = [
            at(nbytes(self.lowered.tensors[read or 0].type), self.binding) for read in self.lowered.steps[i].inputs
        ]
        if any(part % self.arena.alignment for part in parts):
            return [0 if self.relaxed else self._size(index)]
        return parts

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
        reads = [None if read is None else self._content(read) for read in step.inputs]
        if step.joins and len(numbers[output]) == len(step.inputs):
            pairs = zip(numbers[output], reads, strict=True)
            return [
                (piece, self._equal(read, self._pieces(output)[k], numbers)) for k, (piece, read) in enumerate(pairs)
            ]
        size = self._size(output)
        over = [t for k in step.inplace if reads[k] is not None for t in self._equal(reads[k], size, numbers)]
        return [(numbers[output][0], list(dict.fromkeys(over)))] if over and len(numbers[output]) == 1 else []

    def _equal(self, read: int | None, size: int, numbers: dict[int, list[int]]) -> list[int]:
        """Return the tensor that stands for what is read, if it alone does and is of this size."""
        own = numbers.get(read, []) if read is not None else []
        return own if len(own) == 1 and read is not None and self._pieces(read) == [size] and size else []
