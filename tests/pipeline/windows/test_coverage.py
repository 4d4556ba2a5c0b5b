"""What fields cover of a window, against the fields that a longer run would have had."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dtedask.pipeline.windows import ENDLESS, Coverage, Times, Window, coverage


def inside(window, times, is_forward):
    return [
        time
        for time in times
        if (window.start < time <= window.end if is_forward else window.start <= time < window.end)
    ]


@given(
    window=st.builds(lambda start, length: Window(start, start + length), st.integers(0, 50), st.integers(1, 40)),
    distance=st.integers(1, 12),
    first=st.integers(0, 40),
    count=st.integers(1, 60),
    is_forward=st.booleans(),
)
def test_a_window_is_partial_where_a_longer_run_would_have_more_fields(window, distance, first, count, is_forward):
    series = [first + distance * place for place in range(count)]
    longer = [first + distance * place for place in range(-100, 200)]
    came, wanted = inside(window, series, is_forward), inside(window, longer, is_forward)
    assume(came)
    times = Times(came[0], came[-1], distance, distance, begins=came[0] == series[0], ends=came[-1] == series[-1])
    covered = coverage(window, times, is_forward=is_forward)
    assert covered.partial == (came != wanted)
    assert inside(Window(covered.start, covered.end), wanted, is_forward) == came
    assert window.start <= covered.start <= covered.end <= window.end


@pytest.mark.parametrize("is_forward", [True, False])
def test_one_field_of_which_nothing_else_is_known_never_fills_a_window(is_forward):
    times = Times(12, 12, begins=True, ends=True)
    assert coverage(Window(0, 24), times, is_forward=is_forward) == Coverage(12, 12, partial=True)


def test_nothing_is_before_the_reference_time_of_a_forecast():
    times = Times(13, 24, 1, 1, reference=12, begins=True)
    assert coverage(Window(0, 24), times, is_forward=True) == Coverage(12, 24, partial=True)


@pytest.mark.parametrize(
    ("is_forward", "reference", "distance", "start", "end"),
    [
        (True, 0, 6, 0, 48),
        (True, None, 6, 0, 48),
        (True, 3, 6, 3, 48),
        (True, None, None, 6, 48),
        (False, None, 6, 6, 54),
    ],
)
def test_a_whole_run_goes_from_its_first_field_to_its_last(is_forward, reference, distance, start, end):
    times = Times(6, 48, distance, distance, reference, begins=True, ends=True)
    assert coverage(Window(5, ENDLESS), times, is_forward=is_forward) == Coverage(start, end, partial=False)
