"""The state of statistics goes through JSON and arrays, and the rest of the run gives the same bits."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.grib import Coordinate
from dtedask.pipeline.action import Saved
from dtedask.pipeline.compute import Eager
from tests.pipeline.fields import GRID
from tests.pipeline.statistics.runs import END, at_step, forecast, statistics

OPERATIONS = ["average", "maximum", "stddev", "difference", {"operation": "quantile", "quantile": 0.5}]


def through_disk(saved):
    arrays = {
        name: np.frombuffer(array.tobytes(), array.dtype).reshape(array.shape) for name, array in saved.arrays.items()
    }
    return Saved(json.loads(json.dumps(saved.document)), arrays)


def restarted(action, messages, stops):
    """Results, with the state saved and loaded before the fields at some places."""
    state, found = action.start(), []
    for place, message in enumerate([*messages, END]):
        if place in stops:
            state = action.load(through_disk(action.save(state)))
        found += [out for out in action.handle(message, state, Eager()) if out.is_field]
    return found


def bits(messages):
    return [(dict(out.keys), out.values.tobytes(), out.description) for out in messages]


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(
    stops=st.sets(st.integers(0, 100), max_size=4),
    frequency=st.sampled_from(["6h", "1d", "5d", "run"]),
    missing=st.booleans(),
)
def test_a_run_that_stops_anywhere_gives_the_bits_of_one_that_does_not(stops, frequency, missing):
    action = statistics(OPERATIONS, frequency, partial=True, details={"value-count-threshold": 2} if missing else {})
    fields = [field for step in range(50) for field in (at_step(3600 * step), at_step(3600 * step, param="165"))]
    if missing:
        fields = [field.replaced(values=np.where(field.values > 1, np.nan, field.values)) for field in fields]
    assert bits(restarted(action, fields, stops)) == bits(restarted(action, fields, set()))


@settings(max_examples=10, deadline=None)
@given(stops=st.sets(st.integers(0, 60), max_size=3))
def test_rolling_windows_and_hours_of_the_day_are_saved_too(stops):
    for options in ({"window_length": "18h"}, {"by_hour_of_day": [0, 3, 6]}):
        action = statistics(["average", "maximum"], "6h", partial=True, **options)
        fields = forecast(range(60))
        assert bits(restarted(action, fields, stops)) == bits(restarted(action, fields, set()))


def test_coordinates_are_saved_once_for_a_grid():
    places = {"latitude": Coordinate(("latitude",), np.array([90.0, 0, -90]), {"units": "degrees_north"})}
    action, fields = statistics(), [one.replaced(coordinates=places) for one in forecast(range(1, 4))]
    state = action.start()
    for one in [*fields, *(one.with_keys(param="165") for one in fields)]:
        list(action.handle(one, state, Eager()))
    saved = through_disk(action.save(state))
    assert [name for name in saved.arrays if "latitude" in name] == ["grid-0-latitude"]
    first, _ = action.load(saved).series.values()
    np.testing.assert_array_equal(first.message.coordinates["latitude"].values, places["latitude"].values)
    assert first.message.description.grid == GRID
