"""Windows against dates that are walked one by one: leap years, ends of months, the years 1582 to 2600."""

import calendar
import pickle
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.core.errors import InvalidValueError
from dtedask.pipeline.windows import Frequency, Tumbling, Window, parse_frequency
from dtedask.pipeline.windows.tumbling import month_of, month_start

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
moments = st.integers(-12_244_089_600, 19_912_435_199).map(lambda second: EPOCH + timedelta(seconds=second))
frequencies = st.one_of(
    st.builds(Frequency, st.integers(1, 100), st.just("hour")),
    st.builds(Frequency, st.integers(1, 40), st.just("day")),
    st.builds(Frequency, st.integers(1, 30), st.just("month")),
    st.just(Frequency(1, "season")),
    st.builds(Frequency, st.integers(1, 12), st.just("year")),
)
offsets = st.sampled_from(["forward-offset", "backward-offset"])


def seconds(moment):
    return int((moment - EPOCH).total_seconds())


def later(moment, frequency, count=1):
    """So many windows later, month by month."""
    if frequency.unit in ("hour", "day"):
        return moment + count * frequency.count * timedelta(**{f"{frequency.unit}s": 1})
    for _ in range(count * frequency.count * {"month": 1, "season": 3, "year": 12}[frequency.unit]):
        moment += timedelta(days=calendar.monthrange(moment.year, moment.month)[1])
    return moment


def beginning(moment, unit):
    day = moment.replace(hour=0, minute=0, second=0)
    if unit == "season":
        while day.day != 1 or day.month not in (12, 3, 6, 9):
            day -= timedelta(days=1)
    floors = {"hour": moment.replace(minute=0, second=0), "day": day, "month": day.replace(day=1), "season": day}
    return floors[unit] if unit != "year" else day.replace(day=1, month=1)


def holds(start, end, moment, offset):
    return start < moment <= end if offset == "forward-offset" else start <= moment < end


@settings(max_examples=300)
@given(moments, frequencies, offsets, st.integers(0, 40), st.floats(0, 1))
def test_a_time_is_in_the_window_that_walking_from_the_beginning_finds(anchor, frequency, offset, count, share):
    start = beginning(anchor, frequency.unit)
    for _ in range(count % (40 // max(1, (frequency.months or 1) // 6) + 1)):
        start = later(start, frequency)
    end = later(start, frequency)
    moment = start + timedelta(seconds=round(share * (end - start).total_seconds()))
    if not holds(start, end, moment, offset):
        moment = end if offset == "forward-offset" else start
    windows = Tumbling(frequency, offset)
    origin = windows.origin(seconds(anchor))
    assert windows.window_of(seconds(moment), origin) == Window(seconds(start), seconds(end))


@given(moments, moments, frequencies, offsets)
def test_windows_follow_each_other_without_gap_or_overlap(anchor, moment, frequency, offset):
    windows, time = Tumbling(frequency, offset), seconds(moment)
    origin = windows.origin(seconds(anchor))
    window = windows.window_of(time, origin)
    after = windows.following(window, origin)
    assert holds(window.start, window.end, time, offset)
    assert after.start == window.end
    assert windows.back(after, 1) == window.start
    assert windows.window_of(window.end, origin) == (window if windows.is_forward else after)
    assert windows.window_of(window.start + windows.is_forward, origin) == window


@given(st.integers(1582, 2600), st.integers(1, 12), st.integers(0, 86399))
def test_months_are_those_of_the_calendar(year, month, rest):
    start = seconds(datetime(year, month, 1, tzinfo=UTC))
    number = (year - 1970) * 12 + month - 1
    assert month_start(number) == start
    last_day = calendar.monthrange(year, month)[1] - 1
    assert month_of(start + last_day * 86400 + rest) == number


@pytest.mark.parametrize(
    ("month", "first", "last"), [(1, "2023-12", "2024-03"), (4, "2024-03", "2024-06"), (12, "2024-12", "2025-03")]
)
def test_winter_goes_from_december_to_february(month, first, last):
    windows = Tumbling(parse_frequency("season"))
    time = seconds(datetime(2024, month, 15, tzinfo=UTC))
    assert str(windows.window_of(time, windows.origin(time))) == f"{first}-01 00:00 to {last}-01 00:00"


@pytest.mark.parametrize(
    ("text", "read"),
    [("6h", "6 hours"), ("1hour", "1 hour"), ("10d", "10 days"), ("1m", "1 month"), ("season", "1 season"),
     ("2y", "2 years"), ("run", "run"), ("day", "1 day")],
)  # fmt: skip
def test_frequencies_are_read_as_multio_writes_them_and_ours(text, read):
    assert str(parse_frequency(text)) == read


@pytest.mark.parametrize("text", ["0h", "6", "h6", "1w", "2run", "", "-1d", "1.5h", "d", "m", "6H", "2season"])
def test_what_is_no_frequency_is_refused_with_the_forms(text):
    with pytest.raises(InvalidValueError, match=r"Invalid value '.*' of 'output-frequency'\. It is such as '6h'"):
        parse_frequency(text)


def test_a_run_is_one_window_without_an_end():
    windows = Tumbling(parse_frequency("run"))
    assert windows.window_of(10**11, 0).is_endless
    assert pickle.loads(pickle.dumps(windows)) == windows
