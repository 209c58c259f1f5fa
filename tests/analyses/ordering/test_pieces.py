"""Where every order passes, and what a piece knows of the rest."""

from hypothesis import given
from hypothesis import strategies as st
from tests.analyses.ordering.problems import branches, problem_of, problems

from nnvm.analyses.ordering import Problem, Step, Tensor, peak, profile
from nnvm.analyses.ordering.pieces import cuts, part, reversed_problem, shape


def diamond(count: int = 1) -> Problem:
    """Return diamonds one after the other, each with an edge past one side."""
    steps, tensors = [Step()], []
    for i in range(count):
        first = 3 * i
        steps += [Step([first]), Step([first]), Step([first + 1, first + 2, first])]
        tensors.append(Tensor(4, [first], [first + 1, first + 2, first + 3]))
    return Problem(steps, tensors)


def test_steps_that_all_others_follow_or_precede_are_cuts():
    assert cuts(diamond(2)) == [(0, 1), (1, 3), (3, 4), (4, 6), (6, 7)]


def test_loose_ends_are_no_cuts():
    assert cuts(Problem([Step(), Step(), Step([0])], [])) == [(0, 3)]
    assert cuts(Problem([Step(), Step([0]), Step([0])], [])) == [(0, 1), (1, 3)]
    assert cuts(Problem([], [])) == []


@given(problems(), st.data())
def test_law_a_part_holds_what_the_whole_holds_there(problem, data):
    first = data.draw(st.integers(0, max(len(problem) - 1, 0)))
    end = data.draw(st.integers(first, len(problem)))
    if first == end:
        return
    held = profile(problem, range(len(problem)))
    live = held[first - 1][1] if first else peak(problem, ())
    inner = part(problem, range(first, end), range(len(problem)), live)
    assert profile(inner, range(end - first)) == held[first:end]


def test_equal_pieces_have_equal_shapes():
    whole = diamond(2)
    held = profile(whole, range(7))
    first, second = (part(whole, range(i, i + 2), range(7), held[i - 1][1]) for i in (1, 4))
    assert shape(first) == shape(second)
    assert shape(first) != shape(part(whole, range(1, 4), range(7), held[0][1]))


@given(st.integers(0, 2**32))
def test_law_time_runs_backwards(seed):
    problem = problem_of(seed, 6)
    if any(len(tensor.writers) > 1 for tensor in problem.tensors) or any(step.inplace for step in problem.steps):
        return
    turned = reversed_problem(problem)
    held = [during for during, _ in profile(problem, range(6))]
    assert [during for during, _ in profile(turned, range(6))] == held[::-1]


def test_in_place_turns_round_where_one_step_reads():
    problem = Problem([Step(), Step(inplace=[(1, [0])])], [Tensor(3, [0], [1]), Tensor(3, [1], kept=True)])
    assert reversed_problem(problem).steps[0].inplace == ((0, (1,)),)
    assert branches((1, 2)).steps[-1].before == (1,)
