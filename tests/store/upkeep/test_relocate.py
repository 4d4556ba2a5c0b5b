"""A root that was moved is read as before, once it is relocated."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import dask
import icechunk
import numpy as np
import pytest
import zarr

import dtedask
from dtedask.core.errors import MovedError, NotFoundError
from dtedask.store import Schema
from dtedask.store.location import Location
from dtedask.store.repository import open_repository
from tests.store.conftest import make_field

CUBE = "rd/enfo/test"


@pytest.fixture
def old(tmp_path):
    """A root of three commits, a tag and a branch."""
    store = dtedask.open(tmp_path / "old root", schema=Schema(layout="messages"))
    for value in (1.0, 2.0, 3.0):
        for level in ("500", "850"):
            store.archive(*make_field(value, number="1", levelist=level))
        store.flush()
        if value == 2.0:
            store.tag("second")
    store.create_branch("test")
    branch = dtedask.open(store.root, branch="test")
    branch.archive(*make_field(4.0, number="1", levelist="700"))
    branch.flush()
    return Path(store.root)


def states(root):
    """What is read of a root in each state that can be named."""
    store = dtedask.open(root)
    opened = {commit.snapshot: store.at(commit.snapshot) for commit in store.history()}
    opened |= {"": store, "second": store.at("second"), "test": dtedask.open(root, branch="test")}
    return {name: one.retrieve({})["t"].to_numpy() for name, one in opened.items()}


def assert_same(found, expected):
    assert found.keys() >= expected.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values)


def move(old, new):
    shutil.move(old, new)
    return new


@pytest.mark.slow
def test_what_was_moved_is_read_in_every_state_once_it_is_relocated(old, tmp_path):
    expected = states(old)
    new = move(old, tmp_path / "new")
    with pytest.raises(MovedError, match=f"relocate --root {new}"):
        states(new)
    done = dtedask.open(new).relocate()
    assert done.cubes[0].references == {"main": 2, "test": 3}
    assert_same(states(new), expected)
    assert dtedask.open(new).relocate().references == 0


@pytest.mark.slow
def test_a_copy_needs_nothing_of_the_original(old, tmp_path):
    expected = states(old)
    new = shutil.copytree(old, tmp_path / "copy")
    dtedask.open(new).relocate(old)
    assert_same(states(old), expected)
    shutil.rmtree(old)
    assert_same(states(new), expected)


@pytest.mark.slow
def test_fields_are_the_same_before_and_after(old, tmp_path):
    before = dtedask.open(old).history()[-1]
    new = move(old, tmp_path / "new")
    store = dtedask.open(new)
    store.relocate()
    last = store.history()[-1]
    assert (last.sequence, last.fields, last.message) == (before.sequence + 1, 0, "2 references relocated")
    assert store.diff(before.snapshot).cubes == ()
    assert store.verify(all_snapshots=True).is_whole


def test_a_dry_run_counts_and_changes_nothing(old, tmp_path):
    new = move(old, tmp_path / "new")
    before = {path: path.read_bytes() for path in (new / CUBE).rglob("*") if path.is_file()}
    assert dtedask.open(new).relocate(dry_run=True).references == 5
    assert {path: path.read_bytes() for path in (new / CUBE).rglob("*") if path.is_file()} == before


def test_plain_icechunk_reads_a_root_that_was_relocated(old, tmp_path):
    expected = dtedask.open(old).retrieve({})["t"].to_numpy()
    new = move(old, tmp_path / "new")
    dtedask.open(new).relocate()
    storage = icechunk.local_filesystem_storage(str(new / CUBE))
    places = icechunk.Repository.fetch_config(storage).virtual_chunk_containers
    repo = icechunk.Repository.open(storage, authorize_virtual_chunk_access=dict.fromkeys(places))
    array = zarr.open_group(repo.readonly_session("main").store, mode="r")["pf/pl"]
    ((_, group),) = array.groups()
    np.testing.assert_array_equal(np.squeeze(group["t"][...]), np.squeeze(expected))


def test_packs_that_were_not_copied_are_named(old, tmp_path):
    new = shutil.copytree(old, tmp_path / "copy")
    for pack in (new / CUBE / "packs").iterdir():
        pack.unlink()
    with pytest.raises(NotFoundError, match=r"The pack '\w+.grib' of .* is not in the cube"):
        dtedask.open(new).relocate(old)
    assert dtedask.open(new).relocate().references == 0


@pytest.mark.slow
def test_a_root_can_be_moved_again_and_back(old, tmp_path):
    expected = states(old)
    place = old
    for name in ("one", "two"):
        place = move(place, tmp_path / name)
        dtedask.open(place).relocate()
    dtedask.open(move(place, old)).relocate()
    assert_same(states(old), expected)


@pytest.mark.slow
def test_what_is_written_after_a_move_is_read_by_everyone_before_and_after_it_is_relocated(old, tmp_path):
    new = move(old, tmp_path / "new")
    store = dtedask.open(new)
    store.archive(*make_field(9.0, number="1", levelist="1000"))
    store.flush()
    assert store.retrieve("levelist=1000")["t"].size
    with pytest.raises(MovedError, match="was moved or copied"):
        store.retrieve("levelist=500")["t"].to_numpy()
    assert store.relocate().cubes[0].references["main"] == 2
    assert store.retrieve({})["t"].sizes["level"] == 3


@pytest.mark.slow
def test_purge_of_a_relocated_root_keeps_what_the_past_needs(old, tmp_path):
    new = move(old, tmp_path / "new")
    store = dtedask.open(new)
    store.relocate()
    with dask.config.set({"dtedask.store.longest-reader": 0, "dtedask.store.clock-slack": 0}):
        store.purge(keep_commits=1)
    assert store.at("second").retrieve({})["t"].to_numpy().ravel()[0] == 2.0
    assert (new / CUBE / "packs/moved.json").exists()
    assert len(list((new / CUBE / "packs").glob("*.grib"))) == 3


@pytest.mark.slow
def test_a_root_that_is_called_by_another_path_is_read_by_both(old, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(old)
    store = dtedask.open(link)
    store.archive(*make_field(9.0, number="1", levelist="1000"))
    store.flush()
    for path in (old, link):
        assert dtedask.open(path).retrieve({})["t"].sizes["level"] == 3
        assert dtedask.open(path).retrieve({})["t"].notnull().all()


@pytest.mark.slow
def test_time_series_and_their_past_move_with_the_root(tmp_path):
    store = dtedask.open(tmp_path / "old", schema=Schema(layout="messages"))
    steps = ("0", "6", "12", "18")
    for step in steps:
        store.archive(*make_field(float(step), number="1", levelist="500", step=step))
    store.flush()
    store.rechunk("class=rd,step=0/to/18/by/6")
    before = store.history()[-1].snapshot
    store.tag("whole")
    new = move(tmp_path / "old", tmp_path / "new")
    moved = dtedask.open(new)
    point = {"latitude": 1, "longitude": 2}
    with pytest.raises(MovedError, match="was moved or copied"):
        moved.retrieve({})["t"].isel(point).to_numpy()
    moved.relocate()
    expected = [float(step) + 6 / 128 for step in steps]
    for state in (moved, moved.at("whole"), moved.at(before)):
        np.testing.assert_allclose(state.retrieve({})["t"].isel(point).to_numpy().ravel(), expected)
    assert moved.verify(all_snapshots=True).is_whole


KILLED = """
    import os, signal, sys
    import dtedask
    from dtedask.store import transaction
    from dtedask.store.upkeep import relocate

    def die(*args, **kwargs):
        os.kill(os.getpid(), signal.SIGKILL)

    place, name = {{
        "noted": (relocate, "allow_packs"),
        "flushed": (transaction, "keep_digests"),
        "one branch": (relocate, "run_after_commit"),
    }}[{stage!r}]
    setattr(place, name, die)
    dtedask.open({root!r}).relocate()
"""


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["noted", "flushed", "one branch"])
def test_a_relocation_that_is_killed_goes_on_the_next_time(old, tmp_path, stage):
    expected = states(old)
    new = move(old, tmp_path / "new")
    code = textwrap.dedent(KILLED).format(stage=stage, root=str(new))
    killed = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    left = dtedask.open(new).relocate().cubes[0].references
    assert left == ({"test": 3} if stage == "one branch" else {"main": 2, "test": 3})
    assert_same(states(new), expected)
    repo = open_repository(Location.parse(new), CUBE)
    found = repo.readonly_session("main").all_virtual_chunk_locations()
    assert {url.rsplit("/", 1)[0] for url in found} == {(new / CUBE / "packs").as_uri()}
