"""Hills, valleys, and how parts are merged by them."""

from tests.analyses.ordering.problems import branches, fewest

from nnvm.analyses.ordering import peak
from nnvm.analyses.ordering.trees import Segment, canonical, flat, interleave, relative


def line(*ends: tuple[int, int]) -> list[Segment]:
    return [Segment(hill, valley, i) for i, (hill, valley) in enumerate(ends)]


def shown(segments: list[Segment]) -> list[tuple[int, int, list[int]]]:
    return [(segment.hill, segment.valley, flat([segment])) for segment in segments]


def test_what_can_wait_and_what_can_run_at_once_loses_its_break():
    assert shown(canonical(line((3, 2), (9, 4)))) == [(9, 4, [0, 1])]
    assert shown(canonical(line((9, 4), (5, 3)))) == [(9, 3, [0, 1])]


def test_ever_lower_hills_over_ever_higher_valleys_keep_theirs():
    assert shown(canonical(line((9, 1), (5, 2), (4, 3)))) == [(9, 1, [0]), (5, 2, [1]), (4, 3, [2])]
    assert shown(canonical(line((1, -3), (2, -5)))) == [(1, -3, [0]), (2, -5, [1])]
    assert canonical([]) == []


def test_parts_go_down_before_they_go_up():
    down, up = line((2, -5)), line((9, 1), (5, 2))
    merged = interleave([up, down])
    assert merged == [down[0], up[0], up[1]]
    assert [(each.hill, each.valley) for each in relative([up, down], merged)] == [(2, -5), (4, -4), (0, -3)]


def test_the_highest_hill_over_its_valley_goes_first():
    first, second = line((9, 1), (3, 2)), line((6, 5))
    assert interleave([second, first]) == [first[0], second[0], first[1]]


def test_a_long_rope_is_flat_without_recursion():
    assert flat(canonical([Segment(1, 0, i) for i in range(50_000)])) == list(range(50_000))


def test_merged_branches_are_the_best():
    problem = branches((9, 2, 4, 1), (7, 1, 6, 3), (5, 1))
    parts = []
    for first, sizes in ((0, (9, 2, 4, 1)), (4, (7, 1, 6, 3)), (8, (5, 1))):
        before = (0, *sizes)
        parts.append(canonical([Segment(before[i] + size, size, first + i) for i, size in enumerate(sizes)]))
    assert peak(problem, [*flat(interleave(parts)), 10]) == fewest(problem)
