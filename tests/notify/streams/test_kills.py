"""Processes that are killed at random moments of writing: what was acknowledged is there, once, under its number."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import dtedask
from dtedask.notify import NoticeLog, catch_up, events_of, listening
from dtedask.notify.log import close_logs
from dtedask.notify.streams import SqliteEventLog, open_streams
from tests.notify.streams.killed import CUBE, TYPES, listeners

KILLS = 30


def killed(kind, folder, longest_s):
    """Run writers that are killed, one after the other; yields what each had acknowledged."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    seconds = ",".join(f"{chance.uniform(0, longest_s):.4f}" for _ in range(KILLS))
    command = [sys.executable, Path(__file__).with_name("killed.py"), kind, folder, seconds]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        for line in program.stdout:
            acknowledged, code = json.loads(line)
            assert code == -signal.SIGKILL
            yield acknowledged
            program.stdin.write("\n")
            program.stdin.flush()


@pytest.mark.slow
def test_what_was_acknowledged_before_a_kill_is_there_and_no_number_is_given_twice(tmp_path):
    groups, passing, rounds = {}, 0, 0
    for acknowledged in killed("sent", tmp_path, 0.08):
        rounds += 1
        with SqliteEventLog(tmp_path / "events.sqlite") as log:
            page = log.page("flight", 0, limit=1 << 20)
            assert [one.sequence for one in page] == list(range(1, len(page) + 1))
            assert log.heads()["flight"] == len(page)
            sizes = Counter((one.identifier["group"], int(one.identifier["size"])) for one in page)
            assert all(count == size for (_, size), count in sizes.items()), "all of a group or nothing"
            for sequence, name in acknowledged:
                if name == "passing":
                    assert sequence > passing
                    passing = sequence
                else:
                    groups[sequence] = name
            assert all(page[sequence - 1].identifier["group"] == name for sequence, name in groups.items())
            assert log.heads()["passing"] >= passing
    assert rounds == KILLS


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_commits_of_processes_that_are_killed_are_all_announced_by_the_next_ones(tmp_path):
    flushed, rounds = set(), 0
    for acknowledged in killed("committed", tmp_path, 0.1):
        rounds += 1
        flushed |= {step for step, _ in acknowledged}
        history = dtedask.open(tmp_path / "root").history(CUBE)
        with NoticeLog(tmp_path / "root" / "notices.sqlite") as log:
            told = list(log.events())
        assert told == [event for commit in history for event in events_of(commit)][: len(told)]
        assert flushed <= {int(event.keys["step"]) for event in told}, "flushed is announced"
    assert rounds == KILLS
    store = dtedask.open(tmp_path / "root")
    with listening(listeners(tmp_path)):
        catch_up(store.root)
    expected = [event.id for commit in store.history(CUBE) for event in events_of(commit)]
    heard = (tmp_path / "heard").read_text().splitlines()
    assert list(dict.fromkeys(heard)) == expected, "each at least once, in order"
    with open_streams(store.root, TYPES) as streams:
        for event_type in ("data", CUBE.replace("/", ".")):
            page = streams.page(event_type, 0)
            assert [one.payload["id"] for one in page] == expected
            assert [one.sequence for one in page] == list(range(1, len(expected) + 1))
    close_logs()
