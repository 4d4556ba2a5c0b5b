"""Whole runs against numpy: windows are walked one by one, and each takes the fields whose times lie in it."""

import calendar
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.request import parse_step
from tests.pipeline.statistics.runs import analyses, at_step, forecast, run, statistics

NUMPY = {"average": np.mean, "maximum": np.max, "minimum": np.min, "stddev": np.std, "accumulate": np.sum}
LENGTHS = {"6h": 6, "5h": 5, "1d": 24, "2d": 48, "1m": None}


@st.composite
def runs(draw):
    """Reference time, distance of the fields in seconds, and which multiples of it there are."""
    reference = datetime(2023, 12, 27, tzinfo=UTC) + timedelta(hours=draw(st.integers(0, 24 * 70)))
    distance = draw(st.sampled_from([900, 3600, 3600, 10800, 21600]))
    first, count = draw(st.integers(0, 60)), draw(st.integers(1, 150))
    gaps = draw(st.sets(st.integers(first, first + count), max_size=4))
    return reference, distance, [step for step in range(first, first + count) if step not in gaps] or [first]


def windows(reference, frequency):
    """All windows of a run in seconds after its reference time, from the one that it begins in."""
    start = reference.replace(day=1, hour=0) if frequency == "1m" else reference
    start = start.replace(hour=0) if frequency.endswith("d") else start
    start -= timedelta(hours=LENGTHS[frequency] or 0)
    while True:
        hours = LENGTHS[frequency] or 24 * calendar.monthrange(start.year, start.month)[1]
        end = start + timedelta(hours=hours)
        yield tuple(round((moment - reference).total_seconds()) for moment in (start, end))
        start = end


def expected(reference, distance, steps, frequency, is_forward):
    """Times of the fields of each window, and whether it is whole."""
    times = [step * distance for step in steps]
    times = [time for time in times if time > 0] if is_forward else times
    for start, end in windows(reference, frequency):
        if not times or start > times[-1]:
            return
        held = lambda time, start=start, end=end: start + is_forward <= time < end + is_forward  # noqa: E731
        inside = [time for time in times if held(time)]
        if inside:
            before = range(times[0] - distance, max(start, 0) - 1, -distance)
            after = range(times[-1] + distance, end + 1, distance)
            is_whole = start >= 0 and not any(held(time) and time >= is_forward for time in (*before, *after))
            yield end, inside, is_whole


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(runs(), st.sampled_from(sorted(LENGTHS)), st.booleans(), st.booleans())
def test_results_are_those_of_numpy_over_the_fields_of_each_window(drawn, frequency, is_forward, partial):
    reference, distance, steps = drawn
    details = {"window-type": "forward-offset" if is_forward else "backward-offset", "time-step": distance}
    action = statistics(NUMPY, frequency, details=details, partial=partial)
    moment = {"date": f"{reference:%Y%m%d}", "time": f"{reference:%H%M}"}
    fields = [at_step(step * distance, param=param, **moment) for step in steps for param in ("167", "165")]
    found = run(action, fields)
    wanted = [one for one in expected(reference, distance, steps, frequency, is_forward) if partial or one[2]]
    of_windows = [found[place : place + len(NUMPY)] for place in range(0, len(found), len(NUMPY))]
    for param in ("167", "165"):
        values = {parse_step(one.keys["step"]).end_s: one.values for one in fields if one.keys["param"] == param}
        groups = [group for group in of_windows if group[-1].keys["param"] == param]  # a sum keeps its parameter
        for (end, inside, is_whole), group in zip(wanted, groups, strict=True):
            stack = np.stack([values[time] for time in inside])
            for result, operation in zip(group, NUMPY.values(), strict=True):
                np.testing.assert_allclose(result.values, operation(stack, axis=0), rtol=1e-11, atol=1e-13)
                assert (result.keys["fields"], result.keys["partial"]) == (len(inside), not is_whole)
                assert parse_step(result.keys["step"]).end_s == end or not is_whole


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(st.integers(2, 5), st.integers(1, 90), st.booleans(), st.booleans())
def test_rolling_windows_hold_the_fields_of_their_whole_length(together, count, is_forward, partial):
    details = {"window-type": "forward-offset" if is_forward else "backward-offset", "time-step": 3600}
    action = statistics(
        ["average", "maximum"], "6h", window_length=f"{6 * together}h", details=details, partial=partial
    )
    fields = forecast(range(count))
    found = run(action, fields)
    ends = [
        end for end in range(6, count + 6, 6) if partial or (end >= 6 * together and end < count + (not is_forward))
    ]
    held = {end: range(max(end - 6 * together, 0) + is_forward, min(end + is_forward, count)) for end in ends}
    ends = [end for end in ends if any(step > end - 6 - (not is_forward) for step in held[end])]
    assert len(found) == 2 * len(ends)
    for end, mean, highest in zip(ends, found[::2], found[1::2], strict=True):
        stack = np.stack([fields[step].values for step in held[end]])
        np.testing.assert_allclose(mean.values, stack.mean(axis=0), rtol=1e-11, atol=1e-13)
        np.testing.assert_array_equal(highest.values, stack.max(axis=0))
        assert highest.keys["fields"] == len(stack)


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(st.integers(0, 50), st.sampled_from([1, 3, 6]), st.sampled_from([[0, 6], [12], [0, 3, 6, 9]]), st.booleans())
def test_hours_of_the_day_are_taken_apart_over_months(day, distance, hours, is_forward):
    start = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=day)
    details = {"window-type": "forward-offset" if is_forward else "backward-offset", "time-step": distance * 3600}
    fields = analyses(start, 24 // distance * 100, distance)
    found = run(statistics(["average"], "1m", by_hour_of_day=hours, details=details), fields)
    months = {}
    for place, one in enumerate(fields):
        moment = start + place * timedelta(hours=distance)
        inside = moment - timedelta(seconds=is_forward)
        months.setdefault(f"{inside:%Y%m}", []).append((moment, one.values))
    whole = {
        month: held
        for month, held in months.items()
        if len(held) == calendar.monthrange(int(month[:4]), int(month[4:]))[1] * 24 // distance
    }
    told = {(one.keys["date"], one.keys["time"]): one.values for one in found}
    assert len(told) == len(found)
    wanted = {
        (f"{month}01", f"{hour:02d}00"): np.mean([values for moment, values in held if moment.hour == hour], axis=0)
        for month, held in whole.items()
        for hour in hours
        if hour % distance == 0
    }
    assert told.keys() == wanted.keys()
    for place, values in wanted.items():
        np.testing.assert_allclose(told[place], values, rtol=1e-11, atol=1e-13)
