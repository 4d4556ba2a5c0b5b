"""Purges that are killed, that meet each other, and that run beside writers and readers."""

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import dask
import numpy as np
import pytest

import dtedask
from dtedask.store.location import Location
from dtedask.store.upkeep.registry import registrations

CUBE = "rd/enfo/test"
QUICK = {"dtedask.store.longest-reader": 0, "dtedask.store.clock-slack": 0}
HEAD = """
    import os, signal, sys
    sys.path.insert(0, {tests!r})
    import dask
    import numpy as np
    from conftest import make_field
    import dtedask
    dask.config.set({{"dtedask.store.longest-reader": 0, "dtedask.store.clock-slack": 0}})
    store = dtedask.open({root!r})
"""
KILLED = """
    from dtedask.store.upkeep import purge, registry

    def die(*args, **kwargs):
        os.kill(os.getpid(), signal.SIGKILL)

    stage = {stage!r}
    if stage == "half collected":
        import icechunk
        collect = icechunk.Repository.garbage_collect
        def half(repo, before, **options):
            import threading
            threading.Timer(0.002, die).start()
            while True:
                collect(repo, before, **options)
        icechunk.Repository.garbage_collect = half
    else:
        place, name = {{
            "not expired": (purge, "left_behind"),
            "expired": (purge._CubePurger, "_collect"),
            "told": (purge, "run_after_purge"),
        }}[stage]
        setattr(place, name, die)
    store.purge(keep_commits=3)
"""
PURGES = """
    print("ready", flush=True)
    while True:
        store.purge(keep_commits=2)
"""
STAGES = ("not expired", "expired", "half collected", "told")


def code(text, root, **values):
    tests = str(Path(__file__).parents[1])
    return textwrap.dedent(HEAD).format(tests=tests, root=str(root)) + textwrap.dedent(text).format(**values)


def commit(store, make_field, value, **keys):
    array, keys = make_field(0.0, shape=(15, 30), **{"number": "1", "levelist": "500", **keys})
    store.archive(array.copy(data=contents(value, array.shape)), keys)
    (done,) = store.flush()
    return done


def contents(value, shape=(15, 30)):
    """A field that does not compress, so that it is an object of its own, and names its commit."""
    values = np.random.default_rng(value).random(shape, dtype="float32")
    values[0, 0] = value
    return values


def check(store, value):
    assert np.array_equal(store.retrieve({})["t"].to_numpy().reshape(15, 30), contents(value))


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES)
def test_a_purge_killed_at_any_step_harms_nothing_and_the_next_goes_on(tmp_path, make_field, stage):
    store = dtedask.open(tmp_path)
    commits = [commit(store, make_field, value) for value in range(1, 9)]
    killed = subprocess.run(
        [sys.executable, "-c", code(KILLED, tmp_path, stage=stage)], check=False, capture_output=True, text=True
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    for value in (6, 7, 8):
        check(store.at(commits[value - 1].snapshot), value)
    assert commit(store, make_field, 9).sequence == 9
    with dask.config.set(QUICK):
        (cube,) = store.purge(keep_commits=3).cubes
        assert cube.removed.registrations == 1
        assert [one.sequence for one in store.history()] == [7, 8, 9]
        assert store.purge(keep_commits=3).objects == 0
    assert len(list((tmp_path / CUBE / "chunks").iterdir())) == 3
    for value in (7, 8, 9):
        check(store.at(store.history()[value - 7].snapshot), value)
    assert registrations(Location.parse(tmp_path), CUBE) == []


@pytest.mark.slow
def test_purges_at_once_beside_a_writer_and_a_reader_lose_nothing(tmp_path, make_field):
    store = dtedask.open(tmp_path)
    commit(store, make_field, 1)
    command = [sys.executable, "-c", code(PURGES, tmp_path)]
    purges = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    try:
        assert [purge.stdout.readline() for purge in purges] == ["ready\n"] * 2
        for value in range(2, 14):
            with store.reading():
                before = store.retrieve({})
                assert commit(store, make_field, value).sequence == value
                # Lazy: it is read now that its state has been replaced.
                assert np.array_equal(before["t"].to_numpy().reshape(15, 30), contents(value - 1))
            check(store, value)
        assert [purge.poll() for purge in purges] == [None, None]
    finally:
        for purge in purges:
            purge.kill()
            purge.communicate()
    with dask.config.set(QUICK):
        store.purge(keep_commits=1)
    assert len(list((tmp_path / CUBE / "chunks").iterdir())) == 1
