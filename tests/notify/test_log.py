"""The log holds every commit exactly once, whoever writes it."""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import sqlite3
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.core.errors import FormatVersionError, NoticeError
from dtedask.core.notice import Notice
from dtedask.notify.database import NOTICES, Database
from dtedask.notify.event import events_of, format_time
from dtedask.notify.log import NoticeLog, close_logs, open_log
from dtedask.notify.missed import record

NOW = datetime(2024, 6, 3, tzinfo=UTC)


def ids(log, **options):
    return [event.id for event in log.events(**options)]


def test_events_come_back_as_they_were_made(root, make_commit):
    commit = make_commit(root, 1)
    with NoticeLog(root / "log.sqlite") as log:
        assert log.append([commit]) == 1
        assert tuple(log.events()) == events_of(commit)


def test_a_commit_that_is_delivered_again_is_ignored(root, make_commit):
    with NoticeLog(root / "log.sqlite") as log:
        assert [log.append([make_commit(root, 1)]) for _ in range(3)] == [1, 0, 0]
        assert ids(log) == ["od/oper/0001@1.0", "od/oper/0001@1.1"]


@given(groups=st.lists(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 5)), max_size=6), max_size=6))
def test_notices_are_logged_once_in_the_order_in_which_they_were_first_given(tmp_path_factory, make_commit, groups):
    changes = make_commit("root", 1, params=("130",)).changes
    first = list(dict.fromkeys(one for group in groups for one in group))
    with NoticeLog(tmp_path_factory.mktemp("log") / "notices.sqlite") as log:
        for group in groups:
            notices = [Notice("root", stream, f"{stream}-{number}", NOW, changes) for stream, number in group]
            log.append_notices(notices)
        assert [(e.cube, e.snapshot) for e in log.events()] == [
            (stream, f"{stream}-{number}") for stream, number in first
        ]
        for stream in "ab":
            found = [e.sequence for e in log.events() if e.cube == stream]
            assert found == list(range(1, len(found) + 1))


def test_another_snapshot_at_the_same_place_is_an_error_and_changes_nothing(root, make_commit):
    with NoticeLog(root / "log.sqlite") as log:
        log.append([make_commit(root, 1)])
        with pytest.raises(NoticeError, match=r"Commit 1 of .*od/oper/0001 is other; the log .* knows od/oper/0001-S1"):
            log.append([make_commit(root, 2), make_commit(root, 1, snapshot="other")])
        assert log.heads() == {"od/oper/0001": 1}


@pytest.mark.slow
@given(
    st.data(),
    st.dictionaries(st.sampled_from(["a/b/1", "a/b/2", "c/d/1"]), st.integers(1, 5), min_size=1),
)
def test_any_order_of_delivery_gives_each_commit_once_and_in_order(tmp_path_factory, make_commit, data, sizes):
    history = {cube: [make_commit("r", n, cube=cube) for n in range(1, size + 1)] for cube, size in sizes.items()}
    commits = [commit for cube in history for commit in history[cube]]
    delivered = data.draw(st.lists(st.sampled_from(commits), min_size=1, max_size=12))
    with NoticeLog(tmp_path_factory.mktemp("log") / "log.sqlite") as log:
        for commit in delivered:
            record(log, commit, history=lambda _, cube, _after: history[cube])
        for cube in {commit.cube for commit in delivered}:
            heard = [entry.sequence for entry in log.entries() if entry.cube == cube]
            assert heard == list(range(1, max(c.sequence for c in delivered if c.cube == cube) + 1))
        assert [entry.position for entry in log.entries()] == sorted(entry.position for entry in log.entries())


@pytest.mark.slow
@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), st.integers(0, 130), min_size=1), st.data())
def test_reading_after_a_place_gives_exactly_what_comes_after(tmp_path_factory, make_commit, sizes, data):
    after = {cube: data.draw(st.integers(0, size + 1)) for cube, size in sizes.items()}
    with NoticeLog(tmp_path_factory.mktemp("log") / "log.sqlite") as log:
        for cube, size in sizes.items():
            log.append([make_commit("r", n, cube=cube, params=("130",)) for n in range(1, size + 1)])
        found = Counter((entry.cube, entry.sequence) for entry in log.entries(after=after))
    assert found == Counter((cube, n) for cube, size in sizes.items() for n in range(after[cube] + 1, size + 1))


def test_threads_that_deliver_the_same_commits_log_them_once(root, make_commit):
    history = [make_commit(root, n) for n in range(1, 21)]
    with NoticeLog(root / "log.sqlite") as log, ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(record, log, commit, history=lambda *_: history) for commit in history * 3]
        assert sum(job.result() for job in jobs) == 20
        assert [entry.sequence for entry in log.entries()] == list(range(1, 21))


def _record_all(path, commits, barrier, results):
    barrier.wait(30)
    with NoticeLog(path) as log:
        results.put(sum(record(log, commit, history=lambda *_: commits) for commit in commits))


def test_processes_that_deliver_the_same_commits_log_them_once(root, make_commit):
    context = multiprocessing.get_context("fork")
    barrier, results = context.Barrier(4), context.Queue()
    history = [make_commit(root, n) for n in range(1, 21)]
    workers = [
        context.Process(target=_record_all, args=(root / "log.sqlite", history[begin:] + history, barrier, results))
        for begin in (0, 5, 10, 15)
    ]
    for worker in workers:
        worker.start()
    counts = [results.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join(60)
    assert sum(counts) == 20
    with NoticeLog(root / "log.sqlite") as log:
        assert [entry.sequence for entry in log.entries()] == list(range(1, 21))


def test_a_forked_child_opens_the_file_for_itself(root, make_commit):
    log = NoticeLog(root / "log.sqlite")
    log.append([make_commit(root, 1)])
    child = multiprocessing.get_context("fork").Process(target=log.append, args=([make_commit(root, 2)],))
    child.start()
    child.join(60)
    assert child.exitcode == 0
    assert log.append([make_commit(root, 3)]) == 1
    assert log.heads() == {"od/oper/0001": 3}
    log.close()


def test_a_log_whose_file_was_removed_begins_anew(root, make_commit):
    with NoticeLog(root / "log.sqlite") as log:
        log.append([make_commit(root, 1)])
        for file in root.glob("log.sqlite*"):
            file.unlink()
        assert log.append([make_commit(root, 1, snapshot="new root")]) == 1


def test_another_connection_that_writes_is_noticed_and_ones_own_is_not(root, make_commit):
    with NoticeLog(root / "log.sqlite") as log, NoticeLog(root / "log.sqlite") as other:
        before = log.version()
        log.append([make_commit(root, 1)])
        assert log.version() == before
        other.append([make_commit(root, 2)])
        assert log.version() != before


def test_a_log_of_a_newer_format_is_refused(root):
    connection = sqlite3.connect(root / "log.sqlite")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with (
        NoticeLog(root / "log.sqlite") as log,
        pytest.raises(FormatVersionError, match="format 99; this dtedask knows"),
    ):
        log.heads()


_FORMAT_1 = """
CREATE TABLE commits (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    cube TEXT NOT NULL, sequence INTEGER NOT NULL, snapshot TEXT NOT NULL, root TEXT NOT NULL, time TEXT NOT NULL,
    UNIQUE (cube, sequence));
CREATE TABLE events (
    cube TEXT NOT NULL, sequence INTEGER NOT NULL, number INTEGER NOT NULL,
    grp TEXT NOT NULL, variable TEXT NOT NULL, request TEXT NOT NULL, fields INTEGER NOT NULL,
    PRIMARY KEY (cube, sequence, number)) WITHOUT ROWID;
CREATE TABLE heads (cube TEXT PRIMARY KEY, sequence INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE listeners (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE cursors (
    listener TEXT NOT NULL, cube TEXT NOT NULL, sequence INTEGER NOT NULL,
    PRIMARY KEY (listener, cube)) WITHOUT ROWID;
CREATE TABLE failures (
    number INTEGER PRIMARY KEY, listener TEXT NOT NULL, event TEXT NOT NULL, trigger TEXT NOT NULL,
    message TEXT NOT NULL, time TEXT NOT NULL);
"""


@pytest.fixture
def old_log(root, make_commit):
    """A log as the first format had it, with two commits and a listener that has heard of one."""
    connection = sqlite3.connect(root / "log.sqlite")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.executescript(_FORMAT_1)
    for commit in (make_commit(root, 1), make_commit(root, 2)):
        place = (commit.cube, commit.sequence)
        row = (*place, commit.snapshot, commit.root, format_time(commit.time))
        connection.execute("INSERT INTO commits (cube, sequence, snapshot, root, time) VALUES (?, ?, ?, ?, ?)", row)
        for number, change in enumerate(commit.changes):
            row = (*place, number, change.group, change.variable, json.dumps(change.request), change.fields)
            connection.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        connection.execute("INSERT OR REPLACE INTO heads VALUES (?, ?)", place)
    connection.execute("INSERT INTO listeners VALUES ('old')")
    connection.execute("INSERT INTO cursors VALUES ('old', ?, 1)", (commit.cube,))
    connection.execute("PRAGMA user_version = 1")
    connection.commit()
    connection.close()
    return root / "log.sqlite"


def test_a_log_of_the_first_format_is_brought_up_to_date_without_loss(root, old_log, make_commit):
    commits = [make_commit(root, sequence) for sequence in (1, 2, 3)]
    with NoticeLog(old_log) as log:
        assert list(log.events()) == [event for commit in commits[:2] for event in events_of(commit)]
        assert log.cursors("old") == {commits[0].cube: 1}
        log.append(commits)
        assert list(log.events()) == [event for commit in commits for event in events_of(commit)]


def test_an_upgrade_that_is_cut_short_leaves_the_old_log(root, old_log):
    broken = dataclasses.replace(NOTICES, upgrades={**NOTICES.upgrades, 1: "ALTER TABLE events ADD COLUMN x; nonsense"})
    with pytest.raises(NoticeError, match="syntax error"), Database(old_log, broken).read():
        pass
    with NoticeLog(old_log) as log:
        assert len(list(log.events())) == 4


@pytest.mark.slow
def test_several_threads_that_open_an_old_log_at_once_upgrade_it_once(old_log):
    def count(_):
        with NoticeLog(old_log) as log:
            return len(list(log.events()))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(count, range(16))) == [4] * 16


def test_bytes_checksum_and_area_are_kept(root, make_commit):
    commit = make_commit(root, 1)
    change = dataclasses.replace(
        commit.changes[0], size_bytes=12, checksum="0123456789abcdef", area=(60.0, -10.0, 30.5, 40.0)
    )
    commit = dataclasses.replace(commit, changes=(change, commit.changes[1]))
    with NoticeLog(root / "log.sqlite") as log:
        log.append([commit])
    with NoticeLog(root / "log.sqlite") as log:
        assert tuple(log.events()) == events_of(commit)


def test_a_file_that_is_no_log_is_a_clear_error(root):
    (root / "log.sqlite").write_bytes(b"something else entirely" * 100)
    with (
        NoticeLog(root / "log.sqlite") as log,
        pytest.raises(NoticeError, match=r"cannot be used: file is not a database"),
    ):
        log.heads()


def test_events_name_the_root_where_it_is_now(root, make_commit):
    open_log(root).append([make_commit(root, 1)])
    close_logs()
    moved = root.rename(root.with_name("moved"))
    assert {event.url for event in open_log(moved).events()} == {f"{moved}/od/oper/0001"}


def test_few_logs_stay_open(tmp_path, make_commit):
    for number in range(20):
        (tmp_path / str(number)).mkdir()
        open_log(tmp_path / str(number)).append([make_commit(tmp_path / str(number), 1)])
    held = [fd.resolve() for fd in Path("/proc/self/fd").iterdir()]
    assert len({path for path in held if path.name == "notices.sqlite"}) <= 8
    close_logs()
