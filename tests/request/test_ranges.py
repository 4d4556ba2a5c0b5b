import datetime as dt
import warnings
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.core.errors import InvalidValueError
from dtedask.request import RangeWarning, Request, format_step


def brute_force(first, last, by):
    """Every value from the first towards the last, one addition at a time."""
    by = abs(by) if last >= first else -abs(by)
    found = []
    while (first <= last) if by > 0 else (first >= last):
        found.append(first)
        first += by
    return found


hours = st.integers(0, 360)


@given(hours, hours, st.integers(1, 48))
def test_a_range_of_steps_is_every_step_from_first_to_last(first, last, by):
    request = Request({"step": f"{first}/to/{last}/by/{by}"})
    assert request["step"] == tuple(map(str, brute_force(first, last, by)))


@given(st.integers(0, 600), st.integers(0, 600), st.integers(1, 90))
def test_a_range_of_steps_may_go_by_minutes(first, last, by):
    request = Request({"step": f"{first}m/to/{last}m/by/{by}m"})
    assert request["step"] == tuple(format_step(60 * minutes) for minutes in brute_force(first, last, by))


@given(st.dates(dt.date(1950, 1, 1), dt.date(2050, 1, 1)), st.integers(-400, 400), st.integers(1, 40))
def test_a_range_of_dates_is_every_day_from_first_to_last(first, length, by):
    request = Request({"date": f"{first}/to/{first + dt.timedelta(days=length)}/by/{by}"})
    days = brute_force(0, length, by)
    assert request["date"] == tuple(f"{first + dt.timedelta(days=day):%Y%m%d}" for day in days)


@given(st.integers(0, 1439), st.integers(0, 1439), st.integers(1, 600))
def test_a_range_of_times_is_every_time_from_first_to_last(first, last, by):
    ends = [f"{minute // 60:02d}:{minute % 60:02d}" for minute in (first, last)]
    request = Request({"time": f"{ends[0]}/to/{ends[1]}/by/{by}m"})
    assert request["time"] == tuple(f"{m // 60:02d}{m % 60:02d}" for m in brute_force(first, last, by))


@given(st.integers(0, 400), st.integers(0, 400), st.integers(1, 50))
def test_a_range_of_levels_adds_no_rounding_error(first, last, by):
    request = Request({"levelist": f"{first / 10}/to/{last / 10}/by/{by / 10}"})
    expected = brute_force(Fraction(first, 10), Fraction(last, 10), Fraction(by, 10))
    assert [Fraction(level) for level in request["levelist"]] == expected


def test_months_go_by_months():
    assert Request({"date": "202311/to/202402"})["date"] == ("202311", "202312", "202401", "202402")


def test_intervals_move_as_a_whole():
    assert Request({"step": "0-24/to/48-72/by/24"})["step"] == ("0-24", "24-48", "48-72")


def test_quantiles_go_by_one():
    assert Request({"quantile": "1:5/to/3:5"})["quantile"] == ("1:5", "2:5", "3:5")


def test_ranges_and_values_stand_in_one_list_without_repeats():
    assert Request({"step": "0/to/12/by/6/12/24"})["step"] == ("0", "6", "12", "24")


def test_a_class_may_be_called_to():
    assert Request({"class": "od/to/rd"})["class"] == ("od", "to", "rd")


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("step=0/to/24", ("0", "12", "24")),
        ("time=0/to/18", ("0000", "0600", "1200", "1800")),
        ("date=20240228/to/20240301", ("20240228", "20240229", "20240301")),
        ("levelist=1/to/3", ("1", "2", "3")),
        ("number=1/to/3", ("1", "2", "3")),
    ],
)
def test_a_range_without_by_takes_the_default_of_mars_in_silence_if_it_meets_its_end(text, values):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (found,) = Request.parse(text).values()
    assert found == values


def test_a_default_that_drops_the_named_end_warns_at_the_callers_line():
    with pytest.warns(
        RangeWarning, match=r"step=0/to/2 goes by 12 h, MARS' default, and ends at 0, before 2"
    ) as caught:
        assert Request.parse("step=0/to/2")["step"] == ("0",)
    assert caught[0].filename == __file__


def test_an_increment_that_was_named_may_drop_the_end_in_silence():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Request.parse("step=0/to/10/by/6")["step"] == ("0", "6")


@given(st.lists(st.integers(0, 48), unique=True), st.integers(0, 4))
def test_existing_values_that_a_default_drops_are_exactly_those_inside_and_not_taken(existing, twelves):
    request = Request.parse(f"step=0/to/{12 * twelves}")
    expected = [str(step) for step in existing if step <= 12 * twelves and step % 12]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert request.warn_dropped("step", map(str, existing)) == expected
    assert len(caught) == bool(expected)


def test_a_range_with_by_drops_nothing_that_deserves_a_warning():
    assert Request.parse("step=0/to/24/by/12").warn_dropped("step", ["0", "6"]) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("step=0/to", "lacks a value"),
        ("step=to/6", "lacks a value"),
        ("step=0/to/6/by", "lacks a value"),
        ("step=0/by/6", "lacks a value"),
        ("step=0/to/24/by/0", "never reaches its end"),
        ("step=0/to/24/by/-6", "never reaches its end. Did you mean 'by/6'"),
        ("step=0/to/6-12", "two kinds"),
        ("date=202401/to/20240601", "two kinds"),
        ("step=0/to/24/by/x", "Invalid increment 'x'"),
        ("date=20240101/to/20240102/by/1.5", "Invalid increment '1.5'"),
        ("time=0/to/12/by/90s1", "Invalid increment"),
        ("levelist=0/to/1/by/0.0000001", "over 1,000,000 values"),
        ("stream=oper/to/enfo", "takes no range"),
        ("step=all/to/6", "takes no range"),
    ],
)
def test_a_range_that_means_nothing_is_refused(text, message):
    with pytest.raises(InvalidValueError, match=message):
        Request.parse(text)
