"""NetCDF and Zarr by the CF conventions: every real field stands where its labels say, with the values of its file."""

import re

import numpy as np
import pytest
import xarray as xr

from dtedask.core.errors import FieldError
from dtedask.grib import decode, scan
from dtedask.pipeline import Message, Plan
from dtedask.pipeline.sources import messages_of_files
from dtedask.testing import make_message

KINDS = {"netcdf": ("all.nc", "h5netcdf"), "zarr": ("all.zarr", "zarr")}
FILES = [
    "ens-50.grib",
    "healpix-h8.grib2",
    "icon.grib",
    "lambert.grib",
    "missing-values.grib",
    pytest.param("step-60m.grib", marks=pytest.mark.slow),
    "t-on-different-level-types.grib",
]


def run(folder, kind, messages, *actions, **options):
    sink = {"type": kind, "path": str(folder / KINDS[kind][0]), **options}
    summary = Plan.from_yaml({"actions": [*actions, {"type": "sink", "sinks": [sink]}]}).run(messages)
    return [one for notice in summary.notices for one in notice.values]


def opened(folder, kind):
    path, engine = KINDS[kind]
    return xr.open_dataset(folder / path, engine=engine, decode_timedelta=False)


def place_of(location):
    """Variable and slots that a manifest names."""
    name, slots = re.search(r"([^/#]+)(?:/c/|\[)([\d/,]+)\]?$", location).groups()
    return name, tuple(map(int, re.split("[/,]", slots)))


@pytest.mark.slow
@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("name", FILES)
def test_real_fields_stand_where_their_labels_say(grib_folder, tmp_path, name, kind):
    written = run(tmp_path, kind, messages_of_files([str(grib_folder / name)]), dtype="float64")
    places = {frozenset(one.keys): place_of(one.location) for one in written}
    messages = list(scan(grib_folder / name))
    assert len(places) == len(messages)
    with opened(tmp_path, kind) as data:
        for message in messages:
            variable, slots = places[frozenset(message.field.keys.items())]
            array = data[variable]
            outer = array.ndim - len(message.field.grid.dims)
            found = array[slots[:outer]]
            np.testing.assert_array_equal(found, decode(message.read(), message.field.order, dtype="float64"))
            assert found["time"] == np.datetime64(Message.of_field(message.field, None).valid_time, "s")
            assert float(found.coords.get("level", 0)) == float(message.field.keys.get("levelist", 0)) or (
                message.field.keys["levtype"] != "pl"
            )
            assert str(found.coords.get("member", xr.DataArray(0)).item()) == message.field.keys.get("number", "0")


@pytest.mark.parametrize("kind", list(KINDS))
def test_statistics_have_bounds_and_cell_methods(tmp_path, kind):
    statistics = {"type": "statistics", "operations": ["maximum"], "output-frequency": "1d"}
    run(tmp_path, kind, [make_message(step, step=str(step)) for step in range(0, 49, 6)], statistics)
    with opened(tmp_path, kind) as data:
        assert data["max_t_24h"].attrs["cell_methods"] == "time_24h: maximum"
        days = np.array(["2024-01-01", "2024-01-02", "2024-01-03"], "datetime64[ns]")
        np.testing.assert_array_equal(data["time_24h"], days[1:])
        np.testing.assert_array_equal(data["time_24h_bounds"], np.stack([days[:-1], days[1:]], axis=1))
        np.testing.assert_array_equal(
            data["max_t_24h"][0, 0], np.max([make_message(s).values for s in (6, 12, 18, 24)], 0)
        )


@pytest.mark.slow
@pytest.mark.parametrize("kind", list(KINDS))
def test_new_levels_and_times_are_added_to_what_is_there_in_any_order(tmp_path, kind):
    for step, level in (("6", "500"), ("0", "850"), ("0", "500"), ("12", "1000")):
        run(tmp_path, kind, [make_message(int(step) + int(level), step=step, levelist=level)])
    with opened(tmp_path, kind) as data:
        found = data["t"][..., 0, 0].sortby(["time", "level"])
        expected = [[500, 850, np.nan], [506, np.nan, np.nan], [np.nan, np.nan, 1012]]
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("kind", list(KINDS))
def test_without_append_a_run_begins_anew(tmp_path, kind):
    for step in ("0", "6"):
        run(tmp_path, kind, [make_message(1, step=step)], append=False)
    with opened(tmp_path, kind) as data:
        assert data.sizes["time"] == 1


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_field_of_another_kind_in_the_same_variable_is_refused(tmp_path, kind):
    run(tmp_path, kind, [make_message(1)])
    with pytest.raises(FieldError, match="holds fields of .*Name files by the keys that tell them apart"):
        run(tmp_path, kind, [make_message(1, type="an", step="0")])
