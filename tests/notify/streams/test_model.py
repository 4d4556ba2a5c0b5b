"""The log in a file does what a list in memory does, whatever is done to it in whatever order."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from dtedask.notify.notification import Draft, Notification
from dtedask.notify.streams import SqliteEventLog, sqlite_log

TYPES = st.sampled_from(["flight", "mars", "ünïcode @1"])
BEGIN = datetime(2024, 6, 3, tzinfo=UTC)


class LogMachine(RuleBasedStateMachine):
    """What is there, by type, and the highest number that each type ever gave."""

    @initialize()
    def begin(self):
        self.folder = tempfile.TemporaryDirectory()
        self.now, self.there, self.heads, self.count = BEGIN, {}, {}, 0
        self.logs = [self.open(), self.open()]

    def open(self):
        return SqliteEventLog(Path(self.folder.name) / "events.sqlite", now=lambda: self.now)

    def teardown(self):
        for log in self.logs:
            log.close()
        self.folder.cleanup()

    @rule(names=st.lists(TYPES, max_size=5), which=st.integers(0, 1))
    def append(self, names, which):
        drafts = []
        for name in names:
            self.count += 1
            drafts.append(Draft(name, {"n": str(self.count)}, self.count))
        expected = []
        for draft in drafts:
            self.heads[draft.event_type] = self.heads.get(draft.event_type, 0) + 1
            there = self.there.setdefault(draft.event_type, [])
            time = max(self.now, there[-1].time) if there else self.now
            one = Notification(draft.event_type, self.heads[draft.event_type], draft.identifier, draft.payload, time)
            there.append(one)
            expected.append(one)
        assert self.logs[which].append(drafts) == expected

    @rule(seconds=st.integers(-100, 1000))
    def let_time_pass(self, seconds):
        self.now += timedelta(seconds=seconds)

    @rule(name=TYPES, sequence=st.integers(-1, 20), which=st.integers(0, 1))
    def delete(self, name, sequence, which):
        before = self.there.get(name, [])
        self.there[name] = [one for one in before if one.sequence != sequence]
        assert self.logs[which].delete(name, sequence) == (len(self.there[name]) < len(before))

    @rule(name=TYPES, which=st.integers(0, 1))
    def wipe(self, name, which):
        assert self.logs[which].wipe(name) == len(self.there.pop(name, []))

    @rule(
        name=TYPES,
        which=st.integers(0, 1),
        keep=st.none() | st.integers(0, 8),
        seconds=st.none() | st.integers(-100, 5000),
    )
    def trim(self, name, which, keep, seconds):
        before = None if seconds is None else BEGIN + timedelta(seconds=seconds)
        there = self.there.get(name, [])
        kept = there if before is None else [one for one in there if one.time >= before]
        kept = kept if keep is None else kept[max(len(kept) - keep, 0) :]
        self.there[name] = kept
        assert self.logs[which].trim(name, before=before, keep=keep) == len(there) - len(kept)

    @rule(which=st.integers(0, 1))
    def open_again(self, which):
        self.logs[which].close()
        self.logs[which] = self.open()

    @rule(name=TYPES, after=st.integers(-1, 20), limit=st.integers(0, 5), until=st.none() | st.integers(-1, 20))
    def read(self, name, after, limit, until):
        there = self.there.get(name, [])
        expected = [one for one in there if one.sequence > after and (until is None or one.sequence <= until)][:limit]
        for log in self.logs:
            assert log.page(name, after, limit=limit, until=until) == expected

    @rule(name=TYPES, seconds=st.integers(-100, 5000))
    def look_for_a_time(self, name, seconds):
        time = BEGIN + timedelta(seconds=seconds)
        late = [one.sequence for one in self.there.get(name, []) if one.time >= time]
        for log in self.logs:
            assert log.sequence_at(name, time) == (late[0] if late else self.heads.get(name, 0) + 1)

    @invariant()
    def both_have_it_all(self):
        for log in self.logs:
            assert log.heads() == self.heads
            for name in self.heads:
                assert log.page(name, 0) == self.there.get(name, [])


@pytest.mark.slow
class TestLog(LogMachine.TestCase):
    settings = settings(max_examples=30, stateful_step_count=30, deadline=None)


@pytest.mark.slow
class TestLogThatRemovesFewAtOnce(TestLog):
    @pytest.fixture(autouse=True)
    def _few(self, monkeypatch):
        monkeypatch.setattr(sqlite_log, "_REMOVED_AT_ONCE", 2)
