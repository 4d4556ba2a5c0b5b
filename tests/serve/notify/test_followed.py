"""A server that follows the log of another one, over HTTP."""

from __future__ import annotations

import time

import dask.config
import pytest

import dtedask
from dtedask.core.errors import NoticeError, ServerError
from dtedask.notify.client import NotifyClient
from dtedask.notify.event_types import load_event_types
from dtedask.notify.log import close_logs
from dtedask.notify.missed import fill
from dtedask.notify.notification import Draft
from dtedask.notify.streams import open_streams
from dtedask.serve.notify import running
from dtedask.testing import make_field

DEADLINE_S = 30.0
TYPES = load_event_types({name: {"identifier": {"n": {"type": "string"}}} for name in ("flight", "other", "any")})


def wait_until(condition):
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.01)


def owner(folder, port=0):
    """A server that owns its log; gives its URL."""
    return running(open_streams(None, TYPES, path=folder / "owner"), port=port)


@pytest.mark.slow
def test_what_is_sent_to_either_server_is_read_from_both_under_the_same_ids(tmp_path):
    with owner(tmp_path) as there:
        follower = open_streams(None, TYPES, path=tmp_path / "follower", backend=there)
        with running(follower) as here, NotifyClient(here) as one, NotifyClient(there) as other:
            sent = [client.send("flight", {"n": "x"}).id for client in (one, other, one)]
            assert sent == ["flight@1", "flight@2", "flight@3"]
            wait_until(lambda: follower.heads() == {"flight": 3})
            read = [[found.id for found in client.replay("flight", from_id=1)] for client in (one, other)]
            assert read == [sent, sent]


@pytest.mark.slow
def test_the_copy_is_served_while_the_owner_is_away_and_complete_when_it_is_back(tmp_path):
    with owner(tmp_path) as there:
        follower = open_streams(None, TYPES, path=tmp_path / "follower", backend=there)
        written = [*follower.append([Draft("flight", {"n": "1"})])]
    with follower:
        assert follower.page("flight", 0) == written
        with pytest.raises(ServerError, match=r"http://127\.0\.0\.1"):
            follower.append([Draft("flight", {"n": "2"})])
        with owner(tmp_path, int(there.rpartition(":")[2])), NotifyClient(there) as other:
            assert other.send("flight", {"n": "3"}).id == "flight@2"
            wait_until(lambda: len(follower.page("flight", 0)) == 2)
            assert [one.id for one in follower.append([Draft("flight", {"n": "4"})])] == ["flight@3"]
            assert [one.identifier["n"] for one in follower.page("flight", 0)] == ["1", "3", "4"]


@pytest.mark.slow
def test_commits_of_several_cubes_have_the_owners_numbers_and_those_of_one_cube_everybodys(tmp_path):
    store = dtedask.open(tmp_path / "root")
    for step in (0, 6):
        for expver in ("0001", "0002"):
            store.archive(*make_field(1.0, expver=expver, step=step))
            store.flush()
    cubes = [cube.replace("/", ".") for cube in store.cubes()]
    elsewhere = {"dtedask.notify.log": str(tmp_path / "elsewhere")}
    with running(open_streams(store.root, TYPES, path=tmp_path / "owner"), root=store.root) as url:
        with dask.config.set(elsewhere):
            streams = open_streams(store.root, TYPES, path=tmp_path / "follower", backend=url)
            fill(streams.commits.log, store.root)
        with streams:
            wait_until(lambda: {streams.heads().get(name) for name in ("data", "mars")} == {4})
            with open_streams(store.root, TYPES) as own:
                for name in ("data", "mars", *cubes):
                    page = streams.page(name, 0)
                    assert [(one.id, one.payload["id"]) for one in page] == [
                        (one.id, one.payload["id"]) for one in own.page(name, 0)
                    ]
                by_cube = [one.payload["cube"] for one in streams.commits.page("data", 0)]
            assert by_cube == sorted(by_cube), "this host heard of them in another order"
            with pytest.raises(NoticeError, match="Notifications of 'data' are made by commits"):
                streams.append([Draft("data", {})])
    close_logs()
