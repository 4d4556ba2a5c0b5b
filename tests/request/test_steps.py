import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.core.errors import InvalidValueError
from dtedask.request import Step, format_step, parse_step

seconds = st.integers(-(10**7), 10**7)


@given(seconds)
def test_a_printed_step_is_read_back(value):
    assert parse_step(format_step(value)) == Step(None, value)


@given(st.tuples(seconds, seconds).map(sorted).filter(lambda pair: pair[0] != pair[1]))
def test_a_printed_interval_is_read_back(pair):
    start, end = pair
    assert parse_step(format_step(end, start)) == Step(start, end)


@given(st.integers(0, 500), st.integers(0, 59), st.integers(0, 59))
def test_hours_minutes_and_seconds_add_up(hours, minutes, second):
    assert parse_step(f"{hours}h{minutes}m{second}s").end_s == hours * 3600 + minutes * 60 + second


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("6", "6"),
        ("06", "6"),
        ("60m", "1"),
        ("0m", "0"),
        ("90m", "90m"),
        ("1h30m", "90m"),
        ("1H30M", "90m"),
        ("1d", "24"),
        ("90s", "90s"),
        ("120s", "2m"),
        ("0-24", "0-24"),
        ("0m-60m", "0-1"),
        ("30m-1", "30m-1"),
        ("12-12", "12"),
    ],
)
def test_a_step_has_one_canonical_form(written, canonical):
    step = parse_step(written)
    assert format_step(step.end_s, step.start_s) == canonical


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("abc", "A step is hours"),
        ("6hours", "Did you mean '6'"),
        ("24-0", "Did you mean '0-24'"),
        ("1.5", "Did you mean '1'"),
        ("", "A step is hours"),
        ("0-6-12", "Did you mean '0'"),
    ],
)
def test_an_impossible_step_is_refused_with_a_hint(written, hint):
    with pytest.raises(InvalidValueError, match="key 'step'") as caught:
        parse_step(written)
    assert hint in caught.value.hint
