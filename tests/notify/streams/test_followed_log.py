"""A copy of another host's log: the same numbers, read while the owner is away."""

from __future__ import annotations

import logging
import time

import pytest

from dtedask.core.errors import ServerError
from dtedask.notify.notification import Draft
from dtedask.notify.streams import FollowedLog, SqliteEventLog
from dtedask.testing import EventLogSuite

DEADLINE_S = 20.0


class Owner(SqliteEventLog):
    """A log behind a line that can be cut."""

    is_away = False

    def __getattribute__(self, name):
        if name in ("append", "page", "heads", "version", "delete", "wipe", "sequence_at") and self.is_away:
            raise ServerError("The server does not answer.")
        return super().__getattribute__(name)


class TestFollowedLog(EventLogSuite):
    def open(self, folder):
        return FollowedLog(SqliteEventLog(folder / "owner.sqlite"), folder / "copy.sqlite")


@pytest.fixture
def owner(tmp_path):
    with Owner(tmp_path / "owner.sqlite") as log:
        yield log


@pytest.fixture
def followed(owner, tmp_path):
    log = FollowedLog(owner, tmp_path / "copy.sqlite", wanted=lambda name: name != "unwanted")
    yield log
    log.close()


def wait_until(condition):
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.005)


def flights(count):
    return [Draft("flight", {"n": str(n)}) for n in range(count)]


def test_what_is_written_there_comes_here_under_the_same_numbers(owner, followed):
    written = owner.append(flights(2500))
    owner.append([Draft("unwanted", {})])
    owner.delete("flight", 7)
    owner.delete("flight", 2500)
    del written[2499], written[6]
    wait_until(lambda: followed.heads().get("flight") == 2500)
    assert followed.page("flight", 0, limit=9999) == written
    written += owner.append(flights(3))
    wait_until(lambda: followed.page("flight", 0, limit=9999) == written)
    assert followed.heads() == {"flight": 2503}


@pytest.mark.slow
def test_reading_goes_on_while_the_owner_is_away_and_nothing_is_missing_when_it_is_back(owner, followed, caplog):
    written = followed.append(flights(3))
    with caplog.at_level(logging.WARNING):
        owner.is_away = True
        wait_until(lambda: any("Cannot follow" in one.getMessage() for one in caplog.records))
        assert followed.page("flight", 0) == written
        assert followed.sequence_at("flight", written[1].time) <= 2
        with pytest.raises(ServerError, match="The server does not answer"):
            followed.append(flights(1))
        with pytest.raises(ServerError, match="The server does not answer"):
            followed.delete("flight", 1)
        owner.is_away = False
        written += owner.append(flights(3))
        wait_until(lambda: followed.page("flight", 0) == written)
        assert followed.append(flights(1))[0].sequence == 7
    assert len([one for one in caplog.records if "Cannot follow" in one.getMessage()]) == 1


def test_a_copy_goes_on_where_it_was(owner, tmp_path):
    first = FollowedLog(owner, tmp_path / "copy.sqlite")
    written = first.append(flights(2))
    first.close()
    written += owner.append(flights(2))
    second = FollowedLog(owner, tmp_path / "copy.sqlite")
    wait_until(lambda: second.page("flight", 0) == written)
    second.close()


def test_another_log_in_its_place_is_said_and_not_mixed_with_the_copy(owner, followed, tmp_path, caplog):
    written = followed.append(flights(5))
    followed.close()
    with Owner(tmp_path / "new.sqlite") as other:
        other.append(flights(2))
        again = FollowedLog(other, tmp_path / "copy.sqlite")
        with caplog.at_level(logging.ERROR):
            again.version()
            wait_until(lambda: caplog.records)
        assert "has 2 notifications of 'flight', and 5 were copied from there before" in caplog.text
        assert again.page("flight", 0) == written
        again.close()
