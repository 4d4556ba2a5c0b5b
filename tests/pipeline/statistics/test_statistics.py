"""Statistics of fields over windows, against numpy on the same fields."""

import numpy as np
import pytest

from dtedask.core.errors import FieldError
from tests.pipeline.statistics.runs import forecast, run, statistics, values_of


def stacked(steps, seconds=3600):
    return np.stack([values_of(step * seconds) for step in steps])


def test_a_day_is_given_with_its_last_field_and_holds_the_hours_after_its_start():
    action = statistics(["average", "maximum", "minimum"])
    found = run(action, forecast(range(1, 49)), end=False)
    assert [out.keys["step"] for out in found] == ["24"] * 3 + ["48"] * 3
    hours = stacked(range(25, 49))
    np.testing.assert_allclose(found[3].values, hours.mean(axis=0), rtol=1e-14)
    np.testing.assert_array_equal(found[4].values, hours.max(axis=0))
    np.testing.assert_array_equal(found[5].values, hours.min(axis=0))


def test_the_state_at_the_start_of_a_forecast_is_in_no_window():
    found = run(statistics(["minimum"], "6h"), forecast(range(13)))
    np.testing.assert_array_equal(found[0].values, stacked(range(1, 7)).min(axis=0))


def test_a_field_that_comes_again_is_an_error_that_names_it_and_the_window():
    with pytest.raises(FieldError, match=r"field of 2024-06-01 03:00 comes after that of 2024-06-01 03:00, and the"):
        run(statistics(), forecast([1, 2, 3, 3]))


def test_results_say_what_they_are():
    (found,) = run(statistics(["maximum"]), forecast(range(1, 25)))
    wanted = {"param": "237167", "step": "24", "timespan": "24h", "date": "20240601", "time": "0000", "fields": 24}
    assert {key: found.keys[key] for key in wanted} == wanted
    assert (found.description.interval, found.description.step_type) == ((0, 86400), "max")
    assert found.description.short_name == "max_2t"


def test_memory_counts_the_fields_of_a_window_where_quantiles_need_it():
    median = [{"operation": "quantile", "quantile": 0.5}]
    assert statistics(median, "1d").memory_bytes(1, 8) == 2 * 8 * (64 + 1)
    assert statistics(median, "1m").memory_bytes(1, 8) == 2 * 8 * (5 * 64 + 1)
    assert statistics(median, "1m", details={"time-step": 21_600}).memory_bytes(1, 8) == 2 * 8 * (2 * 64 + 1)
