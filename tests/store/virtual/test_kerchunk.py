"""Kerchunk's references become cubes, and cubes kerchunk's references."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr
from kerchunk.combine import MultiZarrToZarr
from kerchunk.df import refs_to_dataframe
from kerchunk.grib2 import scan_grib

import dtedask
from dtedask.core.errors import DocumentError, FieldError, GribUnsupportedError, SeveralGroupsError, SourceChangedError
from dtedask.grib import scan
from dtedask.store import Schema
from dtedask.store.virtual.reading_kerchunk import chunks_of
from dtedask.store.virtual.writing_kerchunk import write_references


@pytest.fixture
def store(tmp_path):
    return dtedask.open(tmp_path / "root")


@pytest.fixture
def surface(tmp_path, grib_folder):
    return shutil.copy(grib_folder / "ifs-oper-surface.grib2", tmp_path / "surface 1.grib2")


@pytest.fixture
def cube(tmp_path, make_steps):
    """Two levels and three times of a small global grid, with a gap, as files of two dates."""
    paths = []
    for date in ("20240604", "20240603"):
        path = tmp_path / f"{date}.grib2"
        path.write_bytes(b"".join(make_steps(date, (0, 6) if date == "20240603" else (0,))))
        paths.append(path)
    return paths


@pytest.fixture(scope="session")
def make_steps():
    from dtedask.geo import regular_latlon
    from dtedask.grib import encode

    grid = regular_latlon(np.arange(90.0, -91, -15), np.arange(0.0, 360, 15))
    keys = {"class": "od", "stream": "oper", "expver": "0001", "type": "fc", "levtype": "pl", "param": "130"}

    def messages(date, steps):
        random = np.random.default_rng(int(date))
        for step in steps:
            for level in ("850", "500"):
                own = {**keys, "date": date, "time": "0000", "step": str(step), "levelist": level}
                yield encode(random.normal(280, 10, grid.shape), own, grid)

    return messages


def opened(references, store, request):
    """A dataset of kerchunk, in our order of points, and ours."""
    found = xr.open_dataset(references, engine="kerchunk")
    for name in set(found.dims) & {"longitude"}:
        found = found.sortby(name)
    return found, store.retrieve(request)


@pytest.mark.slow
def test_scanned_references_become_the_fields_of_their_messages(store, surface, tmp_path):
    path = tmp_path / "references.json"
    path.write_text(json.dumps(scan_grib(str(surface))))
    done = store.virtualize(path)
    assert (done.new, done.copied, done.files) == (5, 0, 1)
    messages = [surface.read_bytes()[m.offset : m.offset + m.length] for m in scan(surface)]
    assert sorted(store.to_grib()) == sorted(messages)
    assert store.virtualize(surface).unchanged == 5


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The 'fastparquet' engine is deprecated")  # kerchunk writes by it
@pytest.mark.parametrize("form", ["mapping", "json", "parquet"])
def test_combined_references_become_a_cube(store, cube, tmp_path, form):
    scanned = [one for path in cube for one in scan_grib(str(path))]
    combined = MultiZarrToZarr(
        scanned,
        remote_protocol="file",
        concat_dims=["time", "step", "isobaricInhPa"],
        identical_dims=["latitude", "longitude"],
    ).translate()
    given = combined
    if form == "json":
        given = tmp_path / "combined.json"
        given.write_text(json.dumps(combined))
    if form == "parquet":
        given = tmp_path / "combined.parq"
        given.mkdir()
        refs_to_dataframe(combined, str(given))
    assert store.virtualize(given).new == 6
    theirs = xr.open_dataset(combined, engine="kerchunk")
    for record, values in store.values("param=t"):
        level, step = float(record.keys["levelist"]), np.timedelta64(int(record.keys["step"]), "h")
        one = theirs["t"].sel(time=record.keys["date"], step=step, isobaricInhPa=level).squeeze()
        np.testing.assert_array_equal(values, one.values.astype(values.dtype))  # theirs are float64


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The 'fastparquet' engine is deprecated")  # fsspec reads by it
@pytest.mark.parametrize("name", ["refs.json", "refs.parquet"])
def test_kerchunk_opens_what_a_request_takes(store, cube, tmp_path, name):
    store.virtualize(cube)
    store.wipe("class=od,expver=1,date=20240604,levelist=500", doit=True)
    write_references(store.to_kerchunk("param=t"), tmp_path / name, is_parquet=name.endswith("parquet"))
    theirs, ours = opened(str(tmp_path / name), store, "param=t")
    assert np.isnan(ours["t"]).any()
    np.testing.assert_array_equal(theirs["t"], ours["t"])
    for coordinate in ours.coords:
        np.testing.assert_array_equal(theirs[coordinate], ours[coordinate])
    assert theirs["t"].dims == ours["t"].dims
    assert theirs["t"].attrs["units"] == "K"


def test_a_grid_that_begins_at_the_date_line_keeps_its_columns(store, surface):
    store.virtualize(surface)
    references = store.to_kerchunk("param=sd")
    assert xr.open_dataset(references, engine="kerchunk")["longitude"][0] == 180
    theirs, ours = opened(references, store, "param=sd")
    np.testing.assert_array_equal(theirs["longitude"], ours["longitude"])
    np.testing.assert_array_equal(theirs["sd"], ours["sd"])


@pytest.mark.slow
@pytest.mark.parametrize("file", ["o32.grib2", "reduced-gg.grib", "lambert.grib", "missing-values.grib", "icon.grib"])
def test_other_grids_are_opened_too(store, grib_folder, file):
    store.virtualize(grib_folder / file)
    record = next(iter(store.list()))
    request = ",".join(f"{key}={value}" for key, value in record.keys.items())
    theirs, ours = opened(store.to_kerchunk(request), store, request)
    for name in ours.data_vars:
        both = xr.align(theirs[name], ours[name]) if ours[name].ndim > 5 else (theirs[name], ours[name])
        np.testing.assert_array_equal(*(np.sort(one.values, axis=None) for one in both))


def test_messages_of_packs_are_referred_to_without_their_checksums(tmp_path, cube):
    store = dtedask.open(tmp_path / "packed", schema=Schema(layout="messages"))
    store.archive(one for path in cube for one in scan(path))
    store.flush()
    theirs, ours = opened(store.to_kerchunk("param=t"), store, "param=t")
    np.testing.assert_array_equal(theirs["t"], ours["t"])


def test_what_we_write_we_read_again(store, cube, tmp_path):
    store.virtualize(cube)
    other = dtedask.open(tmp_path / "other")
    other.virtualize(store.to_kerchunk("param=t"))
    assert sorted(other.to_grib()) == sorted(store.to_grib())


@pytest.mark.slow
def test_no_dtedask_is_needed_to_open_references(store, cube, tmp_path):
    store.virtualize(cube)
    write_references(store.to_kerchunk("param=t"), tmp_path / "refs.json")
    code = "import sys; sys.modules['dtedask'] = None; import xarray; "
    code += "found = xarray.open_dataset(sys.argv[1], engine='kerchunk').load(); "
    code += "print(float(found['t'].sum()))"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, tmp_path / "refs.json"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert float(done.stdout) == pytest.approx(float(store.retrieve("param=t")["t"].sum()))


def test_several_grids_are_as_in_retrieve(store, grib_folder):
    store.virtualize([grib_folder / "pl-regular-ll.grib", grib_folder / "healpix-h8.grib2"])
    with pytest.raises(SeveralGroupsError):
        store.to_kerchunk("param=t")


def test_points_that_run_to_and_fro_are_refused(store, grib_folder):
    store.virtualize(grib_folder / "alternate-scanning.grib")
    with pytest.raises(FieldError, match="rows run to and fro"):
        store.to_kerchunk("")


def test_encoded_fields_are_refused(store, cube):
    store.archive(cube[0])
    store.flush()
    with pytest.raises(FieldError, match=r"'t' of group 'fc/pl/.*' holds encoded fields"):
        store.to_kerchunk("param=t")


def test_a_file_that_changed_is_not_referred_to(store, cube):
    store.virtualize(cube)
    cube[0].write_bytes(cube[0].read_bytes())
    with pytest.raises(SourceChangedError, match="has changed"):
        store.to_kerchunk("param=t")


def test_messages_in_the_references_are_copied_and_coordinates_are_made_anew(store, cube):
    data = cube[0].read_bytes()
    (first, *_) = scan(cube[0])
    text = "base64:" + base64.b64encode(data[: first.length]).decode()
    done = store.virtualize({"version": 1, "refs": {"t/0.0": text, "time/0": "base64:AAAA", "t/.zattrs": "{}"}})
    assert (done.fields, done.copied) == (1, 1)
    assert list(store.to_grib()) == [data[: first.length]]


def test_values_in_the_references_have_no_message(store, cube):
    references = scan_grib(str(cube[0]), inline_threshold=10_000)
    with pytest.raises(GribUnsupportedError, match="The values of 't/0' stand in the references themselves"):
        store.virtualize(references[0])


def test_other_files_are_refused(store, tmp_path, cube):
    xr.Dataset({"t": ("x", np.arange(3.0))}).to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    with pytest.raises(GribUnsupportedError, match=r"a.nc' is netCDF 4 or HDF5"):
        store.virtualize({"version": 1, "refs": {"t/0": [str(tmp_path / "a.nc"), 1000, 24]}})
    with pytest.raises(ValueError, match="offset 7: no message starts here"):
        store.virtualize({"version": 1, "refs": {"t/0": [str(cube[0]), 7, 24]}})
    done = store.virtualize(
        {"version": 1, "refs": {"t/0": [str(cube[0]), 7, 24], "t/1": [str(cube[1])]}}, on_error="skip"
    )
    assert (done.new, len(done.skipped)) == (1, 1)


@pytest.mark.parametrize("document", [{"version": 2, "refs": {}}, "text", {"version": 1, "refs": {"a/0": [1, 2]}}])
def test_what_holds_no_references_is_told(store, document, tmp_path):
    with pytest.raises(DocumentError, match="holds no references of kerchunk"):
        list(chunks_of(document, "here"))


def test_templates_and_generated_references_are_those_of_fsspec():
    from fsspec.implementations.reference import ReferenceFileSystem

    document = {
        "version": 1,
        "templates": {"u": "/server/path", "f": "/{{c}}/x"},
        "gen": [
            {
                "key": "gen/{{i}}.{{j}}",
                "url": "{{u}}_{{i}}",
                "offset": "{{(i + 1) * 1000}}",
                "length": "{{j}}",
                "dimensions": {"i": {"stop": 3}, "j": [10, 20]},
            }
        ],
        "refs": {"a/0": ["{{u}}", 10, 20], "a/1": ["{{f(c='text')}}", 0, 1], "a/2": ["/plain"]},
    }
    oracle = ReferenceFileSystem(
        document, fs={"file": None}, simple_templates=False, skip_instance_cache=True
    ).references
    expected = {key: (value[0], value[1] if len(value) > 1 else 0) for key, value in oracle.items()}
    assert {one.key: (one.url, one.offset) for one in chunks_of(document, "here")} == expected
