"""Packs: what nobody needs is taken away, and nothing else."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import dask
import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import dtedask
from dtedask.store import Schema
from dtedask.store.location import Location
from dtedask.store.repository import open_repository
from tests.store.conftest import make_field

CUBE = "rd/enfo/test"
KEPT = Schema(layout="messages")
QUICK = {"dtedask.store.longest-reader": 0, "dtedask.store.clock-slack": 0}


@pytest.fixture(autouse=True)
def _no_time_to_wait():
    with dask.config.set(QUICK):
        yield


@pytest.fixture
def store(tmp_path):
    return dtedask.open(tmp_path / "root", schema=KEPT)


def archive(store, value, **keys):
    array, keys = make_field(value, **{"number": "1", "levelist": "500", **keys})
    store.archive(array, keys)
    return store.flush()[0]


def packs(root):
    return {path.name for path in (Path(root) / CUBE / "packs").iterdir()}


def needed(root, *snapshots):
    """Packs that Icechunk says some snapshots refer to."""
    repo = open_repository(Location.parse(root), CUBE)
    sessions = [repo.readonly_session(snapshot_id=snapshot) for snapshot in snapshots or [repo.lookup_branch("main")]]
    return {Path(url).name for session in sessions for url in session.all_virtual_chunk_locations()}


def test_packs_of_expired_commits_go_and_those_of_the_others_stay(store):
    commits = [archive(store, float(number)) for number in range(4)]
    assert len(packs(store.root)) == 4
    size = sum(path.stat().st_size for path in (Path(store.root) / CUBE / "packs").iterdir())
    (cube,) = store.purge(keep_commits=2).cubes
    assert cube.removed.packs == 2
    assert cube.removed.size_bytes > size // 2
    assert packs(store.root) == needed(store.root, *(commit.snapshot for commit in commits[2:]))
    assert store.purge(keep_commits=2).objects == 0


@pytest.mark.slow
@pytest.mark.parametrize("keeper", ["tag", "branch", "reader"])
def test_a_tag_a_branch_and_a_reader_keep_the_packs_that_they_need(store, keeper):
    first = archive(store, 1.0)
    past = store.at(first.snapshot)
    expected = past.retrieve({})["t"].to_numpy()
    if keeper == "tag":
        store.tag("good")
    elif keeper == "branch":
        store.create_branch("other")
    with past.reading() if keeper == "reader" else dask.config.set({}):
        archive(store, 2.0)
        assert store.purge(keep_commits=1).cubes[0].removed.packs == 0
        np.testing.assert_array_equal(dtedask.open(store.root, at=first.snapshot).retrieve({})["t"], expected)
    if keeper == "tag":
        store.untag("good")
    elif keeper == "branch":
        store.delete_branch("other")
    assert store.purge(keep_commits=1).cubes[0].removed.packs == 1


def test_a_pack_stays_while_some_of_its_messages_are_needed(store):
    for level in ("500", "850"):
        store.archive(*make_field(1.0, number="1", levelist=level))
    store.flush()
    archive(store, 2.0, levelist="850")
    store.purge(keep_commits=1)
    assert len(packs(store.root)) == 2
    archive(store, 3.0, levelist="500")
    assert store.purge(keep_commits=1).cubes[0].removed.packs == 1
    assert packs(store.root) == needed(store.root)


def test_a_dry_run_counts_what_nobody_refers_to_and_leaves_it(store):
    archive(store, 1.0)
    stray = Path(store.root) / CUBE / "packs" / f"{'0' * 32}.grib"
    stray.write_bytes(b"GRIB" * 100)
    removed = store.purge(dry_run=True).cubes[0].removed
    assert (removed.packs, removed.size_bytes) == (1, 400)
    assert stray.exists()
    assert store.purge().cubes[0].removed == removed
    assert not stray.exists()


def test_an_open_transaction_keeps_packs_that_nobody_refers_to_yet(store):
    from dtedask.store.upkeep.registry import registered

    archive(store, 1.0)
    with registered(Location.parse(store.root), CUBE):
        stray = Path(store.root) / CUBE / "packs" / f"{'0' * 32}.grib"
        stray.write_bytes(b"GRIB")
        assert store.purge().cubes[0].removed.packs == 0
    assert store.purge().cubes[0].removed.packs == 1


KILLED = """
    import os, signal, sys
    sys.path.insert(0, {repository!r})
    import dask
    import dtedask
    from dtedask.store.layouts import packs
    from dtedask.store import transaction
    from dtedask.store.upkeep import packs as upkeep, purge
    from dtedask.store.root_files import RootFiles
    from tests.store.upkeep.test_packs import QUICK, archive

    def die(*args, **kwargs):
        os.kill(os.getpid(), signal.SIGKILL)

    def half(self, data, write=packs.LocalPack._write):
        write(self, data[:20])
        self._file.flush()
        die()

    stage = {stage!r}
    dask.config.set(QUICK)
    store = dtedask.open({root!r})
    if stage == "half a pack":
        packs.LocalPack._write = half
    elif stage == "no commit":
        transaction.keep_digests = die
    elif stage == "no purge":
        purge.remove_packs = die
    else:
        delete = RootFiles.delete
        RootFiles.delete = lambda self, name: (delete(self, name), "/packs/" in name and die())
    store.purge(keep_commits=1) if "purge" in stage else archive(store, 9.0)
"""


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["half a pack", "no commit", "no purge", "half a purge"])
def test_whoever_is_killed_leaves_nothing_that_the_next_purge_does_not_take(store, repository, stage):
    for number in range(4):
        archive(store, float(number))
    expected = store.retrieve({})["t"].to_numpy()
    code = textwrap.dedent(KILLED).format(repository=str(repository), stage=stage, root=store.root)
    killed = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    np.testing.assert_array_equal(dtedask.open(store.root).retrieve({})["t"], expected)
    assert store.verify().is_whole
    removed = store.purge(keep_commits=1).cubes[0].removed
    assert removed.packs == {"half a pack": 4, "no commit": 4, "no purge": 3, "half a purge": 2}[stage]
    assert packs(store.root) == needed(store.root)
    np.testing.assert_array_equal(dtedask.open(store.root).retrieve({})["t"], expected)
    assert archive(store, 9.0).sequence == 5


class Histories(RuleBasedStateMachine):
    """Whatever is done to a cube of messages, what it lists can be read, and a purge leaves what is referred to."""

    roots = None
    names = itertools.count()

    @initialize()
    def begin(self):
        self.store = dtedask.open(self.roots / f"{next(self.names)}", schema=KEPT)
        self.model, self.tags, self.past = {}, {}, []

    @rule(
        levels=st.sets(st.sampled_from(["500", "700", "850"]), min_size=1),
        step=st.sampled_from("06"),
        value=st.integers(0, 2),
    )
    def archive(self, levels, step, value):
        for level in sorted(levels):
            array, keys = make_field(value, number="1", levelist=level, step=step)
            self.store.archive(array, keys)
            self.model[level, step] = array.to_numpy()
        self.remember(self.store.flush())

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def wipe(self, data):
        level = data.draw(st.sampled_from(sorted({level for level, _ in self.model})))
        done = self.store.wipe({"expver": "test", "levelist": level}, doit=True, minimum_keys=("expver",))
        self.model = {key: values for key, values in self.model.items() if key[0] != level}
        self.remember(done.commits)

    @precondition(lambda self: self.past and len(self.tags) < 3)
    @rule()
    def tag(self):
        name = f"tag-{len(self.tags)}"
        self.store.tag(name)
        self.tags[name] = dict(self.model)

    @precondition(lambda self: len(self.past) > 1)
    @rule(data=st.data())
    def rollback(self, data):
        snapshot, model = data.draw(st.sampled_from(self.past))
        self.remember(self.store.rollback(snapshot, doit=True).commits)
        self.model = dict(model)
        if self.past:
            self.past[-1] = (self.past[-1][0], dict(model))

    @precondition(lambda self: self.past)
    @rule()
    def purge(self):
        self.store.purge(keep_commits=1)
        self.past = self.past[-1:]
        repo = open_repository(Location.parse(self.store.root), CUBE)
        tips = [repo.lookup_branch(name) for name in repo.list_branches()]
        tips += [repo.lookup_tag(name) for name in repo.list_tags()]
        assert packs(self.store.root) == needed(self.store.root, *tips)

    def remember(self, commits):
        self.past += [(commit.snapshot, dict(self.model)) for commit in commits]

    @invariant()
    def everything_that_is_listed_can_be_read(self):
        if self.past:
            self.check(dtedask.open(self.store.root), self.model)
            for name, model in self.tags.items():
                self.check(self.store.at(name), model)

    def check(self, store, model):
        records = list(store.list())
        read = store.values({}) if records else ()
        found = {(one.keys["levelist"], one.keys["step"]): values for one, values in read}
        assert len(records) == len(model)
        assert found.keys() == model.keys()
        assert all(np.array_equal(found[key], model[key]) for key in model)


@pytest.mark.slow
def test_any_history_of_a_cube_of_messages(tmp_path):
    Histories.roots = tmp_path
    run_state_machine_as_test(Histories, settings=settings(max_examples=8, stateful_step_count=10, deadline=None))
