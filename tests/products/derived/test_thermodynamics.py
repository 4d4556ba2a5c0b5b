"""Water vapour and wind: closed forms, published tables, and formulas that undo one another."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.products.derived.thermodynamics import (
    dew_point,
    relative_humidity,
    saturation_over_ice,
    saturation_over_water,
    saturation_vapour_pressure,
    specific_humidity,
    vapour_pressure,
    wind_chill,
)
from dtedask.products.derived.wind import eastward, northward, wind_direction

TEMPERATURES = st.floats(190, 330)
R_VAPOUR = 461.525


def test_both_pressures_are_the_one_constant_at_the_triple_point():
    assert saturation_over_water(np.array(273.16)) == saturation_over_ice(np.array(273.16)) == 611.21


@pytest.mark.parametrize(
    ("celsius", "pascal"), [(-20, 125.6), (0, 611.2), (10, 1228.0), (20, 2338.8), (30, 4245.5), (40, 7381.4)]
)
def test_the_pressure_over_water_is_that_of_tables_within_half_a_per_cent(celsius, pascal):
    # CRC Handbook of Chemistry and Physics; below 0 degC supercooled water.
    assert saturation_over_water(np.array(celsius + 273.15)) == pytest.approx(pascal, rel=5e-3)


@pytest.mark.parametrize(("celsius", "pascal"), [(-40, 12.84), (-30, 38.01), (-20, 103.26), (-10, 259.9), (0, 611.15)])
def test_the_pressure_over_ice_is_that_of_tables_within_half_a_per_cent(celsius, pascal):
    assert saturation_over_ice(np.array(celsius + 273.15)) == pytest.approx(pascal, rel=5e-3)


@given(st.floats(240, 310))
def test_the_slope_is_that_of_clausius_and_clapeyron_within_two_per_cent(kelvin):
    latent_heat = 2.501e6 - 2370 * (kelvin - 273.15)
    logarithms = np.log(saturation_over_water(np.array([kelvin - 0.01, kelvin + 0.01])))
    assert np.diff(logarithms)[0] / 0.02 == pytest.approx(latent_heat / (R_VAPOUR * kelvin**2), rel=0.02)


@given(TEMPERATURES)
def test_the_mixed_phase_is_water_above_ice_below_and_between_them_in_between(kelvin):
    values = np.array(kelvin)
    water, ice, mixed = (
        one(values) for one in (saturation_over_water, saturation_over_ice, saturation_vapour_pressure)
    )
    if kelvin >= 273.16:
        assert mixed == water
    elif kelvin <= 250.16:
        assert mixed == ice
    else:
        part = ((kelvin - 250.16) / 23) ** 2
        assert mixed == pytest.approx(part * water + (1 - part) * ice, rel=1e-12)
        assert ice <= mixed <= water


@pytest.mark.slow
@given(TEMPERATURES)
def test_the_dew_point_of_saturated_air_is_its_temperature(kelvin):
    assert dew_point(saturation_over_water(np.array(kelvin))) == pytest.approx(kelvin, abs=1e-9)


@given(st.floats(1e-7, 0.04), st.floats(1000, 105_000))
def test_humidity_and_vapour_pressure_undo_one_another(humidity, pressure):
    vapour = vapour_pressure(np.array(humidity), np.array(pressure))
    assert specific_humidity(vapour, np.array(pressure)) == pytest.approx(humidity, rel=1e-12)


@given(TEMPERATURES, st.floats(50_000, 105_000))
def test_saturated_air_has_a_relative_humidity_of_a_hundred(kelvin, pressure):
    temperature, pressure = np.array(kelvin), np.array(pressure)
    humidity = specific_humidity(saturation_vapour_pressure(temperature), pressure)
    assert relative_humidity(temperature, humidity, pressure) == pytest.approx(100, rel=1e-12)


def test_dry_air_has_no_dew_point():
    assert np.isnan(dew_point(np.array([0.0, -1.0, np.nan]))).all()


@pytest.mark.parametrize(
    ("u", "v", "degrees"),
    [(0, -5, 360), (-5, 0, 90), (0, 5, 180), (5, 0, 270), (-1, -1, 45), (1, -1, 315), (1, 1, 225), (0, 0, 0)],
)
def test_a_wind_comes_from_where_its_direction_says(u, v, degrees):
    assert wind_direction(np.array(float(u)), np.array(float(v))) == pytest.approx(degrees)


@given(st.floats(0.01, 100), st.floats(0.01, 360))
def test_components_and_direction_undo_one_another(speed, direction):
    u, v = eastward(np.array(speed), np.array(direction)), northward(np.array(speed), np.array(direction))
    assert np.hypot(u, v) == pytest.approx(speed)
    apart = wind_direction(u, v) - direction
    assert abs((apart + 180) % 360 - 180) < 1e-9


@pytest.mark.parametrize(
    ("celsius", "kilometres", "felt"),
    [(0, 10, -3), (0, 40, -7), (-10, 20, -18), (-20, 30, -33), (-30, 60, -50), (5, 5, 4), (-40, 15, -54)],
)
def test_wind_chill_is_that_of_the_table_of_environment_canada(celsius, kilometres, felt):
    found = wind_chill(np.array(celsius + 273.15), np.array(kilometres / 3.6)) - 273.15
    assert round(float(found)) == felt


def test_where_there_is_no_wind_chill_it_is_the_temperature():
    assert wind_chill(np.array([290.0, 270.0]), np.array([10.0, 1.0])).tolist() == [290.0, 270.0]
    assert np.isnan(wind_chill(np.array([np.nan, 290.0]), np.array([1.0, np.nan]))).all()
