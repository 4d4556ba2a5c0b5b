"""`dtedask regrid`: from GRIB, roots and netCDF to GRIB, netCDF, Zarr and roots."""

import numpy as np
import pytest
import xarray as xr

import dtedask
from dtedask import geo
from dtedask.grib import decode, scan


@pytest.fixture
def field(grib):
    """The first field of the file."""
    message = next(iter(scan(grib / "forecast.grib2")))
    return message.field.grid, decode(message.read(), message.field.order)


def test_a_file_becomes_a_file_on_the_other_grid(run, grib, here, field):
    done = run("regrid", grib / "forecast.grib2", "out.grib2", "--grid", "O8", "--json")
    assert (done.status, done.lines[0]["fields"], done.lines[0]["done"]) == (0, 4, True)
    messages = list(scan(here / "out.grib2"))
    assert [message.field.grid.label for message in messages] == ["O8"] * 4
    source, values = field
    expected = geo.weights(source, "O8") @ np.ravel(values)
    np.testing.assert_allclose(decode(messages[0].read(), messages[0].field.order), expected, rtol=1e-4)


@pytest.mark.slow
def test_an_area_goes_to_netcdf_and_from_there_to_zarr(run, grib, here):
    words = "--grid 10/10 --method grid-box-average --area 70/-20/30/40"
    assert run("regrid", grib / "forecast.grib2", "out.nc", *words.split()).status == 0
    with xr.open_dataset(here / "out.nc", engine="h5netcdf") as found:
        assert (found["t"].sizes["latitude"], found["t"].sizes["longitude"]) == (5, 7)
        assert (found["longitude"][0], found["longitude"][-1]) == (-20, 40)
    done = run("regrid out.nc out.zarr --grid 20/20 --area 60/0/40/40 --json")
    assert (done.status, done.lines[0]["variables"]) == (0, 1), done.err
    with xr.open_zarr(here / "out.zarr", consolidated=False) as found:
        np.testing.assert_allclose(found["t"].values[0, 0, 0], [[700.0] * 3] * 2)


@pytest.mark.slow
def test_a_request_of_a_root_becomes_a_cube_of_another(run, root, here):
    done = run("regrid", f"{root}[class=ea,levelist=500,date=20170101]", "coarse", "--grid", "H4")
    assert done.status == 0, done.err
    found = dtedask.open(here / "coarse").retrieve("class=ea")
    assert (found["t"].sizes["values"], found["t"].sizes["member"]) == (192, 2)


@pytest.mark.slow
def test_options_of_a_method_are_taken(run, grib, here):
    words = "--grid 40/40 --method bicubic --option limiter=true"
    assert run("regrid", grib / "forecast.grib2", "out.grib2", *words.split()).status == 0
    wrong = run("regrid", grib / "forecast.grib2", "out.grib2", "--grid", "O8", "--option", "limiter=true")
    assert wrong.status == 1
    assert "no option 'limiter'" in wrong.err


def test_a_dry_run_writes_nothing(run, grib, here):
    done = run("regrid", grib / "forecast.grib2", "out.grib2", "--grid", "O8", "--dry-run")
    assert (done.status, list(here.iterdir())) == (0, [])
    assert "4 fields would be interpolated" in done.err


@pytest.mark.parametrize(
    ("words", "status", "text"),
    [
        ("in.grib2 out.txt --grid O8", 2, "names no format"),
        ("in.grib2 nowhere/out.nc --grid O8", 2, "no folder 'nowhere'"),
        ("in.nc out.grib2 --grid O8", 2, "no MARS keys"),
        ("in.nc out.nc --grid O8", 1, "There is no 'in.nc'"),
        ("in.grib2 out.grib2 --grid nosuch", 2, "'nosuch' is no grid"),
        ("in.grib2 out.grib2 --grid O8 --method lineer", 1, "'lineer'"),
        ("in.grib2 out.grib2 --grid O8 --area 1/2/3", 2, "'1/2/3' is no area"),
    ],
)
def test_what_cannot_be_is_said(run, here, grib, words, status, text):
    (here / "in.grib2").write_bytes((grib / "forecast.grib2").read_bytes())
    done = run(f"regrid {words}")
    assert (done.status, text in done.err) == (status, True), done.err
    assert [path.name for path in here.iterdir()] == ["in.grib2"]
