"""Notifications on a real NATS server with JetStream."""

import asyncio
import hashlib
import itertools
import os
import subprocess
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dask.config
import pyaviso
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nats import connect
from nats.errors import Error as NatsError

from dtedask.core.errors import NoticeError
from dtedask.notify.event_log import EventLog
from dtedask.notify.event_types import load_event_types
from dtedask.notify.jetstream import JetStreamLog, JetStreamOptions
from dtedask.notify.jetstream.names import Names
from dtedask.notify.notification import Draft
from dtedask.notify.streams import open_streams
from dtedask.serve.notify import running
from dtedask.testing import EventLogSuite
from tests.services.cable import Cable
from tests.services.nats_cluster import three_servers, wait_until

SCRIPT = Path(__file__).parent / "nats-up"


def flight(number, event_type="flight"):
    return Draft(event_type, {"country": "italy", "number": str(number)}, {"seats": [number]})


def options(**others):
    """A name that no other test has: no other test's notifications."""
    return JetStreamOptions(**{"name": f"t{uuid.uuid4().hex[:12]}", **others})


@contextmanager
def log_on(nats, **others):
    with closing(JetStreamLog(nats["NATS_URL"], options=options(**others))) as log:
        yield log


@pytest.fixture
def log(nats):
    with log_on(nats) as log:
        yield log


@contextmanager
def own_server(folder, **environment):
    """A server that a test may kill; gives what runs the script on it, and its URL."""
    environment = {**os.environ, "NATS_SANDBOX": str(folder), **environment}

    def up(verb):
        subprocess.run([SCRIPT, verb], env=environment, check=True, stdout=subprocess.DEVNULL)

    up("start")
    try:
        yield up, f"nats://127.0.0.1:{(folder / 'run' / 'port').read_text().strip()}"
    finally:
        up("stop")


def numbers(notifications):
    return [notification.sequence for notification in notifications]


class TestJetStreamLog(EventLogSuite):
    @pytest.fixture(autouse=True)
    def server(self, nats):
        self.url = nats["NATS_URL"]

    def open(self, folder):
        name = hashlib.sha1(str(folder).encode()).hexdigest()
        return JetStreamLog(self.url, options=options(name=name))


def test_it_is_a_log_of_notifications(log):
    assert isinstance(log, EventLog)


def test_what_was_appended_is_read_as_it_was(log):
    written = log.append([flight(1), flight(2), flight(7, "train")])
    assert [notification.id for notification in written] == ["flight@1", "flight@2", "train@1"]
    assert log.page("flight", 0) == written[:2]
    assert log.page("train", 0) == written[2:]
    assert log.heads() == {"flight": 2, "train": 1}


def test_a_type_that_nobody_wrote_has_nothing(log):
    assert log.page("flight", 0) == []
    assert log.heads() == {}
    assert log.sequence_at("flight", datetime.now(UTC)) == 1
    assert not log.delete("flight", 1)
    assert log.wipe("flight") == log.trim("flight", keep=0) == 0


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_pages_are_slices_of_what_is_there(log, data):
    event_type = uuid.uuid4().hex
    count = data.draw(st.integers(0, 40))
    there = numbers(log.append([flight(number, event_type) for number in range(count)]))
    for gone in data.draw(st.sets(st.sampled_from(there))) if there else ():
        assert log.delete(event_type, gone)
        there.remove(gone)
    after, limit = data.draw(st.integers(0, 45)), data.draw(st.integers(1, 45))
    until = data.draw(st.none() | st.integers(0, 45))
    wanted = [number for number in there if number > after and (until is None or number <= until)][:limit]
    assert numbers(log.page(event_type, after, limit=limit, until=until)) == wanted


def test_pages_of_many_have_all_of_them_in_order(log):
    log.append([flight(number) for number in range(2500)])
    read, after = [], 0
    while page := log.page("flight", after, limit=700):
        read += page
        after = page[-1].sequence
    assert [notification.payload["seats"][0] for notification in read] == list(range(2500))


def test_times_lead_to_their_numbers(log):
    written = log.append([flight(1)]) + log.append([flight(2)]) + log.append([flight(3)])
    for notification in written:
        assert log.sequence_at("flight", notification.time) == notification.sequence
    assert log.sequence_at("flight", written[0].time - timedelta(days=1)) == 1
    assert log.sequence_at("flight", written[-1].time + timedelta(microseconds=1)) == 4


def test_numbers_go_on_after_a_wipe(log):
    log.append([flight(1), flight(2)])
    assert log.wipe("flight") == 2
    assert log.page("flight", 0) == []
    assert log.heads() == {"flight": 2}
    assert numbers(log.append([flight(3)])) == [3]


def test_old_ones_are_removed_by_count_and_by_time(log):
    written = log.append([flight(number) for number in range(6)])
    assert log.trim("flight", keep=4) == 2
    last = log.append([flight(9)])[0]
    assert log.trim("flight", before=last.time) == 4
    assert numbers(log.page("flight", 0)) == [len(written) + 1]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_last_are_kept_however_many_are_deleted_among_them(log, data):
    event_type = uuid.uuid4().hex
    there = numbers(log.append([flight(number, event_type) for number in range(data.draw(st.integers(1, 15)))]))
    for gone in data.draw(st.sets(st.sampled_from(there))):
        log.delete(event_type, gone)
        there.remove(gone)
    keep = data.draw(st.integers(0, 16))
    assert log.trim(event_type, keep=keep) == max(len(there) - keep, 0)
    assert numbers(log.page(event_type, 0)) == (there[-keep:] if keep else [])


def test_retention_of_a_type_is_kept_by_the_server(nats):
    keep = {"flight": (timedelta(days=1), 3)}
    with closing(JetStreamLog(nats["NATS_URL"], keep=keep, options=options())) as log:
        log.append([flight(number) for number in range(5)])
        assert numbers(log.page("flight", 0)) == [3, 4, 5]


def test_any_name_of_a_type_comes_back(log):
    names = ["od.oper.0001", "a b/c", "Träger", "x*>y", "=41"]
    log.append([flight(1, name) for name in names])
    assert log.heads() == dict.fromkeys(names, 1)


def test_what_is_too_large_is_refused_before_any_is_written(log):
    large = Draft("flight", {"number": "2"}, "x" * 2_000_000)
    with pytest.raises(NoticeError, match="2000042 bytes"):
        log.append([flight(1), large])
    assert log.heads() == {}


def test_several_threads_write_and_none_is_lost(log):
    with ThreadPoolExecutor(8) as pool:
        written = list(pool.map(lambda number: log.append([flight(number), flight(-number)]), range(50)))
    assert sorted(numbers(itertools.chain(*written))) == list(range(1, 101))
    assert sorted(n.payload["seats"][0] for n in log.page("flight", 0)) == sorted([*range(50), *range(0, -50, -1)])


def test_two_servers_on_one_nats_see_the_same_and_hear_of_each_other(nats):
    shared = options()
    with (
        closing(JetStreamLog(nats["NATS_URL"], options=shared)) as one,
        closing(JetStreamLog(nats["NATS_URL"], options=shared)) as other,
    ):
        before = other.version()
        written = one.append([flight(1)])
        wait_until(lambda: other.version() != before)
        assert other.page("flight", 0) == written
        assert numbers(other.append([flight(2)])) == [2]
        before = one.version()
        other.wipe("flight")
        wait_until(lambda: one.version() != before)
        assert one.page("flight", 0) == []


@pytest.mark.timeout(180)
def test_nothing_that_was_acknowledged_is_lost_when_the_server_is_killed(tmp_path):
    with own_server(tmp_path / "nats") as (up, url), closing(JetStreamLog(url, options=options(timeout_s=60))) as log:
        acknowledged, tried, stop = [], [0], threading.Event()

        def write():
            while not stop.is_set():
                tried[0] += 5
                acknowledged.extend(log.append([flight(number) for number in range(tried[0] - 5, tried[0])]))

        with ThreadPoolExecutor(1) as pool:
            writer = pool.submit(write)
            try:
                for _ in range(5):
                    seen = len(acknowledged)
                    wait_until(lambda seen=seen: len(acknowledged) > seen + 50 or writer.done())
                    up("kill")
                    up("start")
            finally:
                stop.set()
            writer.result(120)
        stored = log.page("flight", 0, limit=10**6)
        assert stored == acknowledged
        assert [n.payload["seats"][0] for n in stored] == list(range(tried[0]))  # none twice, in order


@pytest.mark.timeout(240)
def test_a_cluster_goes_on_while_one_of_its_servers_is_killed(nats, tmp_path):
    mine = options(timeout_s=60, replicas=3)
    with three_servers(tmp_path) as (members, url), closing(JetStreamLog(url, options=mine)) as log:
        reader = JetStreamLog(url, options=mine)
        acknowledged, tried, stop, read = [], [0], threading.Event(), []

        def write():
            while not stop.is_set():
                tried[0] += 3
                acknowledged.extend(log.append([flight(number) for number in range(tried[0] - 3, tried[0])]))

        def follow():
            seen, after = object(), 0
            while not (stop.is_set() and writer.done() and len(read) >= len(acknowledged)):
                if (version := reader.version()) == seen:
                    threading.Event().wait(0.005)
                    continue
                seen = version
                while page := reader.page("flight", after):
                    read.extend(page)
                    after = page[-1].sequence

        with ThreadPoolExecutor(2) as pool:
            writer, follower = pool.submit(write), None
            try:
                wait_until(lambda: acknowledged or writer.done())
                follower = pool.submit(follow)
                for member in members[:2]:
                    member.kill()
                    seen = len(acknowledged)
                    wait_until(lambda seen=seen: len(acknowledged) > seen + 30 or writer.done())
                    member.start()
                    wait_until(lambda: is_whole(members))
            finally:
                stop.set()
            writer.result(120)
            follower.result(120)
        reader.close()
        assert read == acknowledged
        assert [n.payload["seats"][0] for n in read] == list(range(tried[0]))


def is_whole(members):
    """Whether all copies of all streams are up to date, as the leaders say."""

    async def look():
        for member in members:
            client = await connect(f"nats://127.0.0.1:{member.port}", connect_timeout=2, max_reconnect_attempts=1)
            try:
                streams = await client.jetstream(timeout=2).streams_info()
            finally:
                await client.close()
            copies = [copy for stream in streams for copy in stream.cluster.replicas or [None]]
            if not copies or not all(copy and copy.current and not copy.offline for copy in copies):
                return False
        return True

    try:
        return asyncio.run(look())
    except (NatsError, OSError, TimeoutError):
        return False


def test_a_connection_that_was_cut_comes_back_and_misses_nothing(nats):
    cable = Cable(int(nats["NATS_URL"].rpartition(":")[2]))
    shared = options()
    with (
        closing(JetStreamLog(nats["NATS_URL"], options=shared)) as near,
        closing(JetStreamLog(f"nats://127.0.0.1:{cable.port}", options=shared)) as far,
    ):
        far.append([flight(1)])
        cable.cut()
        before = far.version()
        near.append([flight(2)])
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(far.append, [flight(3)])
            cable.join()
            assert numbers(waiting.result(30)) == [3]
        wait_until(lambda: far.version() != before)
        assert numbers(far.page("flight", 0)) == [1, 2, 3]
    cable.cut()


def test_a_server_that_stays_away_is_an_error_in_time(nats):
    cable = Cable(int(nats["NATS_URL"].rpartition(":")[2]))
    mine = options(timeout_s=0.5)
    with closing(JetStreamLog(f"nats://127.0.0.1:{cable.port}", options=mine)) as log:
        log.append([flight(1)])
        cable.cut()
        with pytest.raises(NoticeError, match=r"did not answer within 0\.5 s"):
            log.append([flight(2)])
        cable.join()
        wait_until(lambda: attempt(log) is not None)
        assert [n.payload["seats"] for n in log.page("flight", 0)] == [[1]]  # not sent behind our back
    cable.cut()


def attempt(log):
    try:
        return log.heads()
    except NoticeError:
        return None


def test_nobody_there_is_said_with_the_address():
    with pytest.raises(NoticeError, match="nats://127.0.0.1:1 did not answer within"):
        JetStreamLog("nats://127.0.0.1:1", options=JetStreamOptions(timeout_s=0.3))


def test_a_token_comes_from_the_environment_only(tmp_path, monkeypatch):
    with own_server(tmp_path / "nats", NATS_TOKEN="wheel") as (_, url):
        monkeypatch.setenv("OUR_TOKEN", "wheel")
        with closing(JetStreamLog(url, options=options(token_env="OUR_TOKEN"))) as log:
            assert numbers(log.append([flight(1)])) == [1]
        with pytest.raises(NoticeError, match=r"did not answer.*(Authorization Violation|reset by peer)"):
            JetStreamLog(url, options=options(timeout_s=0.5))
        with pytest.raises(NoticeError, match="OTHER_TOKEN, which is to hold a secret of NATS, is not set"):
            JetStreamLog(url, options=options(token_env="OTHER_TOKEN"))
        with pytest.raises(NoticeError, match="holds a user, a password or a token") as caught:
            JetStreamLog(url.replace("//", "//wheel@"), options=options())
        assert "wheel" not in str(caught.value)


def test_of_a_batch_that_nats_refuses_in_the_midst_nothing_stays(nats):
    mine = options()
    names = Names(mine.name)
    with closing(JetStreamLog(nats["NATS_URL"], options=mine)) as log:

        async def make_narrow_stream():
            client = await connect(nats["NATS_URL"])
            subjects = [names.subject("flight")]
            await client.jetstream().add_stream(name=names.stream("flight"), subjects=subjects, max_msg_size=200)
            await client.close()

        asyncio.run(make_narrow_stream())
        with pytest.raises(NoticeError, match=r"did not store 3 notifications: .*message size exceeds"):
            log.append([flight(1), Draft("flight", {"number": "2"}, "x" * 300), flight(3)])
        assert log.page("flight", 0) == []
        assert [n.payload["seats"] for n in log.append([flight(4)])] == [[4]]


def test_a_nats_without_room_is_an_error_and_goes_on_when_there_is_some(tmp_path):
    with (
        own_server(tmp_path / "nats", NATS_MAX_FILE="100KB") as (_, url),
        closing(JetStreamLog(url, options=options())) as log,
    ):
        large = Draft("flight", {"number": "1"}, "x" * 10_000)
        written = []

        def fill():
            for _ in range(100):
                written.extend(log.append([large]))

        with pytest.raises(NoticeError, match="resource"):
            fill()
        assert written
        assert log.page("flight", 0) == written
        assert log.trim("flight", keep=1) == len(written) - 1
        assert log.append([large])[0].sequence > written[-1].sequence


def test_two_servers_of_notices_on_one_nats_are_one_to_a_client(nats):
    types = load_event_types({"flight": {"identifier": {"number": {"type": "integer"}}}})
    with dask.config.set({"dtedask.notify.nats.name": options().name}):
        servers = [open_streams(None, types, backend=nats["NATS_URL"]) for _ in range(2)]
    with running(servers[0]) as one, running(servers[1]) as other:
        here, there = pyaviso.AvisoClient(base_url=one), pyaviso.AvisoClient(base_url=other)
        with there.listen("flight", start_from=0) as heard:
            for number in range(5):
                (here if number % 2 else there).notify(event_type="flight", identifier={"number": number})
            found = list(itertools.islice(heard, 5))
        assert [one.sequence for one in found] == [1, 2, 3, 4, 5]
        assert [one.identifier["number"] for one in found] == ["0", "1", "2", "3", "4"]
        with here.listen("flight", start_from=found[2].sequence, mode="replay_only") as rest:
            assert [one.identifier["number"] for one in rest] == ["3", "4"]


def test_a_closed_log_says_so(nats):
    with log_on(nats) as log:
        pass
    log.close()
    with pytest.raises(NoticeError, match="is closed"):
        log.heads()
