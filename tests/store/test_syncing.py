import errno
import threading

import pytest

from dtedask.core.errors import StoreError
from dtedask.store import syncing, transaction
from dtedask.store.execute import Execution
from dtedask.store.location import Location
from dtedask.store.syncing import Syncing

MUCH = 64 * 2**20


@pytest.fixture
def location(tmp_path):
    return Location.parse(str(tmp_path))


def test_an_error_of_a_sync_beside_the_writing_is_raised_by_the_wait(location, monkeypatch):
    def fails(_location):
        raise OSError(errno.EIO, "the disk is broken")

    monkeypatch.setattr(syncing, "sync_to_disk", fails)
    with Syncing(location) as syncs:
        syncs.wrote(MUCH)
        with pytest.raises(OSError, match="the disk is broken"):
            syncs.wait()


def test_one_sync_is_under_way_at_a_time_and_little_is_not_worth_one(location, monkeypatch):
    may_end, begun = threading.Event(), []

    def slow(_location):
        begun.append(1)
        may_end.wait(10)

    monkeypatch.setattr(syncing, "sync_to_disk", slow)
    with Syncing(location) as syncs:
        syncs.wrote(1000)
        assert not begun
        syncs.wrote(MUCH)
        syncs.wrote(MUCH)
        may_end.set()
        syncs.wait()
        assert len(begun) == 1
        syncs.wrote(MUCH)
        syncs.wait()
    assert len(begun) == 2


def test_a_commit_is_not_published_when_a_sync_beside_its_writing_failed(store, make_field, monkeypatch):
    calls = []

    def fails_first(_location):
        calls.append(1)
        if len(calls) == 1:
            raise OSError(errno.EIO, "the disk is broken")

    monkeypatch.setattr(syncing, "sync_to_disk", fails_first)
    monkeypatch.setattr(transaction, "sync_to_disk", fails_first)
    monkeypatch.setattr(syncing, "_WORTH_BYTES", 1)
    for level in ("500", "850", "1000"):
        store.archive(*make_field(1.0, shape=(600, 600), type="fc", levelist=level))
    with pytest.raises(StoreError, match="the disk is broken"):
        store.flush(execution=Execution(threads=2))
    assert list(store.history()) == []
    assert len(store.flush(execution=Execution(threads=2))) == 1
