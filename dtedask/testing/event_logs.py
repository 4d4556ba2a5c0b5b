"""What every log of notifications must do."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dtedask.core.errors import NotificationError
from dtedask.notify.notification import Draft

if TYPE_CHECKING:
    from dtedask.notify.event_log import EventLog
    from dtedask.notify.notification import Notification

_DEADLINE_S = 10.0
_LATER = timedelta(days=1)
_SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_JSON = st.recursive(
    _SCALARS | _TEXTS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3)
)


class EventLogSuite:
    """Tests of a log of notifications: derive a class whose name begins with ``Test``, and open the log.

    Examples
    --------
    >>> class TestMyLog(EventLogSuite):
    ...     def open(self, folder):
    ...         return MyLog(folder / "log")
    """

    def open(self, folder: Path) -> EventLog:
        """Open the log of a folder, also where it is open already: each folder has one, empty at first."""
        raise NotImplementedError

    @pytest.fixture
    def log(self, tmp_path: Path) -> Iterator[EventLog]:
        """An empty log."""
        found = self.open(tmp_path)
        yield found
        found.close()

    def test_notifications_come_back_as_they_were_drafted(self, log: EventLog) -> None:  # noqa: D102
        before = datetime.now(UTC)
        drafts = [_draft(1), _draft(2, payload=None), Draft("other", {}, [1, 2.5, "é", {"a": None}])]
        written = log.append(drafts)
        assert [(one.event_type, one.identifier, one.payload) for one in written] == [
            (one.event_type, one.identifier, one.payload) for one in drafts
        ]
        assert list(log.page("flight", 0)) == list(written[:2])
        assert list(log.page("other", 0)) == [written[2]]
        for one in written:
            assert before - timedelta(seconds=1) <= one.time <= datetime.now(UTC) + timedelta(seconds=1)

    def test_numbers_of_a_type_rise_and_the_head_is_the_last(self, log: EventLog) -> None:  # noqa: D102
        assert dict(log.heads()) == {}
        numbers = [one.sequence for n in range(5) for one in log.append([_draft(n), _draft(n)])]
        assert numbers[0] > 0
        assert numbers == sorted(set(numbers))
        assert dict(log.heads()) == {"flight": numbers[-1]}

    def test_types_that_were_never_written_have_nothing(self, log: EventLog) -> None:  # noqa: D102
        assert list(log.page("flight", 0)) == []
        assert log.wipe("flight") == log.trim("flight", keep=0) == 0
        assert not log.delete("flight", 1)
        assert log.append([]) in ([], ())

    def test_pages_give_what_lies_between_two_numbers(self, log: EventLog) -> None:  # noqa: D102
        log.append([Draft("other", {"n": str(n)}) for n in range(5)])
        written = [one for n in range(7) for one in log.append([_draft(n), Draft("other", {"n": str(n)})])]
        flights = [one for one in written if one.event_type == "flight"]
        for begin in range(len(flights)):
            for limit in (1, 3, 100):
                page = log.page("flight", flights[begin].sequence, limit=limit)
                assert list(page) == flights[begin + 1 : begin + 1 + limit]
            until = flights[begin].sequence
            assert list(log.page("flight", 0, until=until)) == flights[: begin + 1]
            assert list(log.page("flight", 0, limit=2, until=until)) == flights[: begin + 1][:2]
        assert list(log.page("flight", flights[-1].sequence)) == []
        assert list(log.page("flight", flights[3].sequence, until=flights[1].sequence)) == []
        assert list(log.page("flight", 1 << 80)) == []
        assert list(log.page("flight", -1, until=1 << 80)) == flights

    def test_what_json_cannot_hold_is_refused_and_nothing_is_written(self, log: EventLog) -> None:  # noqa: D102
        for payload in (float("nan"), {1, 2}, b"bytes"):
            with pytest.raises(NotificationError, match="JSON cannot hold the payload of a notification of 'flight'"):
                log.append([_draft(1), _draft(2, payload=payload)])
        assert list(log.page("flight", 0)) == []

    def test_what_is_deleted_is_gone_and_its_number_stays_used(self, log: EventLog) -> None:  # noqa: D102
        first, second, third = log.append([_draft(n) for n in range(3)])
        assert log.delete("flight", second.sequence)
        assert not log.delete("flight", second.sequence)
        assert not log.delete("flight", 1 << 80)
        assert list(log.page("flight", 0)) == [first, third]
        assert log.delete("flight", third.sequence)
        assert dict(log.heads()) == {"flight": third.sequence}
        assert log.append([_draft(4)])[0].sequence > third.sequence

    def test_numbers_go_on_where_they_were_when_all_is_wiped(self, log: EventLog, tmp_path: Path) -> None:  # noqa: D102
        last = log.append([_draft(n) for n in range(4)])[-1]
        (other,) = log.append([Draft("other", {})])
        assert log.wipe("flight") == 4
        assert list(log.page("flight", 0)) == []
        assert list(log.page("other", 0)) == [other]
        assert log.heads()["flight"] == last.sequence
        log.close()
        again = self.open(tmp_path)
        assert again.heads()["flight"] == last.sequence
        (next_one,) = again.append([_draft(5)])
        assert next_one.sequence > last.sequence
        assert list(again.page("flight", 0)) == [next_one]
        again.close()

    def test_trimming_keeps_the_last_ones(self, log: EventLog) -> None:  # noqa: D102
        written = log.append([_draft(n) for n in range(6)])
        log.delete("flight", written[4].sequence)
        assert log.trim("flight", keep=9) == 0
        assert log.trim("flight", keep=3) == 2
        assert [one.sequence for one in log.page("flight", 0)] == [written[n].sequence for n in (2, 3, 5)]
        assert log.trim("flight", keep=0) == 3
        assert log.heads()["flight"] == written[-1].sequence

    def test_trimming_by_time_takes_what_is_older(self, log: EventLog) -> None:  # noqa: D102
        written = _at_different_times(log)
        assert log.trim("flight", before=written[0].time) == 0
        assert log.trim("flight", before=written[2].time) == 2
        assert list(log.page("flight", 0)) == written[2:]
        assert log.trim("flight", before=written[-1].time + _LATER) == len(written) - 2

    def test_the_number_at_a_time_is_that_of_the_first_one_since_then(self, log: EventLog) -> None:  # noqa: D102
        written = _at_different_times(log)
        for one in written:
            assert log.sequence_at("flight", one.time) == one.sequence
        between = written[1].time + (written[2].time - written[1].time) / 2
        assert log.sequence_at("flight", between) == written[2].sequence
        assert log.sequence_at("flight", written[0].time - _LATER) <= written[0].sequence
        assert log.sequence_at("flight", written[-1].time + _LATER) == written[-1].sequence + 1

    def test_whoever_writes_changes_the_version_for_all(self, log: EventLog, tmp_path: Path) -> None:  # noqa: D102
        other = self.open(tmp_path)
        for writer in (log, other):
            seen = (log.version(), other.version())
            (written,) = writer.append([_draft(1)])
            _wait_until(lambda seen=seen: log.version() != seen[0] and other.version() != seen[1])
            for reader in (log, other):
                assert reader.page("flight", 0)[-1] == written
            seen = (log.version(), other.version())
            assert (log.version(), other.version()) == seen
        other.close()

    def test_all_that_threads_append_at_once_is_there_in_their_order(self, log: EventLog, tmp_path: Path) -> None:  # noqa: D102
        other, ready = self.open(tmp_path), threading.Barrier(8)

        def write(worker: int) -> list[Notification]:
            ready.wait(_DEADLINE_S)
            mine = other if worker % 2 else log
            return [one for n in range(10) for one in mine.append([_draft(n, worker=str(worker))] * 2)]

        with ThreadPoolExecutor(8) as pool:
            written = list(pool.map(write, range(8)))
        for own in written:
            assert [one.sequence for one in own] == sorted({one.sequence for one in own})
        everything = sorted((one for own in written for one in own), key=lambda one: one.sequence)
        assert list(log.page("flight", 0)) == everything
        assert len({one.sequence for one in everything}) == 160
        other.close()

    @pytest.mark.slow
    def test_any_json_comes_back(self, log: EventLog) -> None:  # noqa: D102
        @settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=50)
        @given(st.dictionaries(_TEXTS, _JSON, max_size=3), _JSON)
        def check(identifier: dict[str, Any], payload: Any) -> None:
            (written,) = log.append([Draft("any", identifier, payload)])
            (found,) = log.page("any", written.sequence - 1)
            assert (found.identifier, found.payload) == (identifier, payload)

        check()


def _draft(number: int, payload: Any = "text", **keys: str) -> Draft:
    return Draft("flight", {"country": "italy", "number": str(number), **keys}, payload)


def _at_different_times(log: EventLog) -> list[Notification]:
    written = [*log.append([_draft(0)])]

    def is_later() -> bool:
        return datetime.now(UTC) - written[-1].time > timedelta(milliseconds=5)

    for number in range(1, 4):
        _wait_until(is_later)
        written += log.append([_draft(number)])
    assert [one.time for one in written] == sorted({one.time for one in written})
    return written


def _wait_until(condition: Any) -> None:
    end = time.monotonic() + _DEADLINE_S
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.001)
