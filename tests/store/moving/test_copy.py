"""Copies between roots, against the bytes that stand in both."""

import threading

import dask.config
import numpy as np
import pytest

import dtedask
from dtedask.core.errors import (
    ControlledError,
    FieldError,
    KeyCollisionError,
    NoMatchError,
    NoRuleError,
    NotFoundError,
    ReadOnlyError,
    RequestError,
    SeveralRootsError,
)
from dtedask.ingest import ingest
from dtedask.store.location import Location
from dtedask.store.schema import Schema
from dtedask.store.upkeep.registry import registrations

ITEM = {"class": "rd", "stream": "oper", "expver": "test", "date": "20240101", "type": "fc", "levtype": "sfc"}

ANY = dict.fromkeys(
    ("class", "stream", "expver", "type", "levtype", "param", "date", "time", "number", "step"), "any"
) | {"levelist": {"optional": True}}


@pytest.fixture
def filled(store, make_field):
    """Two days, two members, two levels and an item of bytes."""
    number = 0
    for date in ("20240101", "20240102"):
        for member in ("1", "2"):
            for level in ("500", "850"):
                number += 1
                store.archive(*make_field(number, date=date, number=member, levelist=level))
    store.archive(b"a warning", ITEM)
    store.flush()
    return store


def contents(store):
    """Everything that a reader can tell of the fields of a root, with the very bytes of their chunks."""
    found = {}
    for part in store.select():
        chunks = part.snapshot.read_chunks([record.chunk for record in part.records()])
        shared = (part.group.grid, dict(part.group.keys), dict(part.variable.attributes), part.variable.codec)
        for record, chunk in zip(part.records(), chunks, strict=True):
            place = (record.cube, record.group, record.variable, tuple(record.keys.items()))
            found[place] = (*shared, record.short_name, chunk)
    return found


def coordinates(store):
    """Coordinates of every grid, as xarray sees them."""
    return {
        (cube, group): {
            name: array.values.tolist()
            for name, array in dtedask.open_cube(f"{store.root}/{cube}", group=group).coords.items()
        }
        for cube in store.cubes()
        for group in store.groups(cube)
        if not group.endswith("/opaque")
    }


@pytest.mark.slow
def test_a_copy_of_all_real_files_is_the_same_root(store, grib_folder, tmp_path):
    ingest([path for path in sorted(grib_folder.glob("*.grib*")) if "corrupted" not in path.name], store)
    done = store.copy(None, tmp_path / "copy")
    copied = dtedask.open(tmp_path / "copy")
    assert contents(copied) == contents(store)
    assert coordinates(copied) == coordinates(store)
    assert (done.new, done.replaced, done.rounded) == (len(list(store.list())), 0, 0)
    assert copied.verify().is_whole


@pytest.mark.slow
def test_bytes_and_fields_are_copied_and_the_same_again_changes_nothing(filled, tmp_path):
    done = filled.copy(None, tmp_path / "copy")
    copied = dtedask.open(tmp_path / "copy")
    assert contents(copied) == contents(filled)
    assert (done.fields, done.new, len(done.commits)) == (9, 9, 2)
    again = filled.copy(None, copied)
    assert (again.new, again.replaced, again.unchanged, again.commits) == (0, 0, 9, ())


@pytest.mark.slow
def test_only_what_differs_is_written_by_a_later_copy(filled, tmp_path, make_field):
    filled.copy(None, tmp_path / "copy")
    filled.archive(*make_field(77, date="20240101", number="1", levelist="500"))
    filled.archive(*make_field(78, date="20240103", number="1", levelist="500"))
    filled.flush()
    done = filled.copy("class=rd,stream=enfo", tmp_path / "copy")
    assert (done.new, done.replaced, done.unchanged) == (1, 1, 7)
    assert contents(dtedask.open(tmp_path / "copy")) == contents(filled)


@pytest.mark.slow
def test_a_request_takes_its_part_and_the_past_can_be_copied(filled, tmp_path):
    before = filled.history("rd/enfo/test")[-1].snapshot
    filled.wipe("class=rd,stream=enfo,expver=test,levelist=500", doit=True)
    done = filled.at(before).copy("stream=enfo,levelist=500,date=20240102", tmp_path / "copy")
    assert done.new == 2
    assert dtedask.open(tmp_path / "copy").axes()["levelist"] == ["500"]


@pytest.mark.slow
def test_commits_hold_whole_times_as_far_as_they_fit(filled, tmp_path):
    with dask.config.set({"dtedask.store.copy-bytes": 4 * 262144}):
        done = filled.copy("stream=enfo", tmp_path / "copy")
    assert [commit.new for commit in done.commits] == [4, 4]
    dates = [{dict(change.request)["date"] for change in commit.changes} for commit in done.commits]
    assert dates == [{"20240101"}, {"20240102"}]
    assert contents(dtedask.open(tmp_path / "copy")) == {
        place: found for place, found in contents(filled).items() if place[0] == "rd/enfo/test"
    }


@pytest.mark.slow
def test_what_is_committed_to_the_source_meanwhile_is_not_copied(filled, tmp_path, make_field):
    def archive_more(_progress):
        filled.archive(*make_field(99, date="20240109", number="1", levelist="500"))
        filled.flush()

    with dask.config.set({"dtedask.store.copy-bytes": 1}):
        done = filled.copy("stream=enfo", tmp_path / "copy", on_progress=archive_more)
    assert done.new == 8
    assert dtedask.open(tmp_path / "copy").axes("stream=enfo")["date"] == ["20240101", "20240102"]


@pytest.mark.slow
def test_progress_counts_every_field_once(filled, tmp_path):
    seen = []
    with dask.config.set({"dtedask.store.copy-bytes": 3 * 262144}):
        filled.copy("stream=enfo", tmp_path / "copy", on_progress=seen.append)
    assert [one.fields_done for one in seen] == sorted(one.fields_done for one in seen)
    assert (seen[-1].fields_done, seen[-1].fields_total, seen[-1].bytes_done) == (8, 8, 8 * 12 * 4)


@pytest.mark.slow
def test_a_dry_run_counts_what_is_there_and_writes_nothing(filled, tmp_path):
    planned = filled.copy(None, tmp_path / "copy", dry_run=True)
    assert (planned.is_done, planned.new, planned.replaced) == (False, 9, 0)
    assert not (tmp_path / "copy").exists()
    filled.copy("levelist=500", tmp_path / "copy")
    planned = filled.copy(None, tmp_path / "copy", dry_run=True)
    assert (planned.new, planned.replaced) == (5, 4)


@pytest.mark.slow
def test_keys_and_rules_of_the_source_go_along(tmp_path, make_field):
    schema = Schema.model_validate({"keys": {"campaign": "string"}, "rules": [{"keys": {**ANY, "campaign": "any"}}]})
    store = dtedask.open(tmp_path / "root", schema=schema)
    for campaign in ("north", "south"):
        store.archive(*make_field(len(campaign), number="1", campaign=campaign))
    store.flush()
    store.copy("campaign=north", tmp_path / "copy")
    copied = dtedask.open(tmp_path / "copy")
    assert copied.schema() == store.schema()
    assert contents(copied) == {
        place: found for place, found in contents(store).items() if dict(place[3])["campaign"] == "north"
    }


@pytest.mark.slow
def test_a_schema_of_the_target_places_fields_and_says_how_values_are_stored(filled, tmp_path):
    schema = Schema.model_validate({"values": {"dtype": "float64", "codec": "blosc-zstd"}})
    done = filled.copy("stream=enfo", tmp_path / "copy", schema=schema)
    copied = dtedask.open(tmp_path / "copy")
    assert done.rounded == 0
    ours = {tuple(record.keys.items()): values for record, values in filled.values("stream=enfo")}
    for record, values in copied.values("stream=enfo"):
        assert values.dtype == np.float64
        np.testing.assert_array_equal(values.astype("float32"), ours[tuple(record.keys.items())])


@pytest.mark.slow
def test_fields_that_are_rounded_are_counted(tmp_path, make_field):
    store = dtedask.open(tmp_path / "root", schema=Schema.model_validate({"values": {"dtype": "float64"}}))
    store.archive(*make_field(1))
    store.flush()
    lossy = Schema.model_validate({"values": {"keep_bits": 8}})
    assert store.copy(None, tmp_path / "exact").rounded == 0
    assert store.copy(None, tmp_path / "lossy", schema=lossy).rounded == 1
    assert dtedask.open(tmp_path / "exact").retrieve("class=rd").t.dtype == np.float64


@pytest.mark.slow
def test_what_the_target_refuses_is_told_before_anything_is_written(filled, tmp_path, make_field):
    none_of_it = Schema.model_validate({"rules": [{"keys": {"class": "od"}}]})
    with pytest.raises(NoRuleError, match="class=rd"):
        filled.copy(None, tmp_path / "copy", schema=none_of_it)
    assert not (tmp_path / "copy").exists()
    other = dtedask.open(tmp_path / "other")
    other.archive(*make_field(1, levelist="500"))
    other.flush()
    with pytest.raises(FieldError, match="has member in addition"):
        filled.copy(None, other)
    assert len(list(other.list())) == 1


def test_two_fields_that_would_be_one_in_the_target_are_refused(filled, tmp_path):
    hides = Schema.model_validate({"rules": [{"keys": {**ANY, "levelist": "hidden"}}]})
    with pytest.raises(KeyCollisionError, match=r"would be one in .*levelist=500.*levelist=850"):
        filled.copy("stream=enfo", tmp_path / "copy", schema=hides)
    assert not (tmp_path / "copy").exists()
    done = filled.copy("stream=enfo,levelist=500", tmp_path / "copy", schema=hides)
    assert done.new == 4
    assert "levelist" not in dtedask.open(tmp_path / "copy").axes()


@pytest.mark.slow
def test_locks_of_both_roots_count(filled, tmp_path):
    filled.copy("date=20240101,stream=enfo", tmp_path / "copy")
    copied = dtedask.open(tmp_path / "copy")
    copied.lock("date=20240102", ["archive"], "closed")
    with pytest.raises(ControlledError, match="closed"):
        filled.copy("stream=enfo", copied)
    filled.lock("date=20240101", ["retrieve"], "secret")
    with pytest.raises(ControlledError, match="secret"):
        filled.copy("stream=enfo", tmp_path / "third")
    assert not (tmp_path / "third").exists()


@pytest.mark.slow
def test_a_copy_needs_two_roots_a_match_and_one_that_can_be_written(filled, tmp_path):
    with pytest.raises(RequestError, match="one root"):
        filled.copy(None, filled.root)
    with pytest.raises(NoMatchError, match="levelist"):
        filled.copy("levelist=3", tmp_path / "copy")
    with pytest.raises(NoMatchError, match="levelist=700"):
        filled.copy("stream=enfo,levelist=500/700", tmp_path / "copy")
    assert filled.copy("stream=enfo,levelist=500/700", tmp_path / "copy", allow_missing=True).new == 4
    with pytest.raises(ReadOnlyError, match="cannot be written"):
        filled.copy(None, dtedask.open(tmp_path / "copy").pinned())


@pytest.mark.slow
def test_roots_in_memory_are_copied_from_and_to(filled, memory_store):
    filled.copy(None, memory_store)
    assert contents(memory_store) == contents(filled)
    other = dtedask.open(f"{memory_store.root}-too")
    memory_store.copy(None, other)
    assert contents(other) == contents(filled)


@pytest.mark.slow
def test_purge_leaves_the_state_alone_that_is_copied(filled, tmp_path):
    location, seen = Location.parse(filled.root), []

    def look(_progress):
        seen.append([one.kind for one in registrations(location, "rd/enfo/test")])

    filled.copy("stream=enfo", tmp_path / "copy", on_progress=look)
    assert seen
    assert all("reader" in kinds for kinds in seen)
    assert registrations(location, "rd/enfo/test") == []


@pytest.mark.slow
def test_a_copy_on_workers_is_the_same(filled, tmp_path, many_tasks):
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 1, "threads_per_worker": 2, "processes": False, "dashboard_address": "127.0.0.1:0"}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        filled.copy(None, tmp_path / "copy", execution=dtedask.store.Execution(client=client))
    assert contents(dtedask.open(tmp_path / "copy")) == contents(filled)


@pytest.mark.slow
def test_several_copies_into_one_root_at_once_lose_nothing(filled, tmp_path):
    requests = ["levelist=500,stream=enfo", "levelist=850,stream=enfo", "stream=oper", "stream=enfo"]
    threads = [threading.Thread(target=filled.copy, args=(one, tmp_path / "copy")) for one in requests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert contents(dtedask.open(tmp_path / "copy")) == contents(filled)


@pytest.mark.slow
def test_of_several_roots_one_must_be_named(filled, tmp_path):
    filled.copy("levelist=500", tmp_path / "second")
    (tmp_path / "roots.yaml").write_text(f"spaces:\n  - roots: [{filled.root}, {tmp_path}/second]\n")
    several = dtedask.open(tmp_path / "roots.yaml")
    for call in (
        lambda: several.copy(None, tmp_path / "copy"),
        lambda: filled.copy(None, several),
        lambda: filled.move("class=rd,expver=test", several),
        lambda: filled.compare(None, several),
    ):
        with pytest.raises(SeveralRootsError, match="works on one root"):
            call()
    assert not (tmp_path / "copy").exists()


@pytest.mark.slow
def test_a_branch_of_the_target_can_be_written_and_one_of_the_source_read(filled, tmp_path, make_field):
    filled.copy("levelist=500", tmp_path / "copy")
    copied = dtedask.open(tmp_path / "copy")
    copied.create_branch("trial")
    trial = dtedask.open(tmp_path / "copy", branch="trial")
    assert filled.copy("levelist=850", trial).new == 4
    assert copied.axes()["levelist"] == ["500"]
    assert trial.axes()["levelist"] == ["500", "850"]
    assert trial.copy("levelist=850", tmp_path / "third").new == 4
    with pytest.raises(NotFoundError, match="no branch 'nowhere'"):
        filled.copy(None, dtedask.open(tmp_path / "copy", branch="nowhere"))
