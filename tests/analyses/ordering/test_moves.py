"""What can run after a set of steps, and what it holds."""

from tests.analyses.ordering.problems import branches

from nnvm.analyses.ordering import Problem, Step, Tensor
from nnvm.analyses.ordering.moves import Moves, bits_of, mask_of

FAR = 10**9


def test_steps_that_run_as_one_have_one_price():
    moves = Moves(branches((1, 5), (1, 5)))
    assert moves.members[1] == [0, 1]
    assert moves.price(0, 1) == (6, 5)
    assert moves.bits[1] == mask_of([0, 1])


def test_sets_are_bits():
    assert bits_of(mask_of([9, 0, 70])) == [0, 9, 70]
    assert (mask_of([]), bits_of(0)) == (0, [])


def added() -> Problem:
    """Return the sum of two tensors that are read again, and what is made of it."""
    steps = [Step(), Step(), Step(inplace=[(2, [0, 1])]), Step(workspace=3), Step()]
    return Problem(steps, [Tensor(4, [0], [2, 4]), Tensor(4, [1], [2, 4]), Tensor(4, [2], [3]), Tensor(4, [3], [4])])


def test_a_patient_step_runs_with_the_one_that_needs_it():
    moves = Moves(added())
    assert bits_of(moves.patient) == [0, 1, 2]
    ran, live, ready = moves.start
    assert (ran, live, bits_of(ready)) == (0, 0, [0, 1, 2, 3])
    assert moves.runs(ran, ready, FAR, FAR) == [(19, 12, (mask_of([0, 1, 2]), 3))]
    run = moves.runs(ran, ready, FAR, FAR)[0][2]
    assert moves.steps(run) == [0, 1, 2, 3]
    now = moves.set_of(run)
    assert bits_of(moves.ready(now, ready, run)) == [4]


def test_patient_steps_run_with_the_last_that_touches_the_same():
    steps = [Step(), *(Step(inplace=[(1 + i, [0])]) for i in range(2)), Step(), Step()]
    tensors = [Tensor(4, [0], [1, 2]), Tensor(4, [1], [3]), Tensor(4, [2], [4])]
    moves = Moves(Problem(steps, tensors))
    found = {run for _, _, run in moves.runs(1, moves.start[2] & ~1, -1, FAR)}
    assert (mask_of([1]), 2) in found
    assert (mask_of([2]), 1) in found


def test_what_leaves_no_more_alive_comes_alone():
    given = [Tensor(5, [], [i], given=True) for i in range(2)]
    moves = Moves(Problem([Step(), Step(), Step()], [*given, *(Tensor(1, [i], [2]) for i in range(2))]))
    assert moves.start[:2] == (0, 10)
    ready = moves.start[2]
    assert moves.runs(0, ready, 1, FAR) == [(1, -4, (0, 0))]
    assert moves.runs(0, ready, 0, FAR) == [(1, -4, (0, 0)), (1, -4, (0, 1))]
    assert moves.runs(0, ready, 0, 1) == []


def test_the_rest_runs_as_it_is_numbered():
    kept = [Tensor(4, [i], kept=True) for i in range(3)]
    moves = Moves(Problem([Step() for _ in range(3)], kept))
    assert moves.runs(*moves.start[::2], FAR, FAR) == [(12, 12, (mask_of([0, 1]), 2))]
    assert moves.runs(*moves.start[::2], FAR, 13) == [(12, 12, (mask_of([0, 1]), 2))]
    assert moves.runs(*moves.start[::2], FAR, 12) == []
