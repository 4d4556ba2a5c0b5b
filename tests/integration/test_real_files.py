"""Real GRIB files through ingest into a cube and out again, against what ecCodes says of them."""

import random
from dataclasses import dataclass

import numpy as np
import pytest

import dtedask
from dtedask.core.errors import GribSyntaxError
from dtedask.grib import scan
from dtedask.grib.library import eccodes
from dtedask.ingest import ingest

CORRUPTED = "era5-levels-corrupted.grib"
GOOD = (
    "aifs-single-t500.grib2",
    "alternate-scanning.grib",
    "ens-50.grib",
    "era5-levels-members.grib",
    "healpix-h8.grib2",
    "icon.grib",
    "ifs-oper-surface.grib2",
    "lambert.grib",
    "missing-values.grib",
    "o32.grib2",
    "pl-regular-ll.grib",
    "reduced-gg.grib",
    "regular-gg-model-levels.grib2",
    "spherical-harmonics.grib",
    "step-60m.grib",
    "t-on-different-level-types.grib",
)
FIELD_DIMENSIONS = ("forecast_reference_time", "member", "step", "level")
NO_COORDINATES = {"sh", "unstructured_grid"}


@dataclass
class Expected:
    """What ecCodes says of a message."""

    place: str
    grid_type: str
    level: int
    values: np.ndarray
    latitudes: np.ndarray | None
    longitudes: np.ndarray | None


def read_by_eccodes(path):
    """Yield offset and what ecCodes says, message by message."""
    with path.open("rb") as file:
        while (handle := eccodes.codes_grib_new_from_file(file)) is not None:
            eccodes.codes_set(handle, "missingValue", 1e36)
            if path.name == "alternate-scanning.grib":  # else the values lie in another order than the places
                eccodes.codes_set(handle, "swapScanningAlternativeRows", 1)
            values = eccodes.codes_get_array(handle, "values")
            values[values == 1e36] = np.nan
            grid_type = eccodes.codes_get(handle, "gridType")
            points = [None, None]
            if grid_type not in NO_COORDINATES:
                points = [eccodes.codes_get_array(handle, name) for name in ("latitudes", "longitudes")]
            offset = int(eccodes.codes_get(handle, "offset"))
            level = eccodes.codes_get(handle, "level")
            yield offset, Expected(f"{path.name} at {offset}", grid_type, level, values.astype("float32"), *points)
            eccodes.codes_release(handle)


def expected_fields(paths):
    """What the cube must hold: by keys and number of points, the last message of equal fields."""
    fields = {}
    for path in paths:
        known = dict(read_by_eccodes(path))
        for message in scan(path):
            key = (frozenset(message.field.keys.items()), message.field.grid.label)
            fields.pop(key, None)
            fields[key] = known.pop(message.offset)
        assert not known, path
    return fields


def in_order_of_place(values, latitudes, longitudes):
    """Values, latitudes and longitudes in [0, 360), sorted by place; the same places give the same order."""
    longitudes = np.where(longitudes % 360 > 360 - 1e-6, 0.0, longitudes % 360)
    order = np.lexsort((np.round(longitudes + 3.7e-4, 3), np.round(latitudes + 3.7e-4, 3)))
    return values[order], latitudes[order], longitudes[order]


def check_field(dataset, expected):
    (name,) = dataset.data_vars
    field = dataset[name].squeeze(
        [dim for dim in ("forecast_reference_time", "member", "step", "level") if dim in dataset.dims]
    )
    assert field.dtype == np.float32, expected.place
    if expected.latitudes is None:
        assert field.values.tobytes() == expected.values.tobytes(), expected.place
        return
    latitudes = dataset.latitude.broadcast_like(field).transpose(*field.dims).values.ravel()
    longitudes = dataset.longitude.broadcast_like(field).transpose(*field.dims).values.ravel()
    ours = in_order_of_place(field.values.ravel(), latitudes, longitudes)
    theirs = in_order_of_place(expected.values, expected.latitudes, expected.longitudes)
    np.testing.assert_allclose(ours[1], theirs[1], rtol=0, atol=2e-6, err_msg=expected.place)
    np.testing.assert_allclose(ours[2], theirs[2], rtol=0, atol=2e-6, err_msg=expected.place)
    bits = [np.where(np.isnan(values), np.float32("nan"), values).view("uint32") for values in (ours[0], theirs[0])]
    np.testing.assert_array_equal(*bits, err_msg=expected.place)


def check_cube(store, fields):
    records = {(frozenset(record.keys.items()), record.grid.label): record for record in store.list()}
    assert set(records) == set(fields)
    for key, record in records.items():
        check_field(store.retrieve({**record.keys, "grid": record.grid.label}), fields[key])


@pytest.mark.slow
@pytest.mark.parametrize("name", GOOD)
def test_every_value_of_a_real_file_stands_at_its_place(grib_folder, tmp_path, name):
    store = dtedask.open(tmp_path / "root")
    fields = expected_fields([grib_folder / name])
    summary = ingest(grib_folder / name, store)
    assert (summary.new, summary.replaced, summary.unchanged) == (len(fields), 0, 0)
    check_cube(store, fields)
    assert ingest(grib_folder / name, store).commits == ()


@pytest.mark.slow
@pytest.mark.parametrize(("unit", "seed"), [("all", 0), ("file", 1), ("step", 2)])
def test_all_real_files_in_random_order_share_a_root(grib_folder, tmp_path, unit, seed):
    store = dtedask.open(tmp_path / "root")
    paths = [grib_folder / name for name in GOOD]
    random.Random(seed).shuffle(paths)
    fields = expected_fields(paths)
    summary = ingest(paths, store, unit=unit)
    assert summary.new == len(fields)
    check_cube(store, fields)


def test_no_real_file_is_left_out(grib_folder):
    assert {path.name for path in grib_folder.iterdir() if path.suffix in (".grib", ".grib2")} == {*GOOD, CORRUPTED}


def test_the_corrupted_file_fails_as_a_whole(grib_folder, tmp_path):
    store = dtedask.open(tmp_path / "root")
    with pytest.raises(GribSyntaxError, match=rf"{CORRUPTED}, offset 0: .*on_error='skip'"):
        ingest(grib_folder / CORRUPTED, store)
    assert not (tmp_path / "root").exists()


def test_of_the_corrupted_file_the_whole_messages_can_be_had(grib_folder, tmp_path):
    store = dtedask.open(tmp_path / "root")
    summary = ingest(grib_folder / CORRUPTED, store, on_error="skip")
    size = (grib_folder / CORRUPTED).stat().st_size
    assert summary.new > 0
    assert sum(part.length for part in summary.skipped) + summary.bytes == size
    assert f"skipped {summary.skipped[0].length} bytes" in str(summary)
