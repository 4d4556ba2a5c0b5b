"""Commits as notifications: numbered one after the other in each type, without a copy."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace
from datetime import timedelta
from fnmatch import fnmatchcase

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.core.errors import NoticeError
from dtedask.notify.event import Event, events_of
from dtedask.notify.log import NoticeLog
from dtedask.notify.notification import Draft
from dtedask.notify.streams import CommitLog
from tests.notify.conftest import BEGIN

CUBES = ("a/b/1", "a/b/2", "c/d/1")
PATTERNS = {"one": ("a/b/1",), "data": ("*",), "some": ("a/*", "x/*"), "last": ("c/d/?",), "flight": ()}


@dataclass(frozen=True)
class Type:
    name: str
    cubes: tuple[str, ...]


TYPES = {name: Type(name, cubes) for name, cubes in PATTERNS.items()}


@pytest.fixture
def log(tmp_path):
    with NoticeLog(tmp_path / "notices.sqlite") as notices:
        yield CommitLog(notices, TYPES)


def matching(event_type, events):
    return [event for event in events if any(fnmatchcase(event.cube, one) for one in PATTERNS[event_type])]


def ids(page):
    return [(one.sequence, one.payload["id"]) for one in page]


histories = st.lists(st.tuples(st.sampled_from(CUBES), st.integers(0, 5)), max_size=12)


@pytest.mark.slow
@settings(max_examples=50)
@given(histories, st.data())
def test_each_type_has_the_events_of_its_cubes_under_the_numbers_from_1_on(
    tmp_path_factory, make_commit, history, data
):
    events, sequences = [], dict.fromkeys(CUBES, 0)
    with NoticeLog(tmp_path_factory.mktemp("log") / "notices.sqlite") as notices:
        log = CommitLog(notices, TYPES)
        for cube, size in history:
            sequences[cube] += 1
            params = tuple(str(n) for n in range(size))
            commit = make_commit("/r", sequences[cube], cube=cube, params=params)
            notices.append([commit])
            events += events_of(commit)
            if data.draw(st.booleans()):
                log.heads()  # which counts what came until now
        for name in ("one", "data", "some", "last"):
            expected = [(number, event.id) for number, event in enumerate(matching(name, events), 1)]
            assert ids(log.page(name, 0)) == expected
            assert log.heads().get(name, 0) == len(expected)
            after, limit = data.draw(st.integers(-1, 30)), data.draw(st.integers(0, 8))
            until = data.draw(st.none() | st.integers(-1, 30))
            between = [one for one in expected if one[0] > after and (until is None or one[0] <= until)]
            assert ids(log.page(name, after, limit=limit, until=until)) == between[:limit]


@pytest.mark.slow
@settings(max_examples=50)
@given(histories, st.data())
def test_numbers_stay_when_the_oldest_commits_go(tmp_path_factory, make_commit, history, data):
    sequences = dict.fromkeys(CUBES, 0)
    seen = {name: {} for name in ("one", "data", "some", "last")}
    with NoticeLog(tmp_path_factory.mktemp("log") / "notices.sqlite") as notices:
        log = CommitLog(notices, TYPES)
        for cube, size in history:
            sequences[cube] += 1
            notices.append([make_commit("/r", sequences[cube], cube=cube, params=("1",) * size)])
            for name, numbers in seen.items():
                for one in log.page(name, 0):
                    assert numbers.setdefault(one.payload["id"], one.sequence) == one.sequence
                assert log.heads().get(name, 0) == max(numbers.values(), default=0)
            if data.draw(st.booleans()):
                victim = data.draw(st.sampled_from(CUBES))
                notices.trim(victim, data.draw(st.integers(0, sequences[victim] + 1)))
        for numbers in seen.values():
            assert sorted(numbers.values()) == list(range(1, len(numbers) + 1))


def test_an_event_comes_back_whole(log, make_commit):
    commit = make_commit("/r", 3, cube="a/b/1")
    area = (60.0, -10.0, 30.0, 40.0)
    commit = replace(commit, changes=tuple(replace(one, area=area, size_bytes=7) for one in commit.changes))
    log.log.append([commit])
    found = log.page("data", 0)
    assert tuple(map(Event.from_notification, found)) == events_of(commit)
    assert found[0].identifier == {
        **commit.changes[0].keys,
        "polygon": [[60.0, -10.0], [60.0, 40.0], [30.0, 40.0], [30.0, -10.0], [60.0, -10.0]],
    }
    assert {"cube": "a/b/1", "fields": 2, "bytes": 7, "root": "/r", "sequence": 3}.items() <= found[0].payload.items()
    assert found[0].time == commit.time


def test_every_log_numbers_a_cube_alike_also_one_that_lacks_the_first_commits(tmp_path, make_commit):
    commits, before = [], 0
    for sequence in range(1, 6):
        commits.append(replace(make_commit("/r", sequence, cube="a/b/1"), events_before=before))
        before += len(commits[-1].changes)
    found = []
    for name, known in (("whole", commits), ("late", commits[2:]), ("later", commits[4:])):
        with NoticeLog(tmp_path / f"{name}.sqlite") as notices:
            notices.append(known)
            log = CommitLog(notices, TYPES)
            found.append(ids(log.page("one", 0)))
            assert log.heads()["one"] == 10
    assert found[0][4:] == found[1]
    assert found[0][8:] == found[2]


def test_the_number_at_a_time_is_that_of_the_first_event_since_then(log, make_commit):
    for sequence in range(1, 6):
        for cube in CUBES:
            log.log.append([make_commit("/r", sequence, cube=cube, params=("1",) if sequence != 3 else ())])
    # A log that was filled late has old commits behind newer ones.
    log.log.append([replace(make_commit("/r", 6, cube="c/d/1"), time=BEGIN)])
    for name in ("one", "data", "some"):
        page = log.page(name, 0)
        for minutes in range(8):
            time = BEGIN + timedelta(minutes=minutes)
            expected = next((one.sequence for one in page if one.time >= time), page[-1].sequence + 1)
            assert log.sequence_at(name, time) == expected
    assert log.sequence_at("flight", BEGIN) == 1


def test_commits_of_this_process_change_the_version(tmp_path, make_commit):
    with NoticeLog(tmp_path / "notices.sqlite") as writing, NoticeLog(tmp_path / "notices.sqlite") as reading:
        log = CommitLog(reading, TYPES)
        log.heads()
        seen = log.version()
        assert log.version() == seen
        writing.append([make_commit("/r", 1, cube="a/b/1")])
        assert log.version() != seen
        log.heads()
        seen = log.version()
        assert log.version() == seen


def test_nobody_sends_or_removes_what_was_committed(log):
    with pytest.raises(NoticeError, match=r"Notifications of 'data' are made by commits and cannot be sent"):
        log.append([Draft("data", {})])
    for call in (lambda: log.delete("data", 1), lambda: log.wipe("data"), lambda: log.trim("data", keep=1)):
        with pytest.raises(NoticeError, match=r"of 'data': they are the commits of cubes\. They go with the history"):
            call()


def test_a_log_without_numbers_gets_them_when_it_is_opened(tmp_path, make_commit):
    with NoticeLog(tmp_path / "notices.sqlite") as notices:
        for sequence in range(1, 4):
            for cube in CUBES:
                notices.append([make_commit("/r", sequence, cube=cube, params=("1",) * (sequence % 3))])
        expected = {name: ids(CommitLog(notices, TYPES).page(name, 0)) for name in ("one", "data", "some")}
        heads = CommitLog(notices, TYPES).heads()
    connection = sqlite3.connect(tmp_path / "notices.sqlite")
    _take_numbers_away(connection)
    connection.close()
    with NoticeLog(tmp_path / "notices.sqlite") as notices:
        log = CommitLog(notices, TYPES)
        assert {name: ids(log.page(name, 0)) for name in expected} == expected
        assert log.heads() == heads
        notices.append([make_commit("/r", 4, cube="a/b/1", params=("1",))])
        assert log.page("data", 0)[-1].sequence == len(expected["data"]) + 1


def test_pages_are_found_by_an_index_and_need_no_sorting(log, make_commit):
    log.log.append([make_commit("/r", 1, cube="a/b/1")])
    for name in ("one", "data", "some"):
        statements = []
        with log.log.database.read() as connection:
            connection.set_trace_callback(statements.append)
            log.page(name, 1)
            connection.set_trace_callback(None)
            for statement in [one for one in statements if one.startswith("SELECT")]:
                plan = " ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}"))
                assert "SCAN" not in plan.replace("SCAN CONSTANT ROW", "")
                assert "TEMP B-TREE" not in plan


def _take_numbers_away(connection):
    connection.executescript(
        """
        DROP TABLE patterns; DROP TABLE pattern_commits; DROP INDEX commits_by_number; DROP INDEX commits_by_total;
        ALTER TABLE commits DROP COLUMN first; ALTER TABLE commits DROP COLUMN total;
        ALTER TABLE commits DROP COLUMN size;
        ALTER TABLE heads DROP COLUMN number; ALTER TABLE heads DROP COLUMN total;
        DROP INDEX commits_by_snapshot;
        PRAGMA user_version = 2;
        """
    )
