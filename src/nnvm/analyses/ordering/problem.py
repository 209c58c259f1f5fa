"""What the ordering of steps is about: which steps touch which tensors, and the bytes an order holds at each step."""

from collections.abc import Iterable, Sequence
from typing import Final

from nnvm.errors import Error

Pairs = tuple[tuple[int, tuple[int, ...]], ...]


class Tensor:
    """Bytes that live from the first step that writes them to the last one that touches them.

    Several writers fill one buffer, part by part; views of a buffer are the buffer. A `given` tensor lives before the
    first step, a `kept` one after the last. What lies outside the arena is left out, or has size 0.
    """

    __slots__ = ("given", "kept", "readers", "size", "writers")

    def __init__(
        self,
        size: int,
        writers: Iterable[int] = (),
        readers: Iterable[int] = (),
        *,
        given: bool = False,
        kept: bool = False,
    ) -> None:
        self.size: Final = size
        self.writers: Final = tuple(dict.fromkeys(writers))
        self.readers: Final = tuple(dict.fromkeys(readers))
        self.given: Final = given
        self.kept: Final = kept

    def __repr__(self) -> str:
        flags = "".join(f", {name}=True" for name in ("given", "kept") if getattr(self, name))
        return f"Tensor({self.size}, {self.writers}, {self.readers}{flags})"


class Step:
    """What must run before a step, the bytes it needs only while it runs, and what it can do in place.

    `inplace` pairs a tensor that the step writes with those, best first, whose bytes it may take over where the step is
    the last to touch them; accumulating into an input is the same thing.
    """

    __slots__ = ("before", "inplace", "workspace")

    def __init__(
        self, before: Iterable[int] = (), *, workspace: int = 0, inplace: Iterable[tuple[int, Iterable[int]]] = ()
    ) -> None:
        self.before: Final = tuple(dict.fromkeys(before))
        self.workspace: Final = workspace
        self.inplace: Final[Pairs] = tuple((out, tuple(over)) for out, over in inplace)

    def __repr__(self) -> str:
        return f"Step({self.before}, workspace={self.workspace}, inplace={self.inplace})"


class Problem:
    """Steps, numbered in an order in which they can run: the given one; their tensors; `base` bytes beside them.

    `before` and `after` hold, for each step, its direct neighbours, what its tensors ask for included; `touches` and
    `writes` its tensors.
    """

    __slots__ = ("after", "base", "before", "steps", "tensors", "touchers", "touches", "writes")

    def __init__(self, steps: Iterable[Step], tensors: Iterable[Tensor], *, base: int = 0) -> None:
        self.steps: Final = tuple(steps)
        self.tensors: Final = tuple(tensors)
        self.base: Final = base
        before = [dict.fromkeys(step.before) for step in self.steps]
        touches: list[list[int]] = [[] for _ in self.steps]
        writes: list[list[int]] = [[] for _ in self.steps]
        touchers = []
        for t, tensor in enumerate(self.tensors):
            touching = tuple(dict.fromkeys((*tensor.writers, *tensor.readers)))
            touchers.append(touching)
            for step in touching:
                touches[step].append(t)
            for step in tensor.writers:
                writes[step].append(t)
            for step in tensor.readers:
                if step not in tensor.writers:
                    before[step].update(dict.fromkeys(tensor.writers))
        after: list[list[int]] = [[] for _ in self.steps]
        for step, needs in enumerate(before):
            for need in needs:
                after[need].append(step)
        self.before: Final = tuple(map(tuple, before))
        self.after: Final = tuple(map(tuple, after))
        self.touchers: Final = tuple(touchers)
        self.touches: Final = tuple(map(tuple, touches))
        self.writes: Final = tuple(map(tuple, writes))

    def __len__(self) -> int:
        return len(self.steps)

    def __repr__(self) -> str:
        return f"<Problem of {len(self.steps)} steps, {len(self.tensors)} tensors>"


def admit(steps: Sequence[Step], tensors: Sequence[Tensor]) -> None:
    """Raise Error for sizes below 0, numbers of what is not there, a step listed before its needs, a false in-place."""
    for t, tensor in enumerate(tensors):
        if tensor.size < 0:
            raise Error(f"tensor {t} has {tensor.size} bytes")
        wrong = next((step for step in (*tensor.writers, *tensor.readers) if not 0 <= step < len(steps)), None)
        if wrong is not None:
            raise Error(f"tensor {t} is touched by step {wrong}; there are steps 0 to {len(steps) - 1}")
        first = min((step for step in tensor.readers if step not in tensor.writers), default=len(steps))
        if tensor.writers and max(tensor.writers) > first:
            raise Error(
                f"step {first} reads tensor {t} before step {max(tensor.writers)} writes it; list writers first"
            )
        if not tensor.writers and not tensor.given and tensor.readers:
            raise Error(f"tensor {t} is read and neither written nor given")
    for s, step in enumerate(steps):
        if step.workspace < 0:
            raise Error(f"step {s} has a workspace of {step.workspace} bytes")
        late = next((need for need in step.before if not 0 <= need < s), None)
        if late is not None:
            raise Error(f"step {s} needs step {late}; steps are listed in an order in which they can run")
        for out, over in step.inplace:
            _admit_inplace(tensors, s, out, over)


def _admit_inplace(tensors: Sequence[Tensor], step: int, out: int, over: Sequence[int]) -> None:
    for t in (out, *over):
        if not 0 <= t < len(tensors):
            raise Error(f"step {step} works in place on tensor {t}; there are {len(tensors)}")
    if tensors[out].writers != (step,) or tensors[out].given:
        raise Error(f"step {step} cannot take bytes over for tensor {out}: it is not the only one to write it")
    for t in over:
        if step not in tensors[t].readers or step in tensors[t].writers:
            raise Error(f"step {step} cannot write over tensor {t}: it does not read it, or writes it too")
        if tensors[t].size != tensors[out].size:
            raise Error(
                f"step {step} cannot write tensor {out} of {tensors[out].size} bytes over tensor {t} of "
                f"{tensors[t].size}: in place is for equal sizes"
            )


class Ledger:
    """The bytes alive after the steps that have run, one step after the other."""

    __slots__ = ("alive", "left", "live", "problem", "remaining")

    def __init__(self, problem: Problem) -> None:
        self.problem: Final = problem
        self.left: Final = [len(touching) for touching in problem.touchers]
        self.remaining: Final = [_xor(touching) for touching in problem.touchers]
        self.alive: Final = [
            tensor.given and (tensor.kept or left > 0) for tensor, left in zip(problem.tensors, self.left, strict=True)
        ]
        given = (tensor.size for tensor, alive in zip(problem.tensors, self.alive, strict=True) if alive)
        self.live = problem.base + sum(given)

    def price(self, step: int) -> tuple[int, int]:
        """Return the bytes that a step would hold beyond those alive now, while it runs and once it is done."""
        problem, left, alive = self.problem, self.left, self.alive
        tensors = problem.tensors
        change = sum(tensors[t].size for t in problem.writes[step] if not alive[t])
        during = change + problem.steps[step].workspace
        for t in problem.touches[step]:
            if left[t] == 1 and not tensors[t].kept:
                change -= tensors[t].size
        taken: list[int] = []
        for out, over in problem.steps[step].inplace:
            found = next((t for t in over if left[t] == 1 and not tensors[t].kept and t not in taken), None)
            if found is not None:
                taken.append(found)
                during -= tensors[out].size
        return during, change

    def run(self, step: int) -> tuple[int, int]:
        """Run a step; return the bytes alive while it ran and after it."""
        during, change = self.price(step)
        problem = self.problem
        for t in problem.writes[step]:
            self.alive[t] = True
        for t in problem.touches[step]:
            self.left[t] -= 1
            self.remaining[t] ^= step
        during += self.live
        self.live += change
        return during, self.live


def _xor(numbers: Iterable[int]) -> int:
    found = 0
    for number in numbers:
        found ^= number
    return found


def profile(problem: Problem, order: Iterable[int]) -> list[tuple[int, int]]:
    """Return the bytes alive while each step runs and right after it, in this order."""
    ledger = Ledger(problem)
    return [ledger.run(step) for step in order]


def peak(problem: Problem, order: Iterable[int]) -> int:
    """Return the most bytes alive at once in this order."""
    ledger = Ledger(problem)
    return max((ledger.run(step)[0] for step in order), default=ledger.live)
