"""All event types in one log, found by a root, a file or a server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dask.config
import pytest

import dtedask
from dtedask.core.errors import NoticeError, UnknownEventTypeError
from dtedask.notify.event_log import EventLog
from dtedask.notify.event_types import load_event_types
from dtedask.notify.log import close_logs
from dtedask.notify.notification import Draft
from dtedask.notify.streams import SqliteEventLog, Streams, events_path, open_streams
from dtedask.testing import EventLogSuite, make_field

SENT = {
    "flight": {"identifier": {"country": {"type": "string", "required": True}}},
    "kept": {"identifier": {"n": {"type": "string"}}, "retention": {"age": "1d", "count": 2}},
}


@pytest.fixture
def root(tmp_path):
    store = dtedask.open(tmp_path / "root")
    for number, step in enumerate((0, 6)):
        store.archive(*make_field(number, step=step))
        store.flush()
    yield store
    close_logs()


class TestStreams(EventLogSuite):
    def open(self, folder):
        return open_streams(
            None,
            load_event_types({name: {"identifier": {"n": {"type": "string"}}} for name in ("flight", "other", "any")}),
            path=folder,
        )


def test_streams_are_a_log(root):
    with open_streams(root.root, load_event_types(SENT)) as streams:
        assert isinstance(streams, EventLog)


def test_what_is_sent_and_what_is_committed_is_read_alike(root):
    (cube,) = root.cubes()
    with open_streams(root.root, load_event_types(SENT)) as streams:
        (sent,) = streams.append([streams.types["flight"].draft({"country": "italy"})])
        name = cube.replace("/", ".")
        assert streams.heads() == {"flight": 1, "data": 2, "mars": 2, name: 2}
        assert list(streams.page("flight", 0)) == [sent]
        for event_type in ("data", "mars", name):
            assert [one.identifier["step"] for one in streams.page(event_type, 0)] == ["0", "6"]
            assert [one.id for one in streams.page(event_type, 0)] == [f"{event_type}@1", f"{event_type}@2"]
        wanted = streams.types[name].filter({"step": 6})
        assert [one.sequence for one in streams.page(name, 0) if wanted.matches(one)] == [2]


def test_a_cube_that_comes_later_is_a_type_too(root):
    with open_streams(root.root, load_event_types(SENT)) as streams:
        seen = streams.version()
        root.archive(*make_field(1, expver="late"))
        root.flush()
        assert streams.version() != seen
        (name,) = [name.replace("/", ".") for name in root.cubes() if name.endswith("late")]
        assert len(streams.page(name, 0)) == 1
        assert streams.heads()[name] == 1


def test_one_draft_that_cannot_be_sent_keeps_all_from_being_written(root):
    with open_streams(root.root, load_event_types(SENT)) as streams:
        flight = Draft("flight", {"country": "italy"})
        with pytest.raises(NoticeError, match="Notifications of 'data' are made by commits and cannot be sent"):
            streams.append([flight, Draft("data", {})])
        with pytest.raises(UnknownEventTypeError, match="There is no event type 'fligth'"):
            streams.append([flight, Draft("fligth", {})])
        assert streams.page("flight", 0) == []
        for call in (streams.wipe, streams.trim, lambda name: streams.delete(name, 1)):
            with pytest.raises(NoticeError, match="They go with the history of the cubes"):
                call("data")


def test_what_is_too_old_and_too_much_goes(tmp_path):
    now = [datetime(2024, 6, 3, tzinfo=UTC)]
    types = load_event_types(SENT)
    with SqliteEventLog(tmp_path / "events.sqlite", now=lambda: now[0]) as log:
        streams = Streams(types, log)
        for _ in range(4):
            now[0] += timedelta(hours=1)
            streams.append([Draft("kept", {}), Draft("flight", {"country": "italy"})])
        assert streams.retain(now[0]) == {"kept": 2}
        assert [one.sequence for one in streams.page("kept", 0)] == [3, 4]
        assert streams.retain(now[0] + timedelta(hours=23, minutes=30)) == {"kept": 1}
        assert streams.retain(now[0] + timedelta(days=9)) == {"kept": 1}
        assert len(streams.page("flight", 0)) == 4
        assert streams.heads() == {"flight": 4, "kept": 4}


def test_what_is_sent_lies_beside_the_notices_of_the_root(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert events_path(tmp_path / "root") == tmp_path / "root" / "events.sqlite"
    assert events_path("s3://bucket/root").parent.parent == tmp_path / "state" / "dtedask"
    assert events_path(None) == tmp_path / "state" / "dtedask" / "events.sqlite"
    assert events_path(None, path=tmp_path / "x") == tmp_path / "x" / "events.sqlite"
    assert events_path("s3://bucket/root", path=tmp_path / "x.sqlite") == tmp_path / "x.sqlite"
    with dask.config.set({"dtedask.notify.log": str(tmp_path / "my.sqlite")}):
        assert events_path(tmp_path / "root") == tmp_path / "my-events.sqlite"


def test_types_of_cubes_need_a_root_and_backends_a_known_name(tmp_path):
    with pytest.raises(NoticeError, match="The event type 'od' is of commits to cubes, and there is no root"):
        open_streams(None, load_event_types({"od": {"cubes": ["od/*/*"]}}), path=tmp_path)
    with pytest.raises(NoticeError, match="Unknown backend 'kafka://x' of notifications"):
        open_streams(None, load_event_types(SENT), backend="kafka://x")
