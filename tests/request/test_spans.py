"""Statistics over months: how keys say them, and when they begin and end."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.request import canonical_value, format_step, interval_of_months, span_months, whole_months


def months_later(year, month, months):
    for _ in range(months):
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    return datetime(year, month, 1, tzinfo=UTC)


@given(st.integers(1582, 2600), st.integers(1, 12), st.integers(1, 30))
def test_months_begin_at_the_reference_time_or_end_at_the_step(year, month, months):
    first, after = datetime(year, month, 1, tzinfo=UTC), months_later(year, month, months)
    keys = {"date": f"{first:%Y%m%d}".rjust(8, "0"), "time": "0000"}
    length = round((after - first).total_seconds())
    assert interval_of_months(keys, months) == (0, length)
    assert interval_of_months({**keys, "step": format_step(length)}, months) == (0, length)
    earlier = first - timedelta(days=5)
    begun = {"date": f"{earlier:%Y%m%d}", "time": "0000", "step": format_step(length + 5 * 86400)}
    assert interval_of_months(begun, months) == (5 * 86400, length + 5 * 86400)


@pytest.mark.parametrize(
    ("keys", "months"),
    [
        ({"timespan": "month"}, 1),
        ({"timespan": "3months"}, 3),
        ({"timespan": "season"}, 3),
        ({"timespan": "2years"}, 24),
        ({"timespan": "24h", "stattype": "moav_damx"}, 1),
        ({"timespan": "24h", "stattype": "seav"}, 3),
        ({"timespan": "24h", "stattype": "damx"}, None),
        ({"timespan": "24h", "stattype": "sdiff"}, None),
        ({"timespan": "24h", "stattype": "sd"}, None),
        ({"stattype": "max"}, None),
        ({"timespan": "744h"}, None),
        ({}, None),
    ],
)
def test_keys_say_over_how_many_months_a_statistic_is(keys, months):
    assert span_months(keys) == months


@pytest.mark.parametrize(
    ("text", "canonical"), [("MONTH", "month"), ("1month", "month"), ("3month", "3months"), ("2years", "2years"),
                            ("season", "season"), ("360m", "6h")],
)  # fmt: skip
def test_a_timespan_may_be_a_matter_of_the_calendar(text, canonical):
    assert canonical_value("timespan", text) == canonical


def test_a_month_by_its_length_alone_is_none_of_the_calendar():
    """ecCodes calls anything from 28 to 31 days a month."""
    keys = {"date": "20240604", "time": "1200", "timespan": "month", "step": "744"}
    assert whole_months(keys, (0, 744 * 3600)) is None
    assert whole_months({**keys, "step": "720"}, (0, 720 * 3600)) == 1
