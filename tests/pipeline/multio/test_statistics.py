"""Statistics of the real MultIO and ours, of the same fields: the same numbers, windows and moments."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.pipeline.multio import ours
from tests.pipeline.multio.real import MultioError, mars_metadata, metadata

EPS = np.finfo(float).eps
FROM_START = ("difference", "inverse-difference", "de-accumulate", "fixed-window-flux-average")


def statistics(operation, frequency, **options):
    operations = operation if isinstance(operation, list) else [operation]
    return [{"type": "statistics", "operations": operations, "output-frequency": frequency, "options": options}]


def calls_of(values, *, start=1, time_step_s=3600, **keys):
    steps = range(start, start + len(values))
    return [
        ("field", metadata(step, time_step_s=time_step_s, **keys), one) for step, one in zip(steps, values, strict=True)
    ]


def both(multio, actions, calls, **further):
    """(theirs, ours): the same number of fields, at the same moments, of the same windows."""
    theirs = multio.run(actions, calls).fields
    mine = ours.run([{**actions[0], **further}], calls)
    assert [out.after for out in theirs] == [number + 1 for number, _ in mine]
    assert [window_of_multio(out.keys) for out in theirs] == [window_of_ours(out) for _, out in mine]
    return [out.values for out in theirs], [out.values for _, out in mine]


def window_of_multio(keys):
    times = (f"{keys[name]:06d}" for name in ("previousTime", "currentTime"))
    return str(keys["previousDate"]), *times, str(keys["currentDate"]), keys["startStepInHours"], keys["endStepInHours"]


def window_of_ours(message):
    keys = message.keys
    names = ("previousDate", "previousTime", "currentTime", "currentDate", "startStepInHours", "endStepInHours")
    return tuple(keys[name] for name in names)


numbers = st.floats(-1e9, 1e9) | st.floats(-1e-9, 1e-9)
fields = st.integers(6, 30).flatmap(lambda count: arrays(float, (count, 5), elements=numbers))
frequencies = st.sampled_from(["1h", "3h", "6h", "12h", "1d"])


@pytest.mark.parametrize("operation", ["minimum", "instant", "accumulate"])
@settings(max_examples=6)
@given(values=fields, frequency=frequencies)
def test_minimum_instant_and_sum_are_those_of_multio_to_the_last_bit(multio, operation, values, frequency):
    theirs, mine = both(multio, statistics(operation, frequency), calls_of(values))
    np.testing.assert_array_equal(mine, theirs)


@settings(max_examples=6)
@given(values=fields, frequency=frequencies)
def test_maximum_is_that_of_multio_where_a_value_is_positive(multio, values, frequency):
    theirs, mine = both(multio, statistics("maximum", frequency), calls_of(np.abs(values) + 1e-12))
    np.testing.assert_array_equal(mine, theirs)


@settings(max_examples=6)
@given(values=fields, frequency=frequencies)
def test_average_is_that_of_multio_within_the_rounding_of_its_running_mean(multio, values, frequency):
    theirs, mine = both(multio, statistics("average", frequency), calls_of(values))
    # Each of its updates m * (n - 1) / n + x / n rounds three times; ours adds up and divides once.
    np.testing.assert_allclose(mine, theirs, rtol=0, atol=3 * len(values) * EPS * np.abs(values).max())


@pytest.mark.parametrize("operation", ["difference", "inverse-difference", "de-accumulate"])
@settings(max_examples=6)
@given(values=fields, frequency=frequencies)
def test_differences_from_the_field_at_the_start_are_those_of_multio_to_the_last_bit(
    multio, operation, values, frequency
):
    options = {"initial-condition-present": True, "solver-reset-accumulate-fields-every": "never"}
    theirs, mine = both(multio, statistics(operation, frequency, **options), calls_of(values, start=0))
    np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("reset", ["hour", "day", "month", "year", "never"])
def test_accumulations_start_anew_where_the_model_resets_them_as_in_multio(multio, reset):
    values = np.random.default_rng(1).uniform(0, 9, (49, 6))
    options = {"initial-condition-present": True, "solver-reset-accumulate-fields-every": reset}
    for start in ({"date": 20240531, "startDate": 20240531}, {"date": 20231231, "startDate": 20231231}):
        calls = calls_of(values, start=0, **start)
        theirs, mine = both(multio, statistics("de-accumulate", "12h", **options), calls)
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("operation", ["flux-average", "fixed-window-flux-average"])
@settings(max_examples=6)
@given(values=fields, frequency=frequencies)
def test_flux_averages_are_those_of_multio_within_one_rounding(multio, operation, values, frequency):
    options = {"initial-condition-present": True, "solver-reset-accumulate-fields-every": "never"}
    theirs, mine = both(multio, statistics(operation, frequency, **options), calls_of(values, start=0))
    # It multiplies by 1 / seconds, which is rounded; ours divides.
    np.testing.assert_allclose(mine, theirs, rtol=3 * EPS, atol=1e-300)


WINDOWS = [("6h", 3, 1), ("1d", 4, 3), ("2d", 7, 6), ("1m", 70, 24)]


def days_of(days, hours, date):
    values = np.arange(days * 24 // hours + 1, dtype=float)[:, None] * np.ones(2)
    return values, calls_of(values, start=0, time_step_s=3600 * hours, date=date, startDate=date)


@pytest.mark.parametrize(("frequency", "days", "hours"), WINDOWS)
@pytest.mark.parametrize("date", [20240601, 20240130])
def test_windows_that_hold_their_end_open_and_close_with_those_of_multio(multio, frequency, days, hours, date):
    _, calls = days_of(days, hours, date)
    actions = statistics(["accumulate", "instant"], frequency, **{"initial-condition-present": True})
    # Of a month that had begun before the first field MultIO gives what there is; ours does where that is asked for.
    theirs, mine = both(multio, actions, calls, partial=True)
    assert len(mine) >= 4
    np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize(("frequency", "days", "hours"), WINDOWS)
def test_windows_that_hold_their_start_do_so_also_after_the_first_one(multio, frequency, days, hours):
    """MultIO's `statistics` leaves out the field at the start of every later window: it takes it for a repeat."""
    values, calls = days_of(days, hours, 20240601)
    options = {"window-type": "backward-offset", "initial-condition-present": True}
    theirs, mine = both(multio, statistics(["accumulate", "instant"], frequency, **options), calls)
    sums = [one[0] for one in mine[::2]]
    lasts = [int(one[0]) for one in mine[1::2]]
    firsts = [0, *(last + 1 for last in lasts)]
    assert sums == [sum(values[first : last + 1, 0]) for first, last in zip(firsts, lasts, strict=False)]
    np.testing.assert_array_equal(mine[:2], theirs[:2])
    np.testing.assert_array_equal(mine[1::2], theirs[1::2])


START = ("flush", {"flushKind": "first-step", "date": 20240601, "time": 0, "step": 0})


def of_mtg2(operations, **options):
    return [{"type": "statistics-mtg2", "operations": operations, "output-frequency": "1d", "options": options}]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["forward-offset", "backward-offset"])
def test_the_newer_statistics_give_the_numbers_and_parameters_of_ours(multio, kind):
    values = np.random.default_rng(6).standard_normal((73, 2000)) * 10.0 ** np.random.default_rng(7).integers(
        -9, 9, 2000
    )
    calls = [START, *(("field", mars_metadata(step, size=2000), one) for step, one in enumerate(values))]
    end = ("flush", {"flushKind": "last-step", "date": 20240601, "time": 0, "step": 72})
    operations = ["stddev", "average", "minimum", "maximum"]
    actions = of_mtg2(operations, **{"window-type": kind})
    theirs = multio.run(actions, [*calls, end]).fields
    mine = [out for _, out in ours.run(actions, calls)]
    assert len(mine) == len(theirs) == 3 * 4
    first = 1 if kind == "forward-offset" else 0
    for number, (out, other) in enumerate(zip(mine, theirs, strict=True)):
        assert (out.keys["param"], out.keys["timespan"]) == (str(other.keys["param"]), f"{other.keys['timespan']}h")
        window = values[first + number // 4 * 24 :][:24]
        bound = 72 * EPS * np.abs(window).max(0)
        if operations[number % 4] == "stddev":
            assert (np.abs(out.values**2 - other.values**2) <= 3 * bound * np.abs(window).max(0)).all()
        elif operations[number % 4] == "average":
            assert (np.abs(out.values - other.values) <= bound).all()
        else:
            np.testing.assert_array_equal(out.values, other.values)


@pytest.mark.slow
def test_missing_points_count_as_in_multio(multio):
    values = np.random.default_rng(3).uniform(1, 9, (12, 40))
    values[np.random.default_rng(4).random(values.shape) < 0.2] = 1e20
    keys = {"missingValue": 1e20, "bitmapPresent": True}
    for operation in ("average", "minimum", "maximum", "accumulate"):
        for options in ({}, {"value-count-threshold": 1}, {"value-count-threshold": 5}):
            theirs, mine = both(multio, statistics(operation, "6h", **options), calls_of(values, **keys))
            expected = np.where(np.array(theirs) == 1e20, np.nan, theirs)
            np.testing.assert_allclose(mine, expected, rtol=40 * EPS)


@pytest.mark.parametrize("operation", FROM_START)
def test_multio_refuses_what_ours_counts_from_the_first_field(multio, operation):
    """Without the field at the start there is none to count from: MultIO says so; ours takes the model's zero."""
    values = np.arange(12.0)[:, None] + 1
    with pytest.raises(MultioError, match="Operation needs step zero"):
        multio.run(statistics(operation, "6h"), calls_of(values))
    assert len(ours.values(statistics(operation, "6h"), calls_of(values))) == 2


@pytest.mark.parametrize("operation", ["average", "accumulate", "minimum", "maximum"])
def test_of_single_precision_ours_is_the_sum_in_double_and_multio_rounds_on_the_way(multio, operation):
    values = np.random.default_rng(8).uniform(1, 9, (24, 500)).astype("float32")
    keys = {"precision": "single", "misc-precision": "single"}
    (theirs,), (mine,) = both(multio, statistics(operation, "1d"), calls_of(values, **keys))
    function = {"average": np.mean, "accumulate": np.sum, "minimum": np.min, "maximum": np.max}[operation]
    np.testing.assert_allclose(mine, function(values.astype("float64"), axis=0), rtol=24 * EPS)
    np.testing.assert_allclose(mine, theirs, rtol=3 * 24 * np.finfo("float32").eps)


def test_windows_of_a_forecast_that_is_read_late_are_those_of_the_whole_forecast(multio, record_property):
    """MultIO counts hours from the first field that it meets: after a restart its windows are others."""
    values = np.arange(1.0, 31)[:, None]
    actions = statistics("instant", "6h")
    theirs = multio.run(actions, calls_of(values[9:], start=10)).fields
    record_property("multio", str([out.keys["endStepInHours"] for out in theirs]))
    whole = [(out.keys["endStepInHours"], out.values[0]) for _, out in ours.run(actions, calls_of(values))]
    late = [(out.keys["endStepInHours"], out.values[0]) for _, out in ours.run(actions, calls_of(values[9:], start=10))]
    assert late == whole[2:]
    assert [end for end, _ in whole] == [6, 12, 18, 24, 30]


def test_a_month_of_fields_at_noon_goes_out_with_the_first_field_of_the_next(multio, record_property):
    """MultIO's goes out one field earlier, since the time step says that the next is outside. Numbers are equal."""
    values = np.arange(1.0, 71)[:, None]
    keys = {"time_step_s": 86400, "time": 120000, "startTime": 120000}
    actions = statistics(["accumulate"], "1m")
    theirs = multio.run(actions, calls_of(values, **keys)).fields
    mine = ours.run([{**actions[0], "partial": True}], calls_of(values, **keys))
    record_property("multio", str([out.after for out in theirs]))
    assert [number + 1 for number, _ in mine] == [30, 61]
    assert [window_of_ours(out) for _, out in mine] == [window_of_multio(out.keys) for out in theirs]
    np.testing.assert_array_equal([out.values for _, out in mine], [out.values for out in theirs])
