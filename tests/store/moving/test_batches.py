"""How fields are cut into commits, against counting them one by one."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

import dtedask
from dtedask.store.moving.batches import in_batches

FIELD = 256 * 2**10  # what a small field counts


@pytest.fixture(scope="module")
def selections(make_field):
    store = dtedask.open("memory://batches")
    for date, members in (("20240101", 3), ("20240102", 5), ("20240105", 1)):
        for member in range(1, members + 1):
            store.archive(*make_field(member, date=date, number=str(member)))
            store.archive(*make_field(member, date=date, number=str(member), param="z", expver="0002"))
    store.archive(b"no date", {"class": "rd", "stream": "enfo", "expver": "test"})
    store.flush()
    return list(store.select())


def rows(batch):
    return [(record.cube, record.chunk) for piece in batch for record in piece.records()]


@given(st.integers(1, 12))
def test_every_field_is_in_one_batch_and_none_is_too_large(selections, fields):
    batches = list(in_batches(selections, fields * FIELD))
    wanted = Counter((record.cube, record.chunk) for part in selections for record in part.records())
    assert Counter(row for batch in batches for row in rows(batch)) == wanted
    for batch in batches:
        assert len({cube for cube, _ in rows(batch)}) == 1
        assert len(rows(batch)) <= fields


@given(st.integers(5, 12))
def test_a_time_that_fits_is_not_cut(selections, fields):
    batches = list(in_batches(selections, fields * FIELD))
    times = Counter(
        (piece.selection.cube, piece.time) for batch in batches for piece in {p.time: p for p in batch}.values()
    )
    assert set(times.values()) == {1}


def test_a_field_larger_than_a_batch_is_one(selections):
    assert all(len(rows(batch)) == 1 for batch in in_batches(selections, 1))
