"""What can be read of a damaged log is saved, under its numbers."""

from __future__ import annotations

import json
import random
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.core.errors import NoticeError
from dtedask.notify.notification import Draft
from dtedask.notify.streams import SqliteEventLog, recover_events

PAGE = 4096


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A log of two types, and what it holds."""
    path = tmp_path_factory.mktemp("whole") / "events.sqlite"
    with SqliteEventLog(path) as log:
        written = log.append([Draft(("flight", "other")[n % 3 == 0], {"n": str(n)}, "x" * 300) for n in range(600)])
        log.wipe("nothing")
    return path.read_bytes(), written


def damage(data, pages, chance):
    for page in pages:
        data[page * PAGE : (page + 1) * PAGE] = chance.randbytes(PAGE)


@pytest.mark.slow
@settings(max_examples=50)
@given(st.data())
def test_all_but_what_it_says_is_saved_and_numbers_go_on(tmp_path_factory, whole, data):
    content, written = whole
    path = tmp_path_factory.mktemp("damaged") / "events.sqlite"
    changed = bytearray(content)
    pages = data.draw(st.lists(st.integers(5, len(content) // PAGE - 1), min_size=1, max_size=3, unique=True))
    damage(changed, pages, random.Random(data.draw(st.integers(0, 99))))
    path.write_bytes(changed)
    found = recover_events(path)
    with SqliteEventLog(path) as log:
        for saved in found.types:
            mine = {one.sequence: one for one in written if one.event_type == saved.event_type}
            kept = log.page(saved.event_type, 0, limit=9999)
            assert all(one == mine[one.sequence] for one in kept)
            assert len(kept) == saved.count
            gone = {number for first, last in saved.lost for number in range(first, last + 1)}
            assert {one.sequence for one in kept} == mine.keys() - gone
            assert log.append([Draft(saved.event_type, {})])[0].sequence == len(mine) + 1


def test_one_damaged_page_costs_what_stood_on_it(tmp_path, whole):
    content, _ = whole
    path, changed = tmp_path / "events.sqlite", bytearray(content)
    damage(changed, [len(content) // PAGE // 2], random.Random(1))
    path.write_bytes(changed)
    with (
        SqliteEventLog(path) as log,
        pytest.raises(NoticeError, match=r"`dtedask notify recover` saves"),
    ):
        [log.page(name, 0, limit=9999) for name in ("flight", "other")]
    assert recover_events(path, dry_run=True).aside is None
    assert path.read_bytes() == changed
    found = recover_events(path)
    assert found.is_damaged
    assert sum(one.count for one in found.types) > 560
    assert found.aside == tmp_path / "events.sqlite.damaged-1"
    assert found.aside.read_bytes() == changed
    assert recover_events(path).aside is None, "it is whole now"


def test_a_log_that_is_whole_stays_as_it_is(tmp_path, whole):
    path = tmp_path / "events.sqlite"
    path.write_bytes(whole[0])
    found = recover_events(path)
    assert (found.aside, found.is_damaged) == (None, False)
    assert {one.event_type: one.head for one in found.types} == {"flight": 400, "other": 200}
    assert path.read_bytes() == whole[0]


def test_where_nothing_can_be_read_it_says_so(tmp_path):
    (tmp_path / "events.sqlite").write_bytes(b"something else" * 1000)
    with pytest.raises(NoticeError, match=r"Nothing can be read of .*: file is not a database\. Put a copy"):
        recover_events(tmp_path / "events.sqlite")
    with pytest.raises(NoticeError, match="There is no log of notifications"):
        recover_events(tmp_path / "none.sqlite")


@pytest.mark.slow
def test_the_command_says_what_was_saved(tmp_path, whole):
    path, changed = tmp_path / "events.sqlite", bytearray(whole[0])
    damage(changed, [20], random.Random(1))
    path.write_bytes(changed)

    def recover(*options):
        command = [sys.executable, "-m", "dtedask", "notify", "recover", "--file", path, *options]
        return subprocess.run(command, check=True, capture_output=True, text=True)

    assert "not read" in recover("--dry-run").stdout
    said = json.loads(recover("--json").stdout)
    assert said["aside"] == f"{path}.damaged-1"
    assert sum(one["read"] for one in said["types"]) > 560
    assert "Nothing is damaged" in recover().stderr
