"""Titles: the words of a forecaster."""

import numpy as np
import xarray as xr

from dtedask.plot.title import joined, title_of


def field(attrs=None, level=None, **coordinates):
    found = xr.DataArray(0.0, attrs={"long_name": "Temperature", **(attrs or {})}, coords=coordinates)
    return found if level is None else found.assign_coords(level=((), level[0], level[1]))


START = {"forecast_reference_time": np.datetime64("2017-01-01T12:00", "ns")}
STEP = {"step": np.timedelta64(6 * 3600, "s").astype("timedelta64[ns]")}


def test_levels_are_named_in_their_units():
    assert title_of(field(level=(500.0, {"units": "hPa"}))) == "Temperature at 500 hPa"
    assert (
        title_of(field(level=(137.0, {"units": "1", "long_name": "model level"}))) == "Temperature on model level 137"
    )
    words = {"long_name": "level (generalVerticalLayer)"}
    assert title_of(field(level=(9.0, words))) == "Temperature on generalVerticalLayer 9"


def test_an_analysis_has_no_step():
    when = title_of(field({"mars_type": "an"}, **START, step=np.timedelta64(0, "ns"))).splitlines()[1]
    assert when == "valid Sunday 2017-01-01 12:00 UTC, analysis"


def test_an_accumulation_says_over_what():
    attributes = {"mars_type": "fc", "GRIB_stepType": "accum", "interval_s": 6 * 3600}
    when = title_of(field(attributes, **START, **STEP)).splitlines()[1]
    assert when.startswith(
        "accumulated over 6 h, valid Sunday 2017-01-01 18:00 UTC, forecast from 2017-01-01 12:00 UTC"
    )


def test_member_zero_of_an_ensemble_is_the_control_forecast():
    assert title_of(field({"mars_type": "pf"}, member=0)).splitlines()[0] == "Temperature, control forecast"
    assert title_of(field({"mars_type": "pf"}, member=7)).splitlines()[0] == "Temperature, member 7"


def test_other_keys_are_named():
    assert title_of(field(direction=3)) == "Temperature, direction 3"


def test_what_titles_share_stands_once():
    assert joined([["A", "today"], ["B", "today"]]) == ["A; B", "today"]
    assert joined([["A", "today"], ["B", "tomorrow"]]) == ["A", "today", "B", "tomorrow"]
