"""Purge takes what nobody needs, and nothing else."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import dask
import numpy as np
import pytest

import dtedask
from dtedask.core.errors import NotFoundError, StoreError
from dtedask.core.need import Need
from dtedask.plugins import hookimpl, register, unregister
from dtedask.store.location import Location
from dtedask.store.repository import open_repository
from dtedask.store.upkeep.registry import registered

CUBE = "rd/enfo/test"


@pytest.fixture(autouse=True)
def _no_time_to_wait():
    """Readers and clocks get no time, so that what counts is what is tested."""
    with dask.config.set({"dtedask.store.longest-reader": 0, "dtedask.store.clock-slack": 0}):
        yield


@pytest.fixture
def archive(make_field):
    """Commit one field of a value, big enough for a chunk of its own."""

    def commit(store, value, **keys):
        array, keys = make_field(value, shape=(15, 30), **{"number": "1", "levelist": "500", **keys})
        noise = np.random.default_rng(int(value)).random(array.shape, dtype="float32")
        noise[0, 0] = value
        store.archive(array.copy(data=noise), keys)
        return store.flush()[0]

    return commit


def value_of(store):
    return float(store.retrieve({})["t"].to_numpy().ravel()[0])


def objects(store, kind):
    return {path.name for path in (Path(store.root) / CUBE / kind).iterdir()}


@pytest.mark.parametrize("where", ["store", "memory_store"])
def test_what_the_rule_does_not_keep_is_gone_and_the_numbers_go_on(request, archive, where):
    store = request.getfixturevalue(where)
    commits = [archive(store, float(number)) for number in range(6)]
    (cube,) = store.purge(keep_commits=2).cubes
    assert (cube.expired, cube.kept, cube.oldest) == ((1, 2, 3, 4), 2, 5)
    assert (cube.removed.chunks, cube.removed.snapshots, cube.removed.logs) == (4, 4, 4)
    assert [commit.sequence for commit in store.history()] == [5, 6]
    assert [value_of(store), value_of(store.at(commits[4].snapshot))] == [5.0, 4.0]
    assert archive(store, 9.0).sequence == 7
    assert store.purge(keep_commits=3).objects == 0


def test_a_dry_run_says_what_would_expire_and_changes_nothing(store, archive):
    for number in range(4):
        archive(store, float(number))
    before = sorted(path for path in Path(store.root).rglob("*") if ".dtedask/open" not in str(path))
    purge = store.purge(keep_commits=1, dry_run=True)
    assert (purge.dry_run, purge.cubes[0].expired) == (True, (1, 2, 3))
    assert sorted(path for path in Path(store.root).rglob("*") if ".dtedask/open" not in str(path)) == before
    assert len(store.history()) == 4


def test_without_a_rule_all_of_the_past_stays(store, archive):
    for number in range(3):
        archive(store, float(number))
    assert store.purge().expired == 0
    assert len(store.history()) == 3


def test_the_past_that_is_gone_is_named_and_never_shown_as_empty(store, archive):
    commits = [archive(store, float(number)) for number in range(4)]
    store.purge(keep_commits=2)
    for moment in (commits[0].snapshot, commits[1].time, commits[0].time - timedelta(microseconds=1)):
        with pytest.raises(NotFoundError, match="what was before commit 3 of .* has been purged"):
            list(store.at(moment).list())
    assert value_of(store.at(commits[2].time)) == 2.0


def test_a_tag_and_a_branch_keep_what_they_name(store, archive):
    commits = [archive(store, float(number)) for number in range(5)]
    repo = open_repository(Location.parse(store.root), CUBE)
    repo.create_tag("good", commits[1].snapshot)
    repo.create_branch("test", commits[2].snapshot)
    store.purge(keep_commits=1)
    assert value_of(store.at("good")) == 1.0
    assert value_of(store.at(commits[2].snapshot)) == 2.0
    assert len(objects(store, "chunks")) == 3


def test_a_state_stays_as_long_as_a_reader_may_have_opened_it(store, archive):
    first = archive(store, 1.0)
    reading = store.retrieve({})
    archive(store, 2.0)
    with dask.config.set({"dtedask.store.longest-reader": "1 h"}):
        (cube,) = store.purge(keep_commits=1).cubes
    assert cube.expired == ()
    assert cube.held == ("readers of up to 1 h",)
    assert float(reading["t"].to_numpy().ravel()[0]) == 1.0
    assert value_of(store.at(first.snapshot)) == 1.0


def test_a_registered_reader_keeps_the_state_it_reads(store, archive):
    first = archive(store, 1.0)
    past = store.at(first.snapshot)
    with past.reading():
        archive(store, 2.0)
        (cube,) = store.purge(keep_commits=1).cubes
        assert "reader of process" in cube.held[0]
        assert value_of(past) == 1.0
    assert store.purge(keep_commits=1).cubes[0].expired == (1,)


def test_a_transaction_that_began_before_commits_with_its_data_whole(store, archive, make_field, monkeypatch):
    """As on an object store, where no lock keeps purge away."""
    from contextlib import nullcontext

    from dtedask.store import lock
    from dtedask.store.transaction import Transaction

    monkeypatch.setattr(lock, "_file_lock", lambda *_: nullcontext())
    archive(store, 1.0)
    other, publish, seen = dtedask.open(store.root), Transaction.publish, []

    def purged_before(self, prepared):
        seen.append(other.purge(keep_commits=1).cubes[0])
        return publish(self, prepared)

    monkeypatch.setattr(Transaction, "publish", purged_before)
    archive(store, 2.0, step="6")
    assert seen[0].removed.chunks == 0
    assert np.array_equal(store.retrieve({})["t"].to_numpy()[0, 0, :, 0, 0, 0], [1.0, 2.0])


def test_a_limit_is_never_newer_than_an_open_transaction_whatever_the_clock_says(store, archive):
    archive(store, 1.0)
    location = Location.parse(store.root)
    with registered(location, CUBE, since=datetime(2020, 1, 1, tzinfo=UTC)):
        (cube,) = store.purge(keep=0).cubes
    assert cube.collected_before == datetime(2020, 1, 1, tzinfo=UTC)


class Needs:
    def __init__(self, answer):
        self.answer = answer
        self.gone = []

    @hookimpl
    def oldest_needed(self):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    @hookimpl
    def after_purge(self, cube, oldest):
        self.gone.append((cube, oldest))


@pytest.fixture
def needs():
    plugins = []

    def add(answer):
        plugins.append(Needs(answer))
        register(plugins[-1], "needs")
        return plugins[-1]

    yield add
    for plugin in plugins:
        unregister(plugin)


def test_what_a_plugin_has_still_to_read_stays(store, archive, needs):
    for number in range(6):
        archive(store, float(number))
    plugin = needs(Need(3, "the plots"))
    (cube,) = store.purge(keep_commits=1).cubes
    assert (cube.expired, cube.held) == ((1, 2), ("the plots",))
    assert plugin.gone == [(CUBE, 3)]


def test_nothing_is_purged_while_a_plugin_does_not_say_what_it_needs(store, archive, needs):
    for number in range(3):
        archive(store, float(number))
    needs(OSError("no disk"))
    with pytest.raises(StoreError, match="Plug-in 'needs' does not say what it has still to read: no disk"):
        store.purge(keep_commits=1)
    assert len(store.history()) == 3


def test_what_is_not_ours_stays_and_what_killed_writers_left_goes(store, archive):
    archive(store, 1.0)
    cube = Path(store.root) / CUBE
    foreign = [Path(store.root) / "notes.txt", cube / "README", cube / "chunks#1", Path(store.root) / "a#1"]
    for path in foreign:
        path.write_text("not ours")
    (cube / "chunks" / "HALF#3").write_bytes(b"0" * 1000)
    (Path(store.root) / ".dtedask" / "control.json#1").write_bytes(b"0" * 10)
    (found,) = store.purge().cubes
    assert (found.removed.leftovers, found.removed.size_bytes) == (2, 1010)
    assert all(path.exists() for path in foreign)


def test_the_report_tells_people_and_programs_the_same(store, archive):
    import json

    for number in range(3):
        archive(store, float(number))
    purge = store.purge(keep_commits=1)
    assert "rd/enfo/test: 2 commits expired, 1 kept" in repr(purge)
    assert json.loads(json.dumps(purge.to_dict()))["cubes"][0]["expired"] == [1, 2]


@pytest.mark.slow
def test_what_a_rollback_left_behind_stays_as_long_as_the_rule_says(store, archive, needs):
    commits = [archive(store, float(number)) for number in range(1, 7)]
    store.rollback(to=commits[2].snapshot, doit=True)
    assert value_of(store) == 3.0
    plugin = needs(Need(5, "the plots"))
    (cube,) = store.purge(keep_commits=1).cubes
    assert (cube.expired, cube.held) == ((1, 2, 3, 4), ("the plots",))
    assert [commit.sequence for commit in store.history()] == [5, 6, 7]
    assert [value_of(store.at(commit.snapshot)) for commit in (*commits[4:],)] == [5.0, 6.0]
    assert open_repository(Location.parse(store.root), CUBE).list_branches() == {"main"}
    plugin.answer = None
    assert store.purge(keep_commits=1).cubes[0].expired == (5, 6)
    assert [commit.sequence for commit in store.history()] == [7]
    assert value_of(store) == 3.0
    assert len(objects(store, "chunks")) == 1


def test_without_a_rule_what_a_rollback_left_behind_stays_too(store, archive):
    commits = [archive(store, float(number)) for number in range(1, 4)]
    store.rollback(to=commits[0].snapshot, doit=True)
    assert store.purge().objects == 0
    assert [value_of(store.at(commit.snapshot)) for commit in commits] == [1.0, 2.0, 3.0]


def test_a_reader_whose_state_was_purged_is_told_so_and_not_of_damage(store, archive):
    archive(store, 1.0)
    late = store.retrieve({})
    archive(store, 2.0)
    store.purge(keep_commits=1)
    with pytest.raises(NotFoundError, match="has been purged while it was read"):
        late["t"].load()


def test_a_pinned_handle_reads_what_it_saw_through_purges(store, archive):
    archive(store, 1.0)
    pinned = store.pinned()
    with pinned.reading():
        for number in (2.0, 3.0):
            archive(store, number)
            store.purge(keep_commits=1)
        assert [value_of(pinned), value_of(store)] == [1.0, 3.0]
    assert store.purge(keep_commits=1).cubes[0].expired == (1, 2)


def test_what_a_killed_process_pinned_for_a_tag_goes_and_real_tags_stay(store, archive):
    commits = [archive(store, float(number)) for number in range(4)]
    store.tag("good", at=commits[1].snapshot)
    repo = open_repository(Location.parse(store.root), CUBE)
    repo.create_tag("dtedask.never.0123abcd", commits[0].snapshot)
    repo.create_tag("somebody", commits[2].snapshot)
    assert store.purge(keep_commits=1).cubes[0].removed.leftovers == 1
    assert [value_of(store.at(name)) for name in ("good", "somebody")] == [1.0, 2.0]
    assert len(objects(store, "chunks")) == 3


def test_a_durable_purge_syncs_what_it_rewrote_before_it_deletes(store, archive, monkeypatch):
    from dtedask.store.upkeep import purge

    for number in range(3):
        archive(store, float(number))
    order = []
    monkeypatch.setattr(
        purge, "sync_to_disk", lambda _: order.append((len(store.history()), len(objects(store, "chunks"))))
    )
    store.purge(keep_commits=1)
    assert order == [(1, 3)]
    assert len(objects(store, "chunks")) == 1


def test_the_branches_of_a_killed_purge_are_nobodys_and_go_with_the_next(store, archive):
    first = archive(store, 1.0)
    archive(store, 2.0)
    repo = open_repository(Location.parse(store.root), CUBE)
    repo.create_branch(f"dtedask.hold.0123abcd.{first.snapshot}", first.snapshot)
    assert store.branches() == ["main"]
    assert store.purge(keep_commits=1).cubes[0].removed.chunks == 1
    assert open_repository(Location.parse(store.root), CUBE).list_branches() == {"main"}
