"""`dtedask store relocate`, and what reading says before it."""

import shutil

import pytest

import dtedask
from dtedask.grib import scan
from dtedask.store import Schema


def messages(source):
    data = source if isinstance(source, bytes) else source.read_bytes()
    return [data[one.offset : one.offset + one.length] for one in scan(data)]


@pytest.fixture
def moved(grib, tmp_path):
    """A root of messages that was moved."""
    store = dtedask.open(tmp_path / "old", schema=Schema(layout="messages"))
    store.archive(grib / "forecast.grib2")
    store.flush()
    shutil.move(tmp_path / "old", tmp_path / "new")
    return tmp_path / "new"


def test_what_was_moved_is_read_again_when_it_is_relocated(run, moved, grib):
    failed = run("store read class=ea --to", moved.parent / "out.grib", "--root", moved)
    assert failed.status == 1
    assert f"`dtedask store relocate --root {moved}`" in failed.err.replace("\n", " ")
    assert "Nothing was done." in run("store relocate --dry-run --root", moved).err
    done = run("store relocate --from", moved.parent / "old", "--json", "--root", moved).lines[0]
    assert done["references"] == done["cubes"][0]["references"]["main"] == len(list(dtedask.open(moved).list()))
    assert run("store read class=ea --to", moved.parent / "out.grib", "--root", moved).status == 0
    original = (grib / "forecast.grib2").read_bytes()
    assert sorted(messages(moved.parent / "out.grib")) == sorted(messages(original))
    assert "nothing is to be done" in run("store relocate --root", moved).err
