import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnvm.backends.numpy.kernels.windows import Axis, axes, reach, taps


@given(
    st.integers(1, 9),
    st.integers(1, 9),
    st.integers(1, 4),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(0, 4),
    st.data(),
)
def test_a_tap_reads_what_is_inside(size, out, window, stride, dilation, begin, data):
    axis = Axis(size, out, window, stride, dilation, begin, 0)
    start = data.draw(st.integers(0, out - 1))
    part = slice(start, data.draw(st.integers(start + 1, out)))
    for tap in range(window):
        found = reach(axis, tap, part)
        places = [place * stride + tap * dilation - begin for place in range(part.start, part.stop)]
        inside = [index for index, place in enumerate(places) if 0 <= place < size]
        assert list(range(out))[found.taken] == inside
        assert list(range(size))[found.source] == [places[index] for index in inside]
        assert found.short == (len(inside) < len(places))


def test_taps_go_through_the_window_last_axis_fastest():
    plan = axes((5, 5), (4, 4), (2, 2), (1, 1), (0, 0, 0, 0), (1, 1))
    assert [tap for tap, _ in taps(plan, (slice(0, 4), slice(0, 4)))] == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_ranks_must_agree():
    with pytest.raises(ValueError, match="rank 2"):
        axes((5, 5), (4, 4), (2, 2), (1, 1), (0, 0), (1, 1))
