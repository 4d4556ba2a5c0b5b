"""What of the log of notifications survives a power cut, and kills at each call that changes its files, by strace."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from dtedask.notify.notification import Draft
from dtedask.notify.streams import SqliteEventLog
from tests.services.test_power_cut import calls_of

HERE = Path(__file__).parent
WRITER = """
import os, sys
from dtedask.notify.streams import SqliteEventLog
from dtedask.notify.notification import Draft

with SqliteEventLog(sys.argv[1]) as log:
    for number in range(4):
        written = log.append([Draft("flight", {"n": str(number)}, "x" * 2000)] * 2)
        os.write(1, f"acknowledged {written[-1].sequence}\\n".encode())
        if number == 2:
            log.trim("flight", keep=3)
"""
CHANGES = "pwrite64,fdatasync,fsync,ftruncate,unlink"


@pytest.fixture(scope="module")
def strace():
    """Path of strace."""
    return subprocess.run([HERE / "strace-up"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def test_notifications_are_on_disk_before_they_are_acknowledged(strace, tmp_path):
    out, path = tmp_path / "trace", tmp_path / "log" / "events.sqlite"
    command = [strace, "-f", "-y", "-o", out, "-e", f"trace={CHANGES},write"]
    subprocess.run([*command, sys.executable, "-c", WRITER, path], check=True, capture_output=True)
    calls = calls_of(out.read_text().splitlines())
    acknowledged = [one for one in calls if one.name == "write" and "acknowledged" in one.text]
    assert len(acknowledged) == 4
    written = [one for one in calls if one.name == "pwrite64" and f"<{path}-wal>" in one.text]
    synced = [one for one in calls if one.name in ("fsync", "fdatasync") and f"<{path}-wal>" in one.text]
    for answer in acknowledged:
        last = max(one.end for one in written if one.begin < answer.begin)
        assert any(last < one.begin and one.end < answer.begin for one in synced)
    folder = [one for one in calls if one.name in ("fsync", "fdatasync") and f"<{path.parent}>" in one.text]
    assert folder, "the names of the files are on disk"
    assert folder[0].end < acknowledged[0].begin


@pytest.mark.parametrize(("call", "least"), [("pwrite64", 20), ("fdatasync", 6)])
def test_a_log_whose_writer_is_killed_at_any_call_has_what_was_acknowledged_and_goes_on(strace, tmp_path, call, least):
    for number in range(1, 200):
        path = tmp_path / str(number) / "events.sqlite"
        kill = ["-e", f"trace={call}", "-e", f"inject={call}:signal=SIGKILL:when={number}"]
        command = [strace, "-f", "-o", "/dev/null", *kill, sys.executable, "-c", WRITER, path]
        ended = subprocess.run(command, check=False, capture_output=True, text=True)
        last = max([0, *map(int, re.findall(r"acknowledged (\d+)", ended.stdout))])
        with SqliteEventLog(path) as log:
            numbers = [one.sequence for one in log.page("flight", 0)]
            head = log.heads().get("flight", 0)
            assert head in (last, last + 2), "two at a time, or none"
            assert numbers == list(range(head - len(numbers) + 1, head + 1))
            assert len(numbers) == head or len(numbers) >= 3
            assert log.append([Draft("flight", {"n": "after"})])[0].sequence == head + 1
        if ended.returncode == 0:
            break
    assert number > least
    assert last == 8
