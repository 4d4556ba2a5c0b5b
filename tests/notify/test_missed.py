"""What was committed and not announced is found in the history."""

from __future__ import annotations

import pytest

from dtedask.core.errors import NoticeError
from dtedask.notify.log import NoticeLog
from dtedask.notify.missed import fill, record


def no_history(root, cube, after):
    raise AssertionError("the history is not needed")


def test_commits_in_order_need_no_history(root, make_commit):
    with NoticeLog(root / "log.sqlite") as log:
        for sequence in (1, 2, 2, 1, 3):
            record(log, make_commit(root, sequence), history=no_history)
        assert log.last("od/oper/0001") == 3


def test_missed_commits_are_announced_before_the_one_that_shows_the_gap(root, make_commit):
    history = [make_commit(root, n) for n in range(1, 8)]
    with NoticeLog(root / "log.sqlite") as log:
        log.append(history[:2])
        assert record(log, history[4], history=lambda *_: history) == 3
        assert [entry.sequence for entry in log.entries()] == [1, 2, 3, 4, 5]


def test_where_the_history_cannot_be_read_nothing_is_logged_so_that_nothing_is_lost(root, make_commit):
    def broken(root, cube, after):
        raise OSError("no network")

    with NoticeLog(root / "log.sqlite") as log:
        log.append([make_commit(root, 1)])
        with pytest.raises(NoticeError, match=r"after number 1 were not announced.*no network.*at the next start"):
            record(log, make_commit(root, 3), history=broken)
        assert log.heads() == {"od/oper/0001": 1}


def test_commits_that_the_history_has_lost_are_reported(root, make_commit, caplog):
    history = [make_commit(root, n) for n in (4, 5, 6)]
    with NoticeLog(root / "log.sqlite") as log:
        log.append([make_commit(root, 1)])
        record(log, make_commit(root, 6), history=lambda *_: history)
        assert [entry.sequence for entry in log.entries()] == [1, 4, 5, 6]
    assert [r.getMessage() for r in caplog.records] == [
        "Commits 2 to 3 of od/oper/0001 are no longer in its history: nobody is told of them."
    ]


def test_filling_announces_what_is_missing_in_every_cube_and_then_nothing_more(root, make_commit):
    cubes = {"a/b/1": 3, "c/d/1": 2}

    def history(root, cube, after):
        return [make_commit(root, n, cube=cube) for n in range(1, cubes[cube] + 1)]

    with NoticeLog(root / "log.sqlite") as log:
        log.append([make_commit(root, 1, cube="a/b/1")])
        counts = [fill(log, str(root), cubes=lambda _: list(cubes), history=history) for _ in range(2)]
        assert counts == [4, 0]
        assert log.heads() == cubes
