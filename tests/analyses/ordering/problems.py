"""Small problems of order, drawn at random, and the best of all their orders, found by trying each."""

from collections.abc import Iterator
from random import Random

from hypothesis import strategies as st

from nnvm.analyses.ordering import Problem, Step, Tensor, peak
from nnvm.analyses.ordering.problem import admit


class Growing:
    """A problem in the making, one step after the other."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.sizes: list[int] = []
        self.writers: list[list[int]] = []
        self.readers: list[list[int]] = []
        self.flags: list[dict[str, bool]] = []
        self.steps: list[Step] = []

    def tensor(self, size: int, writers: list[int], **flags: bool) -> int:
        self.sizes.append(size)
        self.writers.append(writers)
        self.readers.append([])
        self.flags.append(flags)
        return len(self.sizes) - 1

    def step(self, most: int) -> None:
        random, number = self.random, len(self.steps)
        reads = random.sample(range(len(self.sizes)), min(random.choice((0, 1, 1, 1, 2, 2, 3)), len(self.sizes)))
        for t in reads:
            self.readers[t].append(number)
        inplace = []
        for _ in range(random.choice((0, 1, 1, 1, 1, 2))):
            size = self.sizes[random.choice(reads)] if reads and random.random() < 0.5 else random.randint(0, most)
            made = self.tensor(size, [number], kept=random.random() < 0.1)
            over = [t for t in reads if self.sizes[t] == size]
            if over and random.random() < 0.6:
                inplace.append((made, over))
        before = [random.randrange(number)] if number and random.random() < 0.1 else []
        self.steps.append(Step(before, workspace=random.choice((0, 0, 0, 1, 3)), inplace=inplace))

    def second_writer(self) -> None:
        """Let a later step fill another part of a tensor, before anyone reads it."""
        taken = {out for step in self.steps for out, _ in step.inplace}
        t = self.random.randrange(len(self.sizes))
        first = min(self.readers[t], default=len(self.steps))
        if t in taken or not self.writers[t] or self.writers[t][0] + 1 >= first:
            return
        self.writers[t].append(self.random.randrange(self.writers[t][0] + 1, first))

    def problem(self) -> Problem:
        rows = zip(self.sizes, self.writers, self.readers, self.flags, strict=True)
        tensors = [Tensor(size, writers, readers, **flags) for size, writers, readers, flags in rows]
        admit(self.steps, tensors)
        return Problem(self.steps, tensors, base=self.random.choice((0, 0, 3)))


def problem_of(seed: int, steps: int, *, most: int = 5) -> Problem:
    """Return the problem of a seed: shared and kept tensors, workspaces, in place, parts of one buffer."""
    growing = Growing(Random(seed))
    if growing.random.random() < 0.4:
        growing.tensor(growing.random.randint(1, 4), [], given=True, kept=growing.random.random() < 0.3)
    for _ in range(steps):
        growing.step(most)
    if growing.sizes and growing.random.random() < 0.3:
        growing.second_writer()
    return growing.problem()


@st.composite
def problems(draw: st.DrawFn, most: int = 7) -> Problem:
    """Draw a small problem."""
    return problem_of(draw(st.integers(0, 2**32)), draw(st.integers(0, most)))


def orders(problem: Problem) -> Iterator[list[int]]:
    """Yield every order in which the steps can run."""
    stack: list[list[int]] = [[]]
    while stack:
        order = stack.pop()
        if len(order) == len(problem):
            yield order
            continue
        done = set(order)
        ready = (step for step in range(len(problem)) if step not in done and done.issuperset(problem.before[step]))
        stack += [[*order, step] for step in ready]


def fewest(problem: Problem) -> int:
    """Return the bytes that the best of all orders holds."""
    return min(peak(problem, order) for order in orders(problem))


def is_order(problem: Problem, order: list[int] | tuple[int, ...]) -> bool:
    """Tell whether each step runs once, after what it needs."""
    place = {step: i for i, step in enumerate(order)}
    return sorted(order) == list(range(len(problem))) and all(
        place[need] < place[step] for step in order for need in problem.before[step]
    )


def branches(*rows: tuple[int, ...]) -> Problem:
    """Return chains side by side: each row gives the sizes that its steps make; a last step reads what is left."""
    steps: list[Step] = []
    tensors: list[Tensor] = []
    ends = []
    for row in rows:
        for i, size in enumerate(row):
            number = len(steps)
            steps.append(Step([number - 1] if i else []))
            tensors.append(Tensor(size, [number], [number + 1] if i + 1 < len(row) else [sum(map(len, rows))]))
        ends.append(len(steps) - 1)
    steps.append(Step(ends))
    return Problem(steps, tensors)
