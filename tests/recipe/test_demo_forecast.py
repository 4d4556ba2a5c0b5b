"""The made forecast: the same every time, complete, and like weather."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dtedask
from dtedask.core.errors import DocumentError
from dtedask.grib import decode, scan
from dtedask.recipe import DemoForecast, load_recipe, run_recipe
from dtedask.recipe.weather import Weather

forecasts = st.builds(
    DemoForecast,
    steps=st.lists(st.integers(0, 240), min_size=1, max_size=3, unique=True),
    members=st.integers(1, 3),
    levels=st.lists(st.sampled_from([1, 10, 100, 250, 500, 1000]), min_size=1, max_size=2, unique=True),
    degrees=st.just(30),
)


@pytest.mark.slow
@given(forecasts)
@settings(max_examples=10)
def test_each_field_comes_exactly_once(forecast):
    found = []
    for arrival in forecast.arrivals():
        keys = [dict(message.field.keys) for message in scan(arrival.data)]
        assert {one["step"] for one in keys} == {str(arrival.step)}
        found += [tuple(sorted(one.items())) for one in keys]
    fields = len(forecast.steps) * forecast.members * (5 * len(forecast.levels) + 5)
    assert len(found) == len(set(found)) == fields


@pytest.mark.slow
def test_it_is_the_same_every_time():
    forecast = DemoForecast(degrees=30, steps=(0, 6))
    assert [one.data for one in forecast.arrivals()] == [one.data for one in forecast.arrivals()]


@pytest.mark.slow
def test_the_control_forecast_has_no_number():
    keys = [message.field.keys for message in scan(next(DemoForecast(degrees=30).arrivals()).data)]
    assert {(one["type"], one.get("number")) for one in keys} == {("cf", None), ("pf", "1"), ("pf", "2")}


@pytest.mark.parametrize(
    ("name", "level", "low", "high"),
    [
        ("2t", None, 220, 315),
        ("msl", None, 96_000, 105_000),
        ("t", 500, 210, 280),
        ("t", 250, 190, 260),
        ("z", 500, 45_000, 60_000),
        ("u", 250, -10, 60),
        ("q", 850, 0, 0.02),
        ("tcwv", None, 0, 70),
        ("10v", None, -10, 10),
    ],
)
def test_values_are_those_of_weather(name, level, low, high):
    for step in (0, 24, 240):
        values = Weather(5.0, step).field(name, level, 1)
        assert low <= values.min() <= values.max() <= high


def test_waves_move_and_members_drift_apart():
    start, later = Weather(5.0, 0), Weather(5.0, 24)
    assert np.abs(later.field("msl", None, 0) - start.field("msl", None, 0)).max() > 100

    def spread(weather):
        return np.abs(weather.field("msl", None, 2) - weather.field("msl", None, 0)).max()

    assert spread(later) > spread(start) > 0


def test_packed_values_are_those_of_the_formula():
    for message in scan(next(DemoForecast(degrees=30, members=1, steps=(6,)).arrivals()).data):
        if message.field.short_name == "2t":
            expected = Weather(30.0, 6).field("2t", None, 0)
            values = decode(message.read(), message.field.order)
            assert np.allclose(values, expected, atol=np.ptp(expected) / 2**16)
            return
    raise AssertionError("no 2t")


def test_points_that_do_not_divide_the_globe_are_refused():
    document = {"name": "x", "input": {"demo": {"degrees": 7}}, "root": "r"}
    with pytest.raises(DocumentError, match="7 does not divide 90 degrees"):
        load_recipe(document)


def made_again(root, **given):
    recipe = load_recipe({"name": "made", "input": {"demo": SMALL, **given}, "root": str(root), "catalog": False})
    return run_recipe(recipe).summary


SMALL = {"degrees": 30, "members": 1, "levels": [500], "steps": [0, 6, 12]}


@pytest.mark.slow
def test_steps_that_are_there_are_not_made_again(tmp_path, monkeypatch):
    root, made = tmp_path / "root", []
    real = DemoForecast.messages_of
    monkeypatch.setattr(DemoForecast, "messages_of", lambda self, step: (made.append(step), real(self, step))[1])
    assert made_again(root).new == 30
    made.clear()
    dtedask.open(root).wipe("class=rd,expver=demo,param=2t,step=6", doit=True)
    summary = made_again(root)
    assert (made, summary.new, summary.known) == ([6], 1, 20)
    assert made_again(root).known == 30
    assert made_again(root, again=True).known == 0


@pytest.mark.slow
def test_another_forecast_of_the_same_name_is_made(tmp_path):
    made_again(tmp_path / "root")
    other = load_recipe({"name": "o", "input": {"demo": {**SMALL, "members": 2}}, "root": str(tmp_path / "root")})
    summary = run_recipe(other).summary
    assert (summary.new, summary.known) == (30, 0)
