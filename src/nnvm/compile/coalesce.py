"""Which tensors can lie inside others: parts in what joins them, runs of elements in what they are cut from."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from nnvm.compile.lower import Lowered, Tensor
from nnvm.compile.plan import Arena, nbytes
from nnvm.ir import equal
from nnvm.ir.dims import Size
from nnvm.runtime.memory import round_up
from nnvm.runtime.parts import Step, item_size

EFFORT: Final = 50_000_000
"""Steps and uses looked at; what is left after them stays where it is."""


class Use(NamedTuple):
    """A step that reads or writes a tensor."""

    step: int
    tensor: int
    writes: bool


def coalesce(lowered: Lowered, binding: Mapping[str, int], alignment: int = 64) -> Lowered:
    """Return the lowered graph with tensors laid inside others wherever the bytes alive, at this binding, grow nowhere.

    An input of a join moves into the output, where nobody writes over it later; a run of elements stays where it is,
    where nobody writes over either while the other is read. The order does not change; a step that has nothing left to
    do is dropped.
    """
    if not lowered.cuts and not any(step.joins for step in lowered.steps):
        return lowered
    work = _Coalescing(lowered, Arena(lowered, binding, alignment))
    for i, step in enumerate(lowered.steps):
        if work.effort > EFFORT:
            break
        if step.joins:
            work.join(i)
        elif i in lowered.cuts:
            work.cut(i)
    return work.done() if work.changed else lowered


class _Coalescing:
    def __init__(self, lowered: Lowered, arena: Arena) -> None:
        self.lowered = lowered
        self.tensors = list(lowered.tensors)
        self.inputs = [list(step.inputs) for step in lowered.steps]
        self.outputs = [list(step.outputs) for step in lowered.steps]
        self.copies: dict[int, list[tuple[int, int]]] = {}
        self.slot: dict[int, tuple[int, int]] = {}
        self.effort = 0
        self.changed = False
        self.size = {
            root: round_up(block.size, arena.alignment) for root, block in zip(arena.roots, arena.blocks, strict=True)
        }
        self.life = {root: (block.lower, block.upper) for root, block in zip(arena.roots, arena.blocks, strict=True)}
        self.live = _profile(self.size, self.life, len(lowered.steps))
        self.members: dict[int, list[int]] = {}
        for index in range(len(self.tensors)):
            self.members.setdefault(self.root(index), []).append(index)
        self.uses: dict[int, list[Use]] = {}
        for i, step in enumerate(lowered.steps):
            for index in dict.fromkeys(read for read in step.inputs if read is not None):
                self.uses.setdefault(self.root(index), []).append(Use(i, index, False))
            for index in step.outputs:
                self.uses.setdefault(self.root(index), []).append(Use(i, index, True))

    def root(self, index: int) -> int:
        root = self.tensors[index].root
        return index if root is None else root

    def join(self, i: int) -> None:
        """Move into the output of a join those inputs that can lie there."""
        output = self.outputs[i][0]
        if self.tensors[output].kind not in ("arena", "output") or self.root(output) != output:
            return
        roots = [self.root(read) for read in self.inputs[i] if read is not None]
        place: Size = 0
        moves: list[tuple[int, Size, int]] = []
        for k, read in enumerate(self.inputs[i]):
            assert read is not None  # a join's parts are all there
            if roots.count(roots[k]) == 1 and self.is_part(i, read, output):
                moves.append((roots[k], place, k))
            place = place + nbytes(self.tensors[read].type)
        self.effort += len(roots) ** 2
        if equal(place, nbytes(self.tensors[output].type)) is not True:
            return  # parts that do not make up the whole: the kernel says so when it runs
        if not moves or not self.gains(output, [root for root, _, _ in moves]):
            return
        for root, at, k in moves:
            moved = self.move(root, output, at, (i, k))
            self.show_later(i, moved, output)

    def is_part(self, i: int, read: int, output: int) -> bool:
        """Say whether an input of a join is a whole root that nobody writes to afterwards, or over while it is read."""
        root, tensor = self.root(read), self.tensors[read]
        whole = self.tensors[root]
        if tensor.kind != "arena" or root == output or tensor.offset != 0 or root not in self.size:
            return False
        if equal(nbytes(whole.type), nbytes(tensor.type)) is not True:
            return False
        if any(self.tensors[each].type.dtype is not tensor.type.dtype for each in self.members[root]):
            return False
        self.effort += len(self.uses[root]) + len(self.members[root])
        if any(use.writes and use.step >= i for use in self.uses[root]):
            return False
        over = next((use.step for use in self.uses[output] if use.writes and use.step > i), None)
        return over is None or self.life[root][1] - 1 < over

    def show_later(self, i: int, moved: Sequence[int], output: int) -> None:
        """Let whoever reads a part after the join look at the output instead."""
        family = set(moved)
        shown: dict[int, int] = {}
        uses = self.uses[output]
        for k, use in enumerate(uses):
            if use.step <= i or use.tensor not in family:
                continue
            if use.tensor not in shown:
                old = self.tensors[use.tensor]
                shown[use.tensor] = self.add(Tensor(old.kind, old.type, old.name, output, output, old.offset))
                self.members[output].append(shown[use.tensor])
            new = shown[use.tensor]
            self.inputs[use.step] = [new if each == use.tensor else each for each in self.inputs[use.step]]
            uses[k] = Use(use.step, new, False)

    def cut(self, i: int) -> None:
        """Let those outputs that are a run of the elements of an input stay there."""
        source = self.inputs[i][0]
        assert source is not None  # it is cut
        if self.tensors[source].kind not in ("arena", "input", "constant"):
            return
        item = item_size(self.tensors[source].type.dtype.name)
        root, begin = self.root(source), self.tensors[source].offset
        places = [begin + start * item for start in self.lowered.cuts[i]]
        fit = [k for k, place in enumerate(places) if self.is_run(i, k, root, place)]
        chosen = fit if fit and self.gains(root, [self.outputs[i][k] for k in fit]) else []
        for k in () if chosen else fit:
            if self.gains(root, [self.outputs[i][k]]):
                chosen.append(k)
                break
        moved = {self.outputs[i][k]: (places[k], k) for k in chosen}
        for output, (place, k) in moved.items():
            self.uses[output] = [use for use in self.uses[output] if use.step != i]
            self.move(output, root, place, (i, k), source)
        if moved:
            self.leave(i, source, moved, places)

    def leave(self, i: int, source: int, moved: Mapping[int, object], places: Sequence[Size]) -> None:
        """Replace a step by copies of those runs that did not stay."""
        copies = []
        for output, place in zip(self.outputs[i], places, strict=True):
            if output not in moved:
                kind, type = self.tensors[source].kind, self.tensors[output].type
                part = Tensor(kind, type, self.tensors[output].name, self.root(source), source, place)
                copies.append((self.add(part), output))
                self.members[self.root(source)].append(copies[-1][0])
        self.copies[i] = copies

    def is_run(self, i: int, k: int, root: int, place: Size) -> bool:
        """Say whether an output can stay in the root it is cut from: nobody spoils either for the other."""
        output = self.outputs[i][k]
        tensor = self.tensors[output]
        if tensor.kind != "arena" or self.root(output) != output:
            return False
        first = next((use.step for use in self.uses[output] if use.writes and use.step > i), None)
        ours = self.tensors[root].kind == "arena" or root in self.lowered.donated
        if first is not None and not ours:
            return False
        last = self.life[output][1] - 1
        self.effort += len(self.uses[root])
        run = (place, nbytes(tensor.type))
        for use in self.uses[root]:
            if use.step <= i or not self.overlap(run, (i, k), use.tensor):
                continue
            if (use.writes and use.step <= last) or (first is not None and use.step >= first):
                return False
        return True

    def overlap(self, run: tuple[Size, Size], slot: tuple[int, int], other: int) -> bool:
        """Say whether a tensor may have bytes in a run; parts of one whole never do."""
        its = self.slot.get(other)
        if its is not None and its[0] == slot[0] and its[1] != slot[1]:
            return False
        begin, size = self.tensors[other].offset, nbytes(self.tensors[other].type)
        here, there = (run[0], run[0] + run[1]), (begin, begin + size)
        if not all(isinstance(each, int) for each in (*here, *there)):
            return True
        return bool(here[0] < there[1] and there[0] < here[1])  # type: ignore[operator]

    def gains(self, into: int, roots: Sequence[int]) -> bool:
        """Say whether the most bytes alive around some roots would not grow if they lay in another; if so, lay them."""
        lives = [self.life[root] for root in (*([into] if into in self.life else ()), *roots)]
        lower, upper = min(first for first, _ in lives), max(last for _, last in lives)
        before = self.live[lower:upper]
        after = [live + self.size.get(into, 0) for live in before]
        for root in (into, *roots):
            first, last = self.life.get(root, (lower, lower))
            size = self.size.get(root, 0)
            after[first - lower : last - lower] = [live - size for live in after[first - lower : last - lower]]
        self.effort += len(before) * (len(roots) + 2)
        if max(after) > max(before):
            return False
        self.live[lower:upper] = after
        if into in self.life:
            self.life[into] = lower, upper
        return True

    def move(self, root: int, into: int, place: Size, slot: tuple[int, int], shown: int | None = None) -> list[int]:
        """Lay a root and all that lies in it into another; return all that moved."""
        moved = self.members.pop(root)
        kind = self.tensors[into].kind
        for index in moved:
            old = self.tensors[index]
            looks_at = shown if index == root else old.shown
            self.tensors[index] = Tensor(kind, old.type, old.name, into, looks_at, old.offset + place)
            self.slot[index] = slot
        self.members[into] += moved
        self.uses[into] = sorted([*self.uses.get(into, ()), *self.uses.pop(root)], key=lambda use: use.step)
        self.effort += len(moved) + len(self.uses[into])
        self.life.pop(root)
        self.size.pop(root)
        self.changed = True
        return moved

    def add(self, tensor: Tensor) -> int:
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def done(self) -> Lowered:
        """Return the steps over the tensors as they lie now."""
        old, new = self.lowered, Lowered(self.lowered.graph)
        new.tensors = self.tensors
        new.constants, new.inputs, new.outputs = old.constants, old.inputs, old.outputs
        new.donated, new.terms, new.moves = old.donated, old.terms, old.moves
        for i, step in enumerate(old.steps):
            if i in old.could_overwrite and i not in self.copies:
                new.could_overwrite.add(len(new.steps))
            made = [step.on(self.inputs[i], self.outputs[i], step.scratch, step.waits)]
            if i in self.copies:
                made = [Step(old.moves, [part], [whole], name=step.name) for part, whole in self.copies[i]]
            for each in made:
                new.append(each)
                new.nodes.append(old.nodes[i])
        return new


def _profile(size: Mapping[int, int], life: Mapping[int, tuple[int, int]], steps: int) -> list[int]:
    """Return the bytes alive at each step."""
    changes = [0] * (steps + 1)
    for root, (lower, upper) in life.items():
        changes[lower] += size[root]
        changes[upper] -= size[root]
    live, profile = 0, []
    for change in changes[:-1]:
        live += change
        profile.append(live)
    return profile
