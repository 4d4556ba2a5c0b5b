"""Disks that fill at any moment, and roots that can only be read."""

import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

import dtedask
from dtedask.core.errors import ReadOnlyError, StoreError
from dtedask.store import Schema
from tests.store.faults.workers import LEVELS, archive_step, field, running, values_of

ALL = "class=rd,expver=test"
PAGE = 4096


@pytest.fixture
def disk(tmp_path):
    """A small disk of its own."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)], check=False)
    if mounted.returncode != 0:
        pytest.skip("a small disk cannot be mounted here")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@contextmanager
def only_so_many_pages(disk, pages):
    """Fill a disk up to some pages, for the length of a block."""
    ballast = disk / "ballast"
    found = os.statvfs(disk)
    with ballast.open("wb") as file:
        file.write(bytes(max(found.f_bavail * found.f_frsize - pages * PAGE, 0)))
    try:
        yield
    finally:
        ballast.unlink()


def steps(root):
    return sorted({int(record.keys["step"]) for record in dtedask.open(root).list()})


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["map", "messages"])
def test_a_disk_that_is_full_at_any_moment_of_a_commit_leaves_the_cube_whole(disk, layout):
    root = disk / "root"
    archive_step(dtedask.open(root, schema=Schema(layout=layout)), 0)
    whole, failed = [0], {}
    for pages in range(24):
        store = dtedask.open(root)
        with only_so_many_pages(disk, pages):
            try:
                archive_step(store, pages + 1)
            except StoreError as error:
                failed[pages] = str(error)
            assert steps(root) == (whole if pages in failed else [*whole, pages + 1])
        store.flush()  # the same again, when there is room
        whole.append(pages + 1)
        assert steps(root) == whole
        assert not list((root / ".dtedask" / "open").rglob("*.json"))
    assert {0, 1, 2} <= set(failed) < set(range(24))
    assert [text for text in failed.values() if "is full; nothing was published. Make room" not in text] == []
    values = dtedask.open(root).retrieve("step=24")["t"].sel(level=[float(level) for level in LEVELS])
    assert np.array_equal(values.to_numpy().ravel(), np.concatenate([values_of(24, one).ravel() for one in LEVELS]))
    assert dtedask.open(root).verify().is_whole


def test_a_lock_that_the_full_disk_does_not_take_is_an_error_and_the_others_stay(disk):
    root = disk / "root"
    store = dtedask.open(root)
    archive_step(store, 0)
    store.lock("step=0", ["wipe"], reason="first")
    with only_so_many_pages(disk, 0), pytest.raises(StoreError, match="is full"):
        store.lock("step=6", ["wipe"], reason="second")
    assert [lock.reason for lock in dtedask.open(root).locks()] == ["first"]


def writing_calls(store):
    yield lambda: archive_step(store, 6)
    yield lambda: store.wipe(f"{ALL},step=0", doit=True)
    yield lambda: store.lock("step=0")
    yield lambda: store.tag("mine")
    yield lambda: store.purge(keep_commits=1)


def check_read_only(root):
    """Everything can be read; everything that writes says that it cannot."""
    store = dtedask.open(root)
    assert steps(root) == [0]
    assert store.retrieve("step=0,levelist=500")["t"].shape[-2:] == (12, 18)
    assert store.verify().is_whole
    assert len(store.history()) == 1
    for call in writing_calls(store):
        with pytest.raises(ReadOnlyError, match="cannot be written"):
            call()
        store.discard()
    assert steps(root) == [0]


def test_a_root_on_a_read_only_disk_is_read_and_refuses_to_be_written(disk, tmp_path):
    archive_step(dtedask.open(disk / "root"), 0)
    view = tmp_path / "view"
    view.mkdir()
    subprocess.run(["mount", "--bind", str(disk), str(view)], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", str(view)], check=True)
        check_read_only(view / "root")
    finally:
        subprocess.run(["umount", "--lazy", str(view)], check=True)


def read_as_nobody(connection, root):
    warm = dtedask.open("memory://warm")  # whatever is imported late is imported now
    archive_step(warm, 0)
    assert steps("memory://warm") == [0]
    for call in writing_calls(warm):
        call()
    warm.verify()
    warm.retrieve("step=6,levelist=500")["t"].load()
    os.environ["XDG_STATE_HOME"] = root
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
    check_read_only(root)
    connection.send("read")


@pytest.mark.slow
def test_a_root_of_somebody_else_is_read_and_refuses_to_be_written():
    if os.geteuid() != 0:
        pytest.skip("becoming somebody else needs root")
    folder = Path(tempfile.mkdtemp())
    try:
        folder.chmod(0o755)
        archive_step(dtedask.open(folder / "root"), 0)
        with running(read_as_nobody, str(folder / "root")) as (process, connection):
            assert connection.poll(60)
            assert connection.recv() == "read"
            process.join(30)
    finally:
        shutil.rmtree(folder)


def test_a_reader_of_a_disk_that_fills_reads_on(disk):
    root = disk / "root"
    archive_step(dtedask.open(root), 0)
    with only_so_many_pages(disk, 0):
        assert steps(root) == [0]
        store = dtedask.open(root)
        store.archive(*field(6, 500))
        with pytest.raises(StoreError, match="is full"):
            store.flush()
        store.discard()
        assert float(store.retrieve("step=0,levelist=500")["t"].max()) <= 1
