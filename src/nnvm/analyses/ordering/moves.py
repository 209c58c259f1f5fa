"""What can run after a set of steps, with sets of steps as bits of one integer."""

from collections.abc import Iterable, Sequence
from typing import Final

from nnvm.analyses.ordering.absorb import absorb
from nnvm.analyses.ordering.patient import patient
from nnvm.analyses.ordering.problem import Problem

Run = tuple[int, int]
"""Patient steps that run one after the other as they are numbered, and the step that runs after them."""

State = tuple[int, int, int]
"""The steps that ran, the bytes alive after them, the steps that can run next once patient ones have run."""

Choice = tuple[int, int, Run]
"""What a run holds at most beyond what is alive, what it leaves beyond it, and the run."""


class Moves:
    """The runs that can come after a set of steps, and what they hold.

    Steps that run as one with a follower are not asked about: `members` are what runs with a step, `bits` their set. A
    patient step runs together with a step that needs it, or with one that is the last to touch what it touches too;
    where it runs, nothing dies. Else it is as good to run it later.
    """

    __slots__ = (
        *("after", "before", "bits", "full", "inplace", "members", "multiple", "need", "new", "patient", "start"),
        "touched",
    )

    def __init__(self, problem: Problem) -> None:
        tensors, masks = problem.tensors, [mask_of(touching) for touching in problem.touchers]
        self.full: Final = (1 << len(problem)) - 1
        absorbed = absorb(problem)
        self.members: Final = [own or [] for own in absorbed]
        self.bits: Final = [mask_of(own) for own in self.members]
        waits = patient(problem, absorbed)
        self.patient: Final = mask_of(step for step, may in enumerate(waits) if may)
        self.need: Final[list[int]] = []
        self.before: Final[list[int]] = []
        self.after: Final[list[list[int]]] = [[] for _ in self.members]
        self._relate(problem, waits)
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
        self.start: Final[State] = (0, problem.base + sum(alive), ready)

    def _relate(self, problem: Problem, waits: Sequence[bool]) -> None:
        """Find the impatient steps that each needs, straight or through patient ones, and those patient ones."""
        last = {step: into for into, own in enumerate(self.members) for step in own}
        through: list[tuple[int, ...]] = []
        for s, own in enumerate(self.members):
            needs = dict.fromkeys(last[need] for step in own for need in problem.before[step] if last[need] != s)
            direct = dict.fromkeys(each for other in needs for each in (through[other] if waits[other] else (other,)))
            before = 0
            for other in needs:
                before |= self.before[other] | 1 << other if waits[other] else 0
            self.before.append(before)
            self.need.append(mask_of(step for other in direct for step in self.members[other]))
            through.append(tuple(direct) if waits[s] else ())
            for other in direct:
                self.after[other].append(s)

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

    def runs(self, ran: int, ready: int, room: int, most: int) -> list[Choice]:
        """Return the runs that hold less than `most`, or the first that fits in the room and leaves no more alive.

        By that one nothing is lost: all that can come after a set of steps can come after it as well.
        """
        found: list[Choice] = []
        waiting = ready & self.patient
        left = ready
        while left:
            low = left & -left
            left ^= low
            step = low.bit_length() - 1
            before = self.before[step] & ~ran
            if not before:
                during, change = self.price(ran, step)
                if during == change > 0 and low & waiting:
                    continue
            else:
                held = self._together(ran, before, step)
                if held is None:
                    continue
                during, change = held
            if during >= most:
                continue
            if change <= 0 and during <= room:
                return [(during, change, (before, step))]
            found.append((during, change, (before, step)))
        if waiting:
            for step in bits_of(ready):
                found += self._with_others(ran, step, waiting, most)
            if waiting == self.full & ~ran and (rest := self._in_turn(ran, waiting))[0] < most:
                found.append(rest)
        return found

    def _with_others(self, ran: int, step: int, waiting: int, most: int) -> list[Choice]:
        """Return runs of a step and others before it that touch what it touches, so that it is the last to do so."""
        before = self.before[step] & ~ran
        blocks = [before]
        for _, touchers in self.touched[step]:
            others = touchers & ~(ran | before | 1 << step)
            if others and not others & ~waiting:
                wanted = self._with_needs(ran, others)
                blocks += [block | wanted for block in blocks if block | wanted not in blocks]
        found = []
        for block in blocks[1:]:
            held = None if block >> step & 1 else self._together(ran, block, step)
            if held is not None and held[0] < most:
                found.append((*held, (block, step)))
        return found

    def _with_needs(self, ran: int, steps: int) -> int:
        found = steps
        for step in bits_of(steps):
            found |= self.before[step]
        return found & ~ran

    def _together(self, ran: int, block: int, step: int) -> tuple[int, int] | None:
        """Return what patient steps hold and leave with a step after them, None where another run does as well."""
        total = 0
        now = ran | block
        for other in bits_of(block):
            for _, touchers in self.touched[other]:
                if touchers & now == touchers:
                    return None
            total += self.new[other][0]
        during, change = self.price(now, step)
        if during == change > 0 and self.patient >> step & 1:
            return None
        return total + max(during, 0), total + change

    def _in_turn(self, ran: int, steps: int) -> Choice:
        """Return the run of all the steps that are left, as they are numbered."""
        most = total = 0
        for step in bits_of(steps):
            during, change = self._price(ran, step)
            most = max(most, total + during)
            total += change
            ran |= 1 << step
        last = steps.bit_length() - 1
        return most, total, (steps ^ 1 << last, last)

    def ready(self, ran: int, ready: int, run: Run) -> int:
        """Return the steps that can run once a run has, `ran` with it, out of those that could before."""
        block, step = run
        ready &= ~(block | 1 << step)
        for user in self.after[step]:
            need = self.need[user]
            if need & ran == need:
                ready |= 1 << user
        return ready

    def steps(self, run: Run) -> list[int]:
        """Return the steps of a run in their order."""
        return [*bits_of(run[0]), *self.members[run[1]]]

    def set_of(self, run: Run) -> int:
        """Return the set of steps of a run."""
        return run[0] | self.bits[run[1]]


def mask_of(numbers: Iterable[int]) -> int:
    """Return the set of numbers as bits of one integer."""
    mask = 0
    for number in numbers:
        mask |= 1 << number
    return mask


def bits_of(mask: int) -> list[int]:
    """Return the numbers of a set, least first."""
    found = []
    while mask:
        low = mask & -mask
        mask ^= low
        found.append(low.bit_length() - 1)
    return found
