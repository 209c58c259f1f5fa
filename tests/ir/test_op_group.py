"""Groups: members share entries, whoever comes first, and nothing is contradicted in silence."""

from collections.abc import Callable
from copy import deepcopy
from itertools import permutations

import pytest
from tests.ir.operators import add, mul, neg, relu, tanh

from nnvm.errors import Error
from nnvm.ir import OpAttr, OpGroup


def test_members_share_whether_they_join_before_or_after() -> None:
    column: OpAttr[int] = OpAttr("a number")
    group = OpGroup("unary").add(relu)
    column[group] = 1
    assert group.add(tanh) is group
    assert (column[relu], column[tanh], column.get(neg), neg in column) == (1, 1, None, False)
    assert list(column) == list(group) == [relu, tanh]
    assert (relu in group, neg in group, repr(group)) == (True, False, "<group unary of 2 operators>")
    assert deepcopy(group) is group
    group.add(relu)
    assert column[relu] == 1


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_an_own_entry_wins_in_any_order(order: tuple[int, ...]) -> None:
    column: OpAttr[int] = OpAttr("a number")
    group = OpGroup("unary").add(tanh)
    steps: list[Callable[[], object]] = [
        lambda: group.add(relu),
        lambda: column.__setitem__(group, 1),
        lambda: column.__setitem__(relu, 2),
    ]
    for i in order:
        steps[i]()
    assert (column[relu], column[tanh]) == (2, 1)
    with pytest.raises(Error, match=r"relu has an entry for 'a number' already"):
        column[relu] = 3


@pytest.mark.parametrize("order", list(permutations(range(4))))
@pytest.mark.parametrize("own", [False, True])
def test_two_groups_that_contradict_are_refused_in_any_order(order: tuple[int, ...], own: bool) -> None:
    column: OpAttr[int] = OpAttr("a number")
    one, two = OpGroup("one"), OpGroup("two")
    steps: list[Callable[[], object]] = [
        lambda: one.add(relu),
        lambda: two.add(relu),
        lambda: column.__setitem__(one, 1),
        lambda: column.__setitem__(two, 2),
    ]
    if own:
        column[relu] = 3
    for i in order[:-1]:
        steps[i]()
    before = column.get(relu)
    told = (
        r"relu is in two groups with entries for 'a number': (one|two) \(from tests\.ir\.test_op_group\) and (one|two)"
    )
    with pytest.raises(Error, match=told):
        steps[order[-1]]()
    assert column.get(relu) == before


def test_the_same_entry_from_two_groups_contradicts_nothing() -> None:
    column: OpAttr[bool] = OpAttr("yes or no")
    one, two = OpGroup("one").add(relu), OpGroup("two").add(relu)
    column[one] = column[two] = True
    assert column[relu] is True
    with pytest.raises(Error, match="relu is in two groups"):
        column.override(one, False)
    assert column[relu] is True


def test_a_refused_member_joins_no_column() -> None:
    first: OpAttr[int] = OpAttr("first")
    second: OpAttr[int] = OpAttr("second")
    one, two = OpGroup("one").add(relu), OpGroup("two")
    second[one] = 1
    first[two] = second[two] = 2
    with pytest.raises(Error, match="in two groups"):
        two.add(add, relu)
    assert (relu in two, add in two, relu in first, add in first) == (False, False, False, False)


def test_a_group_is_filled_once_and_overridden_knowingly() -> None:
    column: OpAttr[int] = OpAttr("a number")
    group = OpGroup("arithmetic").add(add, mul)
    column(group)(1)
    with pytest.raises(Error, match=r"arithmetic has an entry for 'a number' already, from tests\.ir\.test_op_group"):
        column[group] = 2
    column.override(mul, 5)
    column.override(group, 3)
    assert (column[add], column[mul]) == (3, 5)
    column.override(add, 7)
    column.override(group, 8)
    assert (column[add], column[mul]) == (7, 5)
