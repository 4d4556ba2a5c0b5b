"""What a commit says of what it wrote: bytes, checksum and area of each change."""

from __future__ import annotations

import hashlib
import itertools

import numpy as np
import pytest
from google_crc32c import value as crc32c
from hypothesis import given, settings
from hypothesis import strategies as st

import dtedask
from dtedask.geo import Grid
from dtedask.grib import encode, scan
from dtedask.store import Schema
from dtedask.store.commits import commit_of, metadata_of
from dtedask.store.handover import forget
from dtedask.store.location import Location
from dtedask.store.repository import METADATA, open_repository
from dtedask.store.written import stored_changes

KINDS = {
    "plain": {"values": {"codec": "none"}},
    "lz4": {},
    "grib-int": {"values": {"codec": "grib-int"}},
    "tiles": {"values": {"tiles": 64}},
    "packs": {"values": {"objects": "pack"}},
    "messages": {"layout": "messages"},
}
_NAMES = (f"written-{number}" for number in itertools.count())
places = st.tuples(
    st.sampled_from(["0", "6", "12"]), st.sampled_from(["1", "2", "10"]), st.sampled_from(["850", "500"])
)


def archived(fields, make_field, **schema):
    """The commit of some fields, each named by step, number and level, in the order they are given."""
    store = dtedask.open(f"memory://{next(_NAMES)}", schema=Schema.model_validate(schema))
    for step, number, level in fields:
        value = int(step) + 100 * int(number) + int(level)
        store.archive(*make_field(float(value), shape=(12, 18), step=step, number=number, levelist=level))
    (commit,) = store.flush()
    return store, commit


def by_hand(store, keys):
    """Bytes and checksum of the fields of a request, from the chunks themselves."""
    values = {key: text.split("/") for key, text in keys.items()}
    records = {tuple(record.keys[key] for key in keys): record for record in store.list(keys)}
    chunks = []
    for names in itertools.product(*values.values()):
        record = records[names]
        chunks += record.selection.snapshot.read_chunks([record.chunk])
    sums = b"".join(np.uint32(crc32c(chunk[:-4])).astype("<u4").tobytes() for chunk in chunks)
    return sum(map(len, chunks)), hashlib.sha256(sums).hexdigest()[:16]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=10)
@given(fields=st.lists(places, min_size=1, max_size=8, unique=True))
def test_bytes_and_checksum_are_those_of_the_chunks_in_the_order_of_the_request(make_field, kind, fields):
    store, commit = archived(fields, make_field, **KINDS[kind])
    for change in commit.changes:
        assert (change.size_bytes, change.checksum) == by_hand(store, change.keys)
        assert change.size_bytes == sum(record.size_bytes for record in store.list(change.keys))


@pytest.mark.slow
@settings(max_examples=25)
@given(fields=st.lists(places, min_size=1, max_size=12, unique=True), order=st.randoms(use_true_random=False))
def test_changes_do_not_depend_on_the_order_of_arrival(make_field, fields, order):
    shuffled = order.sample(fields, len(fields))
    assert archived(fields, make_field)[1].changes == archived(shuffled, make_field)[1].changes


@pytest.mark.slow
@settings(max_examples=15)
@given(fields=st.lists(places, min_size=1, max_size=8, unique=True), cut=st.integers(0, 8))
def test_a_reader_finds_what_the_commit_said(make_field, fields, cut):
    store, commit = archived(fields[: max(cut, 1)], make_field)
    found = stored_changes(store.list())
    assert [(one.request, one.size_bytes, one.checksum) for one in found] == [
        (one.request, one.size_bytes, one.checksum) for one in commit.changes
    ]


def test_another_value_is_another_checksum_and_a_history_knows_both(make_field, store):
    for value in (1.0, 2.0):
        store.archive(*make_field(value, number="1", levelist="500"))
        store.flush()
    first, second = (commit.changes[0] for commit in dtedask.open(store.root).history("rd/enfo/test"))
    assert len(first.checksum) == len(second.checksum) == 16
    assert first.checksum != second.checksum
    assert first.area == second.area == (10.0, 0.0, -10.0, 30.0)


def test_the_checksum_of_a_message_is_made_of_the_crc32c_of_the_message(grib_folder, tmp_path):
    store = dtedask.open(tmp_path / "root", schema=Schema(layout="messages"))
    store.archive(grib_folder / "o32.grib2")
    (commit,) = store.flush()
    data = (grib_folder / "o32.grib2").read_bytes()
    messages = [data[one.offset : one.offset + one.length] for one in scan(grib_folder / "o32.grib2")]
    sums = {hashlib.sha256(int(crc32c(one)).to_bytes(4, "little")).hexdigest()[:16]: len(one) + 4 for one in messages}
    alone = {change.checksum: change.size_bytes for change in commit.changes if change.fields == 1}
    assert alone
    assert alone.items() <= sums.items()
    assert {change.area for change in commit.changes} == {(90.0, 0.0, -90.0, 360.0)}


def test_references_have_bytes_and_no_checksum(grib_folder, tmp_path):
    store = dtedask.open(tmp_path / "root")
    store.virtualize(grib_folder / "o32.grib2")
    (commit,) = store.history("od/oper/0001")
    assert sum(change.size_bytes for change in commit.changes) == sum(
        one.length for one in scan(grib_folder / "o32.grib2")
    )
    assert {change.checksum for change in commit.changes} == {""}


def test_fields_without_points_have_no_area(grib_folder, tmp_path):
    store = dtedask.open(tmp_path / "root")
    store.archive(grib_folder / "spherical-harmonics.grib")
    (commit,) = store.flush()
    assert {change.area for change in commit.changes} == {None}
    assert all(change.checksum for change in commit.changes)


def test_a_turned_grid_has_the_area_of_its_points_on_the_earth(make_field, store):
    grid = Grid({"grid": [5.0, 5.0], "area": [10.0, -10.0, -5.0, 10.0], "rotation": [-30.0, 20.0]})
    keys = {"class": "od", "stream": "oper", "expver": "0001", "type": "fc", "levtype": "sfc", "param": "167"}
    store.archive(encode(np.ones(grid.shape), {**keys, "date": "20240603", "time": "0000", "step": "0"}, grid))
    (commit,) = store.flush()
    latitude, longitude = grid.points()
    north, west, south, east = commit.changes[0].area
    assert north == pytest.approx(latitude.max())
    assert south == pytest.approx(latitude.min())
    assert ((longitude - west + 1e-6) % 360 <= east - west + 2e-6).all()  # edges are rounded to that


def test_events_are_counted_over_all_commits_and_a_new_handle_goes_on(make_field, store):
    for step in range(3):
        for param in ("t", "u")[: 1 + step % 2]:
            store.archive(*make_field(float(step), param=param, step=str(step), number="1", levelist="500"))
        store.flush()
    other = dtedask.open(store.root)
    forget()
    other.archive(*make_field(7.0, step="9", number="1", levelist="500"))
    other.flush()
    assert [commit.events_before for commit in other.history("rd/enfo/test")] == [0, 1, 3, 4]


def test_a_commit_of_an_older_dtedask_is_read_without_what_it_did_not_say(make_field, store):
    store.archive(*make_field(1.0, number="1", levelist="500"))
    (commit,) = store.flush()
    said = metadata_of(commit)[METADATA]
    old = {key: value for key, value in said.items() if key not in ("areas", "events_before")}
    old["changes"] = [{key: one[key] for key in ("group", "variable", "request", "fields")} for one in said["changes"]]
    info = open_repository(Location.parse(store.root), commit.cube).lookup_snapshot(commit.snapshot)

    class Old:
        id, parent_id, written_at, message, metadata = info.id, info.parent_id, info.written_at, "", {METADATA: old}

    found = commit_of(Location.parse(store.root), commit.cube, Old)
    (change,) = found.changes
    assert (change.size_bytes, change.checksum, change.area, found.events_before) == (None, "", None, None)
    assert change.request == commit.changes[0].request
