"""An FDB that the real pyfdb wrote, imported: every message and value against the FDB's own bytes."""

import builtins
import dataclasses
import json
import subprocess
import sys

import dask.config
import numpy as np
import pytest

import dtedask
from dtedask.core.errors import FieldError, GribError, MissingExtraError, NoMatchError, NotFoundError, StoreError
from dtedask.geo import regular_latlon
from dtedask.grib import decode, encode, scan
from dtedask.ingest import import_fdb
from dtedask.ingest.fdb import library
from dtedask.store.schema import Schema

# In a process of its own, which ends before the tests look: what is written is on disk.
BUILD = """
import json, sys
from pathlib import Path
import pyfdb

folder, command = Path(sys.argv[1]), json.loads(sys.stdin.read())
if not (folder / "fdb").exists():
    (folder / "fdb").mkdir()
    (folder / "fdb-schema").write_text(command["schema"])
    space = {"handler": "Default", "roots": [{"path": str(folder / "fdb")}]}
    config = {"type": "local", "engine": "toc", "schema": str(folder / "fdb-schema"), "spaces": [space]}
    (folder / "fdb.yaml").write_text(json.dumps(config))
fdb = pyfdb.FDB(folder / "fdb.yaml")
for file in command["files"]:
    fdb.archive(Path(file).read_bytes())
for key, data in command["items"]:
    fdb.archive(bytes.fromhex(data), key)
fdb.flush()
"""
SCHEMA = """
param: Param; step: Step; date: Date; time: Time; expver: Expver; levelist: Double; number: Integer;

[ class, expver, stream, date, time, domain?
    [ type, levtype
        [ step, number?, levelist?, param ]]]
"""
KEYS = {"class": "od", "expver": "0001", "stream": "oper", "date": "20240603", "time": "0000", "type": "fc"}
KEYS |= {"levtype": "sfc", "param": "167"}


def build(folder, *, files=(), items=()):
    """Archive files, and items of key and bytes, into an FDB; gives its configuration."""
    command = {"schema": SCHEMA, "files": list(map(str, files)), "items": [(key, data.hex()) for key, data in items]}
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(folder)],
        input=json.dumps(command),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return folder / "fdb.yaml"


@pytest.fixture(scope="module")
def files(grib_folder):
    return [grib_folder / name for name in ("ens-50.grib", "missing-values.grib", "o32.grib2")]


@pytest.fixture(scope="module")
def fdb(files, tmp_path_factory):
    """An FDB of real messages."""
    return build(tmp_path_factory.mktemp("fdb"), files=files)


def message(step, value=280.0, **keys):
    grid = regular_latlon(np.arange(90.0, -91, -30), np.arange(0.0, 360, 30))
    return encode(np.full(grid.shape, value, dtype="float32"), {**KEYS, "step": str(step), **keys}, grid)


@pytest.mark.slow
def test_with_layout_messages_the_very_bytes_of_the_fdb_are_kept(fdb, files, tmp_path):
    store = dtedask.open(tmp_path / "root", schema=Schema.model_validate({"layout": "messages"}))
    done = import_fdb({}, fdb, store)
    assert done.is_complete
    assert sorted(data for _, data in store.read()) == sorted(one.read() for file in files for one in scan(file))
    assert (done.entries, done.new) == (54, 54)
    again = import_fdb({}, fdb, store)
    assert (again.unchanged, again.commits) == (54, ())


@pytest.mark.slow
def test_with_layout_map_every_value_is_what_eccodes_says_of_the_fdb_s_message(fdb, files, store):
    import_fdb("class=od", fdb, store)
    wanted = {
        (frozenset(one.field.keys.items()), one.field.grid.label): decode(one.read(), one.field.order)
        for file in files
        for one in scan(file)
        if one.field.keys["class"] == "od"
    }
    found = {(frozenset(record.keys.items()), record.grid.label): values for record, values in store.values(None)}
    assert found.keys() == wanted.keys()
    for place, values in found.items():
        np.testing.assert_array_equal(values, wanted[place])


@pytest.mark.slow
def test_a_request_takes_its_part_and_small_commits_make_the_same_root(fdb, store, tmp_path):
    seen = []
    with dask.config.set({"dtedask.store.copy-bytes": 1000}):
        done = import_fdb("class=od,stream=enfo,type=pf,number=1/to/12", fdb, store, on_progress=seen.append)
    assert done.new == len(list(store.list())) == 12
    assert len(done.commits) > 1
    assert (seen[-1].fields_done, seen[-1].bytes_done) == (done.entries, done.bytes)
    other = dtedask.open(tmp_path / "other")
    import_fdb("class=od,stream=enfo,type=pf,number=1/to/12", fdb, other)
    assert store.compare(None, other).is_equal


def test_a_dry_run_counts_and_writes_nothing(fdb, tmp_path):
    planned = import_fdb("class=od", fdb, dtedask.open(tmp_path / "root"), dry_run=True)
    assert (planned.is_done, planned.entries > 0, planned.commits) == (False, True, ())
    assert not (tmp_path / "root").exists()


@pytest.mark.slow
def test_an_index_that_says_something_else_than_its_message_is_told(tmp_path, store):
    items = [({**KEYS, "step": "12"}, message(6)), ({**KEYS, "step": "18"}, message(18))]
    config = build(tmp_path, items=items)
    done = import_fdb({}, config, store)
    (one,) = done.mismatched
    assert dict(one.differing) == {"step": ("12", "6")}
    assert (one.is_taken, done.is_complete) == (False, False)
    assert store.axes()["step"] == ["18"]
    assert import_fdb({}, config, store, on_mismatch="take").is_complete
    assert store.axes()["step"] == ["6", "18"]
    with pytest.raises(FieldError, match="step=12 is 6"):
        import_fdb({}, config, store, strict=True)


@pytest.mark.slow
def test_other_bytes_are_kept_under_the_keys_of_the_index(tmp_path, store):
    config = build(tmp_path, items=[({**KEYS, "step": "0"}, b"a warning"), ({**KEYS, "step": "6"}, message(6))])
    assert import_fdb({}, config, store).is_complete
    ((record, data),) = store.read("class=od,grid=opaque")
    assert (data, record.keys["step"]) == (b"a warning", "0")


@pytest.mark.slow
def test_what_cannot_be_taken_is_listed_and_all_else_is_taken(tmp_path, store, undecodable):
    bad = [({**KEYS, "step": "0"}, message(0)[:-40]), ({**KEYS, "step": "6"}, undecodable(message(6)))]
    good = [({**KEYS, "step": str(step)}, message(step)) for step in (12, 18, 24)]
    config = build(tmp_path, items=[*good, *bad])
    done = import_fdb({}, config, store)
    assert {one.keys["step"] for one in done.not_taken} == {"0", "6"}
    assert (done.new, done.is_complete) == (3, False)
    assert store.axes()["step"] == ["12", "18", "24"]
    with pytest.raises(GribError, match="ends|cut|decoded"):
        import_fdb({}, config, store, strict=True)


@pytest.mark.slow
def test_a_field_that_does_not_fit_into_the_cube_does_not_stop_the_others(tmp_path, store):
    store.archive(np.zeros((7, 12), "float32"), {**KEYS, "number": "1", "step": "0", "grid": "30x30"})
    store.flush()
    messages = tmp_path / "messages.grib"
    messages.write_bytes(message(0) + message(6, param="168") + message(12, param="168"))
    done = import_fdb({}, build(tmp_path, files=[messages]), store)
    (one,) = done.not_taken
    assert "lacks member" in one.reason
    assert (one.keys["param"], done.new) == ("167", 2)
    assert store.axes("param=2d")["step"] == ["6", "12"]


def test_nothing_there_and_nothing_to_read_with_are_told(fdb, store, tmp_path, monkeypatch):
    with pytest.raises(NoMatchError, match="has no field of class=ea"):
        import_fdb("class=ea", fdb, store)
    with pytest.raises(NotFoundError, match="configuration"):
        import_fdb({}, tmp_path / "no.yaml", store)
    with pytest.raises(StoreError, match="refuses to list class=od,stream=enfo,type=cf,number=1"):
        import_fdb("class=od,stream=enfo,type=cf,number=1", fdb, store)
    importing = builtins.__import__

    def without(name, *arguments, **options):
        if name == "pyfdb":
            raise ImportError("No module named 'pyfdb'")
        return importing(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"pip install \"dtedask\[fdb\]\""):
        import_fdb({}, fdb, store)


@pytest.mark.slow
def test_bytes_that_are_not_in_a_file_of_this_host_are_held_in_portions(fdb, files, tmp_path, monkeypatch):
    here = library._element
    monkeypatch.setattr(library, "_element", lambda found: dataclasses.replace(here(found), path=""))
    store = dtedask.open(tmp_path / "root", schema=Schema.model_validate({"layout": "messages"}))
    with dask.config.set({"dtedask.ingest.memory-limit": "8 KiB"}):
        done = import_fdb({}, fdb, store)
    assert len(done.commits) > 4
    assert sorted(data for _, data in store.read()) == sorted(one.read() for file in files for one in scan(file))


@pytest.mark.slow
def test_all_real_messages_that_an_fdb_takes_come_out_of_it_as_they_are(grib_folder, tmp_path):
    names = ("era5-levels-members.grib", "pl-regular-ll.grib", "ifs-oper-surface.grib2", "ens-50.grib")
    files = [grib_folder / name for name in names]
    config = build(tmp_path, files=files)
    for layout in ("messages", "map"):
        store = dtedask.open(tmp_path / layout, schema=Schema.model_validate({"layout": layout}))
        done = import_fdb({}, config, store)
        assert (done.not_taken, done.mismatched) == ((), ())
        found = store.compare(None, files)
        assert (found.differences, found.compared) == ((), done.entries)
