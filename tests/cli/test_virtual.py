"""Virtual cubes on the command line."""

import os

import pytest
import xarray as xr

import dtedask


@pytest.fixture
def virtual(run, grib, here):
    """A root that refers to the files of `grib`."""
    assert run("store virtualize --root virtual", grib / "forecast.grib2", grib / "more").status == 0
    return here / "virtual"


def test_virtualize_says_what_it_did_and_does_nothing_twice(run, grib, here):
    dry = run("store virtualize --root virtual --dry-run", grib / "more")
    assert "would be referred to from ea/enda/0001" in dry.err
    assert not (here / "virtual").exists()
    (done,) = run("store virtualize --root virtual --json -m 'of others'", grib / "more").lines
    assert (done["new"], done["copied"], done["dry_run"]) == (done["fields"], 0, False)
    again = run("store virtualize --root virtual", grib / "more")
    assert f"0 new, 0 replaced, {done['fields']} unchanged" in again.err
    (commit,) = dtedask.open("virtual").history()
    assert commit.message == "of others"


def test_a_file_that_changed_is_an_error_with_its_name_and_the_remedy(run, grib, virtual):
    path = next((grib / "more").glob("*.grib"))
    before = path.stat()
    os.utime(path)
    try:
        done = run(f"store retrieve --root {virtual} --to all.grib2 class=ea")
    finally:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert done.status == 1
    assert path.name in done.err
    assert "dtedask store virtualize" in done.err


def test_kerchunk_writes_references_that_it_opens(run, virtual, here):
    (done,) = run(f"store kerchunk --root {virtual} class=ea,param=t,levelist=500 -o t.json --json").lines
    references = xr.open_dataset("t.json", engine="kerchunk")
    assert done["fields"] == references["t"].sizes["forecast_reference_time"] * references["t"].sizes["member"]
    assert run(f"store kerchunk --root {virtual} class=od -o t.json").status == 3
    (here / "folder.parquet").mkdir()
    refused = run(f"store kerchunk --root {virtual} class=ea,param=t -o folder.parquet")
    assert "holds no references" in refused.err
    assert refused.status == 2
