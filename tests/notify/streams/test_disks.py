"""Disks that fill at any moment, and files that are damaged."""

from __future__ import annotations

import os
import random
import re
import subprocess
from contextlib import contextmanager

import pytest

from dtedask.core.errors import NoticeError
from dtedask.notify.log import NoticeLog
from dtedask.notify.notification import Draft
from dtedask.notify.streams import CommitLog, SqliteEventLog
from tests.notify.streams.test_commit_log import TYPES

PAGE = 4096
FULL = r"The log of .* cannot be used: (database or disk is full|No space left on device|disk I/O error)\. .+"


@pytest.fixture
def disk(tmp_path):
    """A small disk of its own."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)], check=False)
    if mounted.returncode != 0:
        pytest.skip("a small disk cannot be mounted here")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@contextmanager
def only_so_many_pages(disk, pages):
    """Fill a disk up to some pages, for the length of a block."""
    ballast = disk / "ballast"
    found = os.statvfs(disk)
    with ballast.open("wb") as file:
        file.write(bytes(max(found.f_bavail * found.f_frsize - pages * PAGE, 0)))
    try:
        yield
    finally:
        ballast.unlink()


def draft(number):
    return Draft("flight", {"n": str(number)}, "x" * 3000)


@pytest.mark.slow
@pytest.mark.parametrize("is_begun", [True, False])
def test_a_log_on_a_disk_that_fills_keeps_what_was_acknowledged_and_goes_on_when_there_is_room(disk, is_begun):
    written, failed = [], []
    with SqliteEventLog(disk / "events.sqlite") as log:
        if is_begun:
            written += log.append([draft(-1)])
        for pages in range(24):
            with only_so_many_pages(disk, pages):
                try:
                    for number in range(10):
                        written += log.append([draft(number), draft(number)])
                except NoticeError as error:
                    failed.append(str(error))
                if written:
                    assert log.page("flight", 0) == written
            written += log.append([draft(pages)])
            assert log.page("flight", 0) == written
    assert len(failed) >= 20
    assert all(re.match(FULL, text) for text in failed)
    assert [one.sequence for one in written] == list(range(1, len(written) + 1))
    with SqliteEventLog(disk / "events.sqlite") as again:
        assert again.page("flight", 0) == written


@pytest.mark.slow
def test_commits_that_find_the_disk_full_are_logged_when_there_is_room(disk, make_commit):
    with NoticeLog(disk / "notices.sqlite") as log:
        sequence, failed = 0, []
        for pages in range(24):
            with only_so_many_pages(disk, pages):
                try:
                    for _ in range(10):
                        log.append([make_commit("/r", sequence + 1, cube="a/b/1")])
                        sequence += 1
                except NoticeError as error:
                    failed.append(str(error))
            assert log.append([make_commit("/r", sequence + 1, cube="a/b/1")]) == 1
            sequence += 1
        assert len(failed) >= 15
        assert all(re.match(FULL, text) for text in failed)
        assert [entry.sequence for entry in log.entries()] == list(range(1, sequence + 1))
        page = CommitLog(log, TYPES).page("data", 0, limit=10_000)
        assert [one.sequence for one in page] == list(range(1, 2 * sequence + 1))


def test_the_error_of_a_full_disk_says_that_it_goes_on_when_there_is_room(disk):
    with SqliteEventLog(disk / "events.sqlite") as log:
        log.append([draft(1)])
        drafts = [draft(number) for number in range(1000)]
        with (
            only_so_many_pages(disk, 0),
            pytest.raises(NoticeError, match=r"disk is full\. Make room on its disk: nothing was written, and it goes"),
        ):
            log.append(drafts)


def test_a_damaged_log_is_an_error_that_says_what_to_do(tmp_path):
    with SqliteEventLog(tmp_path / "events.sqlite") as log:
        for number in range(50):
            log.append([draft(number)])
    chance, path = random.Random(1), tmp_path / "events.sqlite"
    data = bytearray(path.read_bytes())
    for place in range(4096, len(data)):
        data[place] = chance.randrange(256)
    path.write_bytes(data)
    with SqliteEventLog(path) as log:
        for call in (lambda: log.page("flight", 0), lambda: log.append([draft(1)]), log.heads):
            with pytest.raises(NoticeError, match=r"malformed\. `dtedask notify recover` saves"):
                call()


def test_a_file_of_something_else_is_an_error_that_says_what_to_do(tmp_path):
    (tmp_path / "events.sqlite").write_bytes(b"something else entirely" * 100)
    (tmp_path / "notices.sqlite").write_bytes(b"something else entirely" * 100)
    with SqliteEventLog(tmp_path / "events.sqlite") as log, NoticeLog(tmp_path / "notices.sqlite") as notices:
        with pytest.raises(NoticeError, match=r"file is not a database\. `dtedask notify recover`"):
            log.append([draft(1)])
        with pytest.raises(NoticeError, match=r"file is not a database\. Move it away .* filled from the history"):
            notices.heads()
