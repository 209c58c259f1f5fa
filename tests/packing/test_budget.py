"""Steps that are left, and a clock."""

from nnvm.packing.budget import Budget


def test_steps_run_out_once_and_for_all():
    budget = Budget(10)
    assert budget.affords(10)
    budget.spend(8)
    assert not budget.cut
    assert not budget.affords(3)
    assert budget.cut
    assert not budget.affords(1)
    assert budget.remaining() is None


def test_the_clock_is_a_cap():
    times = iter([100.0, 101.0, 104.0, 105.0, 107.0, 109.0])
    budget = Budget(seconds=5.0, clock=lambda: next(times))
    assert budget.seconds == 1.0
    assert budget.remaining() == 1.0
    assert budget.affords(1 << 40) is False  # it is 105 now
    assert budget.cut
    assert budget.remaining() == 0.0


def test_what_looks_at_no_clock_needs_its_time():
    budget = Budget(seconds=2.0, clock=lambda: 0.0)
    assert budget.affords(3_000_000)
    assert budget.affords(2_000_000, whole=True)
    assert not budget.affords(2_000_001, whole=True)
    assert budget.cut
