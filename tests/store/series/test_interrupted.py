"""Rechunks that are broken off, and that run beside writers and purges."""

import random
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import dask
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dtedask
from dtedask.core.commit import Change, Commit
from dtedask.request import Request
from dtedask.store import Execution
from dtedask.store.past.touched import Touched, _same_manifests
from dtedask.store.series import plan, publish, rechunk
from dtedask.store.series.follow import _narrowed, keep_up
from tests.store.faults.workers import running
from tests.store.series.workers import make_series

ALL = "class=rd,expver=test"
DATES = ("20240101", "20240102", "20240103", "20240104")


@pytest.fixture
def one_block_a_commit(monkeypatch):
    monkeypatch.setattr(plan, "_TASK_BYTES", 1)
    monkeypatch.setattr(rechunk, "_PORTION_BYTES", 1)


@pytest.fixture
def while_building(monkeypatch):
    """Does something each time blocks are written and not yet published."""
    doing = []

    def built(*arguments, **options):
        found = true(*arguments, **options)
        for one in doing:
            one()
        return found

    true = rechunk.build
    monkeypatch.setattr(rechunk, "build", built)
    return doing.append


@pytest.mark.slow
@pytest.mark.usefixtures("one_block_a_commit")
def test_what_was_committed_before_it_was_broken_off_is_not_made_again(store, archive_run, while_building, is_true):
    for date in DATES:
        archive_run(store, date=date)
    built = []

    def stop():
        built.append(1)
        if len(built) == 3:
            raise KeyboardInterrupt

    while_building(stop)
    with pytest.raises(KeyboardInterrupt):
        store.rechunk(ALL)
    done = store.rechunk(ALL)
    assert (done.there, done.chunks, len(built)) == (8, 2, 5)
    assert is_true(store)


@pytest.mark.slow
def test_a_rechunk_killed_at_random_moments_is_completed_by_the_next(store, archive_run, blocks, is_true):
    for number in range(12):
        archive_run(store, date=f"202401{number + 1:02d}")
    choice = random.Random(20240603)
    for _ in range(8):
        with running(make_series, store.root) as (process, connection):
            assert connection.recv() == "begin"
            connection.poll(choice.uniform(0, 0.25))
            process.kill()
            process.join(30)
        assert is_true(store)
    before = len(blocks(store))
    done = store.rechunk(ALL)
    assert done.there == 4 * before
    assert len(blocks(store)) == 12
    with dask.config.set({"dtedask.store.longest-reader": 0, "dtedask.store.clock-slack": 0}):
        store.purge(keep_commits=1)
    assert store.verify().is_whole
    packs = sum(path.stat().st_size for path in Path(store.root).rglob("packs/*.chunks"))
    assert packs <= 12 * max(path.stat().st_size for path in Path(store.root).rglob("packs/*.chunks"))


@pytest.fixture(params=["with logs", "without logs"])
def _logs(request, monkeypatch):
    """Icechunk's logs say what changed; where they are gone, the manifests do."""
    if request.param == "without logs":
        monkeypatch.setattr(publish, "touched_between", lambda old, new: Touched(same=_same_manifests(old, new)))


@pytest.mark.slow
@pytest.mark.usefixtures("_logs")
def test_blocks_whose_fields_change_while_they_are_made_are_made_again(
    store, archive_run, make_field, while_building, is_true
):
    for date in DATES[:2]:
        archive_run(store, date=date)
    values = iter(range(1, 2))

    def write():
        writer = dtedask.open(store.root)
        for value in values:
            writer.archive(*make_field(value, shape=(40, 37), number="1", date=DATES[0], step="6"))
            writer.flush()

    while_building(write)
    done = store.rechunk(ALL)
    assert (done.fields, done.changed, done.chunks) == (8, 0, 2)
    assert is_true(store)
    assert store.rechunk(ALL, dry_run=True).fields == 0


def test_fields_that_never_rest_are_reported(store, archive_run, make_field, while_building, blocks):
    archive_run(store)
    values = iter(range(1, 100))

    def write():
        writer = dtedask.open(store.root)
        writer.archive(*make_field(next(values), shape=(40, 37), number="1", step="6"))
        writer.flush()

    while_building(write)
    done = store.rechunk(ALL)
    assert (done.fields, done.changed) == (0, 4)
    assert blocks(store) == []


def test_steps_that_come_while_a_run_is_rechunked_are_not_lost(store, archive_run, while_building, is_true):
    archive_run(store, date=DATES[0])
    archive_run(store, date=DATES[1], steps=("0", "6", "12"))
    late = iter([("18",)])

    def write():
        for steps in late:
            archive_run(dtedask.open(store.root), date=DATES[1], steps=steps)

    while_building(write)
    assert store.rechunk(f"{ALL},step=0/6").fields == 8
    assert is_true(store)


def test_a_purge_leaves_blocks_that_are_not_published_yet(store, archive_run, while_building, is_true):
    archive_run(store)

    def purge():
        with dask.config.set({"dtedask.store.longest-reader": 0, "dtedask.store.clock-slack": 0}):
            dtedask.open(store.root).purge(keep_commits=1)

    while_building(purge)
    assert store.rechunk(ALL).fields == 4
    assert is_true(store)
    assert store.verify().is_whole


@pytest.mark.slow
def test_time_series_follow_the_commits(store, archive_run, is_true):
    archive_run(store, date=DATES[0])
    made = keep_up(store, ALL, timeout_s=0.3)
    assert next(made).fields == 4
    archive_run(store, date=DATES[1], steps=("0", "6"))
    archive_run(store, date=DATES[1], steps=("12", "18"), value=2)
    assert next(made).fields == 4
    store.wipe(f"{ALL},date={DATES[0]},step=6", doit=True)
    archive_run(store, date=DATES[0], steps=("6",), value=3)
    assert next(made).fields == 4
    assert list(made) == []
    assert is_true(store)


@pytest.mark.slow
def test_workers_of_a_cluster_make_the_same(store, archive_run, blocks, is_true, one_block_a_commit):
    distributed = pytest.importorskip("distributed")
    for date in DATES:
        archive_run(store, date=date)
    options = {"n_workers": 1, "threads_per_worker": 2, "processes": False, "dashboard_address": "127.0.0.1:0"}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        done = store.rechunk(ALL, execution=Execution(client=client))
    assert (done.chunks, len(done.commits)) == (4, 2)  # two threads at once
    assert len(blocks(store)) == 4
    assert is_true(store)


@given(
    asked=st.sampled_from([{}, {"date": DATES[:2]}, {"date": "all"}, {"date": DATES[3]}]),
    written=st.sets(st.sampled_from(DATES), min_size=1),
)
def test_a_commit_is_about_the_dates_that_it_wrote_and_that_are_asked_for(asked, written):
    change = Change("pf/pl/a", "t", (("date", "/".join(sorted(written))),), len(written))
    commit = Commit("root", "cube", "b", "a", 2, datetime.now(UTC), changes=(change,))
    found = _narrowed(Request(asked), commit)
    wanted = written & set(DATES if asked.get("date", "all") == "all" else np.atleast_1d(asked["date"]).tolist())
    assert set(found.named("date") if found else ()) == wanted


def test_a_rollback_is_about_all_runs_and_a_rechunk_about_none():
    commit = Commit("root", "cube", "b", "a", 2, datetime.now(UTC))
    assert _narrowed(Request({}), commit) is None
    assert _narrowed(Request({"param": "t"}), replace(commit, rolled_back="c")) == Request({"param": "t"})
