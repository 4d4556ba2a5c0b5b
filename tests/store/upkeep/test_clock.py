"""A clock that jumps: commits stay in order, and nothing is taken too early."""

from datetime import UTC, datetime, timedelta

import pytest

from dtedask.core.errors import ClockError
from dtedask.store import clock


@pytest.fixture
def one_commit(store, make_field):
    store.archive(*make_field(1.0, number="1", levelist="500"))
    store.flush()
    return store


def behind(monkeypatch, seconds):
    monkeypatch.setattr(clock, "now", lambda: datetime.now(UTC) - timedelta(seconds=seconds))


def test_a_clock_that_jumped_back_is_one_clear_error_and_nothing_is_published(one_commit, make_field, monkeypatch):
    behind(monkeypatch, 3600)
    one_commit.archive(*make_field(2.0, number="1", levelist="500"))
    with pytest.raises(ClockError, match="The clock of this host says .* nothing was published"):
        one_commit.flush()
    assert one_commit.dirty
    assert len(one_commit.history()) == 1
    monkeypatch.undo()
    assert one_commit.flush()[0].sequence == 2


def test_a_clock_that_is_a_little_behind_is_waited_for(one_commit, make_field, monkeypatch):
    waited = []
    monkeypatch.setattr(clock.time, "sleep", waited.append)
    behind(monkeypatch, 2)
    one_commit.archive(*make_field(2.0, number="1", levelist="500"))
    assert one_commit.flush()[0].sequence == 2
    assert 1 < waited[0] <= 2.1


def test_what_icechunk_says_of_clocks_is_told_as_what_it_is(one_commit, make_field, monkeypatch):
    import icechunk

    def refuse(*_):
        raise icechunk.IcechunkError("invalid snapshot timestamp ordering. parent: `b`, child: `a`")

    monkeypatch.setattr(icechunk.Session, "flush", refuse)
    one_commit.archive(*make_field(2.0, number="1", levelist="500"))
    with pytest.raises(ClockError, match=r"invalid snapshot timestamp ordering.*Set the clock \(NTP\)"):
        one_commit.flush()
