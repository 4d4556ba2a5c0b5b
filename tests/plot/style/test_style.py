"""Styles: documents, units, levels, and which field gets which."""

import dask
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from dtedask.core.errors import DocumentError, FieldError
from dtedask.plot import Style, load_styles
from dtedask.plot.style import conversion, default_style, style_of, unit_text
from dtedask.plot.style.default import isolines, levels_in
from dtedask.plot.style.document import own_styles


def field(name="x", units="", **attributes):
    return xr.DataArray(0.0, name=name, attrs={"GRIB_shortName": name, "units": units, **attributes})


@pytest.mark.parametrize(
    ("name", "units", "more", "style"),
    [
        ("2t", "K", {"GRIB_typeOfLevel": "heightAboveGround"}, "temperature"),
        ("2t", "K", {}, "temperature"),
        ("t", "K", {"mars_levtype": "pl"}, "temperature-aloft"),
        ("z", "m**2 s**-2", {"GRIB_typeOfLevel": "isobaricInhPa"}, "geopotential-height"),
        ("z", "m**2 s**-2", {"mars_levtype": "sfc"}, "orography"),
        ("msl", "Pa", {}, "mean-sea-level-pressure"),
        ("tp", "m", {}, "precipitation"),
        ("tp", "kg m**-2", {}, "precipitation"),
        ("tcc", "(0 - 1)", {}, "cloud-cover"),
        ("tcc", "%", {}, "cloud-cover"),
        ("some", "m s-1", {"standard_name": "wind_speed", "mars_levtype": "pl"}, "wind-speed-aloft"),
    ],
)
def test_a_field_gets_the_style_of_its_parameter(name, units, more, style):
    assert style_of(field(name, units, **more)).name == style


def test_a_field_in_units_that_do_not_fit_gets_no_style_of_its_name():
    assert style_of(field("2t", "m")) is None
    assert style_of(field("unknown", "K")) is None


def test_names_of_styles_are_unique_and_each_style_says_whom_it_is_for():
    names = [style.name for style in own_styles()]
    assert len(names) == len(set(names))
    assert all(names)


@given(st.floats(150, 350))
def test_kelvin_are_degrees_celsius(kelvin):
    assert conversion("K", "degC")(np.array(kelvin)) == pytest.approx(kelvin - 273.15)
    assert conversion("degC", "K")(np.array(kelvin - 273.15)) == pytest.approx(kelvin)


@pytest.mark.parametrize(
    ("units", "wanted", "value", "shown"),
    [
        ("Pa", "hPa", 101325, 1013.25),
        ("m**2 s**-2", "dam", 9.80665 * 5520, 552),
        ("m", "mm", 0.012, 12),
        ("(0 - 1)", "%", 0.5, 50),
        ("m/s", "kt", 0.514444, 1),
        ("kg kg**-1", "g kg-1", 0.001, 1),
        ("degC", "degF", 100, None),
    ],
)
def test_units_are_converted_where_it_is_known_how(units, wanted, value, shown):
    found = conversion(units, wanted)
    if shown is None:
        assert found is None
    else:
        assert found(np.array(float(value))) == pytest.approx(shown, rel=1e-5)


@pytest.mark.parametrize(
    ("units", "text"),
    [
        ("degC", "°C"),
        ("m s**-1", "m s⁻¹"),
        ("W m**-2", "W m⁻²"),
        ("m/s", "m s⁻¹"),
        ("1e-5 s-1", "10⁻⁵ s⁻¹"),
        ("kg m**-2", "kg m⁻²"),
        ("(0 - 1)", ""),
        ("%", "%"),
        ("(Code table 4.201)", ""),
    ],
)
def test_units_are_written_as_people_do(units, text):
    assert unit_text(units) == text


@given(low=st.floats(-1e4, 1e4), width=st.floats(1e-3, 1e4))
def test_levels_cover_the_range_of_the_values(low, width):
    levels = levels_in(np.linspace(low, low + width, 500))
    assert 2 <= len(levels) <= 20
    assert levels == sorted(levels)
    assert levels[0] <= low + 0.02 * width
    assert levels[-1] >= low + 0.98 * width


def test_a_constant_field_has_levels_around_its_value():
    assert levels_in(np.full(9, 5.0))[0] < 5 < levels_in(np.full(9, 5.0))[-1]


def test_one_wild_value_does_not_spoil_the_range():
    values = np.append(np.linspace(0, 1, 999), 1e9)
    assert levels_in(values)[-1] < 2


def test_values_on_both_sides_of_zero_get_colours_that_part_there():
    assert default_style(np.linspace(-1, 2, 100)).is_diverging
    assert not default_style(np.linspace(-1, 90, 100)).is_diverging


def test_isolines_are_multiples_of_the_first_interval_that_gives_not_too_many():
    assert set(np.diff(isolines(np.linspace(980, 1030, 99), (5.0,)))) == {5.0}
    assert set(np.diff(isolines(np.linspace(0, 300, 99), (4.0, 6.0, 12.0)))) == {12.0}


def test_unknown_keys_and_colours_of_a_style_are_refused():
    with pytest.raises(DocumentError, match="colour"):
        load_styles({"styles": [{"name": "mine", "color": "red"}]})
    with pytest.raises(DocumentError, match="no colour map 'virid'"):
        load_styles({"styles": [{"colours": "virid"}]})
    with pytest.raises(DocumentError, match="no colour"):
        load_styles({"styles": [{"colours": ["redd", "blue"]}]})
    with pytest.raises(DocumentError, match="ascending"):
        load_styles({"styles": [{"levels": [3, 2]}]})
    with pytest.raises(DocumentError, match="labels"):
        load_styles({"styles": [{"levels": [1, 2], "labels": ["a", "b"]}]})
    with pytest.raises(DocumentError, match="not below"):
        load_styles({"styles": [{"levels": {"start": 2, "stop": 1, "step": 1}}]})


def test_styles_of_the_setting_come_first(tmp_path):
    path = tmp_path / "styles.yaml"
    path.write_text("styles:\n  - {name: mine, parameters: [2t], units: degF}\n")
    with dask.config.set({"dtedask.plot.styles": str(path)}):
        assert style_of(field("2t", "K")).name == "mine"
        assert style_of(field("msl", "Pa")).name == "mean-sea-level-pressure"


def test_a_file_of_styles_gives_the_one_that_fits(tmp_path):
    path = tmp_path / "styles.yaml"
    path.write_text("styles:\n  - {parameters: [msl], units: Pa}\n  - {parameters: [2t], units: degF}\n")
    assert style_of(field("2t", "K"), path).units == "degF"
    with pytest.raises(DocumentError, match="for the parameter 'q'"):
        style_of(field("q", "kg kg-1"), str(path))


def test_a_style_that_is_asked_for_must_fit_the_units():
    with pytest.raises(FieldError, match="'m' cannot be shown in 'degC'"):
        style_of(field("2t", "m"), Style(units="degC"))
