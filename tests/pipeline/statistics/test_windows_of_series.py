"""Which fields belong together, when results go out, and what is an error."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from dtedask.core.errors import DocumentError, FieldError
from dtedask.pipeline import Message
from dtedask.pipeline.compute import Eager
from tests.pipeline.fields import field
from tests.pipeline.statistics.runs import analyses, at_step, forecast, run, statistics

BACKWARD = {"window-type": "backward-offset"}


def given_by(action, messages):
    """How many results each message gives."""
    state = action.start()
    return [sum(out.is_field for out in action.handle(message, state, Eager())) for message in messages]


def steps(found):
    return [one.keys["step"] for one in found]


def test_a_forward_window_is_given_by_the_field_at_its_end():
    assert given_by(statistics(frequency="6h"), forecast(range(14))) == [*[0] * 6, 1, *[0] * 5, 1, 0]


def test_a_backward_window_is_given_by_the_last_field_that_fits():
    counts = given_by(statistics(frequency="6h", details=BACKWARD), forecast(range(0, 24, 3)))
    assert counts == [0, 1, 0, 1, 0, 1, 0, 1]


def test_the_key_of_a_model_says_the_time_step():
    fields = forecast(range(0, 12, 6), timeStep=21600)
    assert given_by(statistics(frequency="6h", details=BACKWARD), fields) == [1, 1]


def test_a_window_that_nothing_closed_is_closed_by_a_later_field():
    assert given_by(statistics(frequency="6h"), forecast([1, 5, 7, 25])) == [0, 0, 1, 1]


def test_the_first_field_alone_at_the_end_of_a_window_waits_for_the_next():
    daily, hourly = forecast([24, 48, 72]), forecast([24, 25, 26])
    assert given_by(statistics(), daily) == [0, 2, 1]
    assert given_by(statistics(), hourly) == [0, 0, 0]
    assert given_by(statistics(details={"time-step": 86400}), daily) == [1, 1, 1]


def test_runs_side_by_side_are_series_of_their_own():
    fields = [
        one for step in range(25) for date in ("20240601", "20240602") for one in [at_step(3600 * step, date=date)]
    ]
    assert [one.keys["date"] for one in run(statistics(), fields)] == ["20240601", "20240602"]


def test_analyses_are_one_series_along_their_dates():
    found = run(statistics(details=BACKWARD), analyses(datetime(2024, 2, 28, tzinfo=UTC), 8, 6))
    assert [(one.keys["date"], one.keys["step"]) for one in found] == [("20240228", "24"), ("20240229", "24")]


def test_a_time_axis_of_dates_joins_runs():
    fields = [at_step(3600 * step, date=date) for date in ("20240601", "20240602") for step in range(1, 25)]
    found = run(statistics(frequency="2d", time_axis="date"), fields)
    assert [(one.keys["date"], one.keys["fields"]) for one in found] == [("20240601", 48)]


def test_a_climate_run_with_moving_dates_runs_along_them():
    fields = [field(np.full((3, 4), day), stream="clte", date=f"202402{day:02d}") for day in range(1, 30)]
    (found,) = run(statistics(frequency="1m", details={**BACKWARD, "time-step": 86400}), fields)
    assert (found.keys["date"], "step" in found.keys, found.values[0, 0]) == ("20240201", False, 15)


def test_the_initial_condition_of_dates_is_what_differences_count_from():
    fields = analyses(datetime(2024, 1, 1, tzinfo=UTC), 9, 6)
    found = run(statistics(["difference"], details={"initial-condition-present": True}), fields)
    np.testing.assert_array_equal(found[0].values, fields[4].values - fields[0].values)
    np.testing.assert_array_equal(found[1].values, fields[8].values - fields[4].values)


def test_a_difference_from_a_time_without_a_field_is_missing():
    found = run(statistics(["difference"], "6h"), forecast([0, 6, 7, 20, 24, 30]))
    missing = [bool(np.isnan(one.values).all()) for one in found]
    assert (steps(found), missing) == (["6", "12", "24", "30"], [False, False, True, False])


@pytest.mark.parametrize(("reset", "counts_from"), [("day", 0), ("never", 24)])
def test_accumulations_count_from_zero_where_the_model_resets_them(reset, counts_from):
    fields = [field(np.full((3, 4), float(step)), step=str(step)) for step in range(49)]
    details = {"solver-reset-accumulate-fields-every": reset}
    found = run(statistics(["de-accumulate", "difference"], details=details), fields)
    assert [one.values[0, 0] for one in found[2:]] == [48 - counts_from, 24]


def test_partial_windows_are_left_out_or_marked():
    fields = forecast(range(1, 51), time="1200")
    assert steps(run(statistics(), fields)) == ["36"]
    found = run(statistics(partial=True), fields)
    told = [(one.keys["step"], one.keys["timespan"], one.keys["partial"], one.keys["fields"]) for one in found]
    assert told == [("12", "12h", True, 12), ("36", "24h", False, 24), ("50", "14h", True, 14)]


def test_a_flush_asks_for_what_is_in_open_windows_and_leaves_them_open():
    action, fields = statistics(["average"]), forecast(range(1, 25))
    ask = Message.flush("partial-statistics")
    first, second = run(action, [*fields[:10], ask, *fields[10:]])
    np.testing.assert_allclose(first.values, np.mean([one.values for one in fields[:10]], axis=0), rtol=1e-12)
    assert (first.keys["partial"], first.keys["timespan"], second.keys["fields"]) == (True, "10h", 24)
    assert second.values.tobytes() == run(action, fields)[0].values.tobytes()


def test_a_field_of_a_window_that_is_given_already_is_late():
    fields = [*forecast([0, 3], timeStep=10800), *forecast([4], timeStep=10800)]
    with pytest.raises(FieldError, match=r"field of 2024-06-01 04:00 comes after that of 2024-06-01 03:00, and"):
        run(statistics(frequency="6h", details=BACKWARD), fields)


def test_the_end_of_the_simulation_comes_once():
    action = statistics(partial=True)
    state = action.start()
    kinds = ["last-step", "end-of-simulation", "close-connection"]
    messages = [*forecast(range(1, 11)), *(Message.flush(kind) for kind in kinds)]
    counts = [sum(out.is_field for out in action.handle(message, state, Eager())) for message in messages]
    assert counts[-3:] == [1, 0, 0]


@pytest.mark.parametrize(
    ("options", "message"),
    [({"frequency": "6"}, "invalid value '6'"), ({"window_length": "5h"}, "no multiple of output-frequency"),
     ({"by_hour_of_day": [24]}, "from 0 to 23"), ({"details": {"value-count-threshold": 0}}, "from 1, or -1 for all"),
     ({"operations": ["difference"], "by_hour_of_day": True}, "not by hour of the day"),
     ({"details": {"window-type": "sideways"}}, "forward-offset")],
)  # fmt: skip
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises((ValueError, DocumentError), match=message):
        statistics(**options)


def test_memory_is_that_of_the_windows_and_not_of_the_fields():
    action, size = statistics(["average", "maximum"]), 8 * 12
    state = action.start()
    for message in forecast(range(24 * 40)):
        list(action.handle(message, state, Eager()))
    held = sum(array.nbytes for array in action.save(state).arrays.values())
    assert held <= action.memory_bytes(1, size) == 4 * size


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "average over windows (start, end] of 1 day"),
        ({"frequency": "5h"}, "average over windows (start, end] of 5 hours; which begin at another hour each day"),
        (
            {"frequency": "6h", "window_length": "1d", "details": BACKWARD},
            "average over windows [start, end) of 1 day; in steps of 6 hours",
        ),
        (
            {"frequency": "1m", "by_hour_of_day": [0, 12], "partial": True},
            "average over windows (start, end] of 1 month; apart for each hour of the day 0, 12; partial windows too",
        ),
    ],
)
def test_a_plan_explains_its_windows(options, said):
    assert statistics(**options).explain() == said


def test_a_stream_of_many_runs_keeps_the_size_of_its_state():
    action = statistics(["average", "difference"])
    state, sizes = action.start(), []
    for day in range(60):
        date = f"{datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=day):%Y%m%d}"
        for message in forecast(range(0, 49, 6), date=date):
            list(action.handle(message, state, Eager()))
        sizes.append(len(state.series))
    assert max(sizes) == max(sizes[:20]) < 15
    late = forecast([54, 60, 66, 72], date="20240101")
    (mean, difference) = [out for one in late for out in action.handle(one, state, Eager()) if out.is_field]
    np.testing.assert_allclose(mean.values, np.mean([one.values for one in late], axis=0))
    assert np.isnan(difference.values).all()


def test_encoded_fields_are_refused_with_what_to_do():
    encoded = forecast([1])[0].replaced(values=None, data=b"GRIB")
    with pytest.raises(FieldError, match=r"is encoded, and has no values\. Put 'statistics' before 'encode'"):
        run(statistics(), [encoded])
