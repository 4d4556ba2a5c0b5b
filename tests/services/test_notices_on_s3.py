"""Two hosts with a root in an object store: each has a log of its own, and both give commits the same numbers."""

from __future__ import annotations

import time
from uuid import uuid4

import dask.config
import pytest

import dtedask
from dtedask.notify.event_types import load_event_types
from dtedask.notify.log import close_logs
from dtedask.notify.missed import fill
from dtedask.notify.streams import events_path, open_streams
from dtedask.serve.notify import running
from dtedask.testing import make_field

TYPES = load_event_types({"flight": {"identifier": {"n": {"type": "string"}}}})
DEADLINE_S = 60.0


@pytest.fixture
def root(s3):
    return f"s3://{s3['S3_BUCKET']}/notices/{uuid4().hex}"


@pytest.fixture
def on_host(tmp_path, monkeypatch):
    """Be on a host, as far as its own files go."""

    def go(name):
        close_logs()
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / name))

    yield go
    close_logs()


def commit(root, *steps):
    store = dtedask.open(root)
    for step in steps:
        for expver in ("0001", "0002"):
            store.archive(*make_field(float(step), expver=expver, step=step))
            store.flush()
    return store


def wait_until(condition):
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.01)


def ids(streams, name):
    return [(one.id, one.payload["id"], one.identifier["step"]) for one in streams.page(name, 0)]


def test_both_hosts_number_a_cube_alike_also_the_one_that_came_after_a_purge(root, on_host):
    on_host("a")
    store = commit(root, 0, 6, 12)
    first, second = (cube.replace("/", ".") for cube in store.cubes())
    with open_streams(root, TYPES) as streams:
        assert events_path(root).parent == streams.commits.log.path.parent
        expected = {name: ids(streams, name) for name in (first, second)}
        assert [number for number, _, _ in expected[first]] == [f"{first}@{n}" for n in (1, 2, 3)]
    with dask.config.set({"dtedask.store.longest-reader": 0, "dtedask.store.clock-slack": 0}):
        # This storage tells times in whole seconds: purge keeps what was replaced in the last one.
        wait_until(lambda: {one.expired for one in store.purge(keep_commits=1, dry_run=True).cubes} == {(1, 2)})
        store.purge(keep_commits=1)
    on_host("b")
    with open_streams(root, TYPES) as streams:
        fill(streams.commits.log, root)
        for name, all_of_them in expected.items():
            found = ids(streams, name)
            assert found == all_of_them[2:]
    commit(root, 18)
    with open_streams(root, TYPES) as streams:
        later = {name: ids(streams, name)[-1] for name in expected}
    on_host("a")
    with open_streams(root, TYPES) as streams:
        fill(streams.commits.log, root)
        assert {name: ids(streams, name)[-1] for name in expected} == later
        assert later[first][0] == f"{first}@4"


def test_a_server_on_another_host_follows_the_owner_for_what_has_one_order_only(root, on_host):
    on_host("a")
    commit(root, 0)
    owner = open_streams(root, TYPES)
    with running(owner, root=root) as url:
        on_host("b")
        with open_streams(root, TYPES, backend=url) as streams:
            fill(streams.commits.log, root)
            on_host("a")
            commit(root, 6)
            wait_until(lambda: len(streams.page("data", 0)) == 4)
            assert ids(streams, "data") == ids(owner, "data")
            (sent,) = streams.append([streams.types["flight"].draft({"n": "1"})])
            assert list(owner.page("flight", 0)) == list(streams.page("flight", 0)) == [sent]
