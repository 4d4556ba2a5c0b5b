"""S3 that is busy, slow, cuts connections, or goes away in the middle of a commit."""

import subprocess
import threading
import time
from pathlib import Path
from uuid import uuid4

import dask
import pytest

import dtedask
from dtedask.core.errors import CommitTimeoutError, OutcomeUnknownError, StoreError, TransactionError
from dtedask.store.location import Location
from dtedask.store.root_files import RootFiles
from tests.services.proxy import Proxy
from tests.store.faults.workers import LEVELS, archive_step, write_side_by_side

HERE = Path(__file__).parent
REF = {"method": "PUT", "path": "branch.main/ref.json"}


@pytest.fixture
def proxy(s3, monkeypatch):
    """Between us and the server; what the tests open goes through it."""
    found = Proxy(s3["AWS_ENDPOINT_URL"])
    monkeypatch.setenv("AWS_ENDPOINT_URL", found.url)
    yield found
    found.close()


@pytest.fixture
def root(s3):
    return f"s3://{s3['S3_BUCKET']}/faults/{uuid4().hex}"


@pytest.fixture
def store(root, proxy):
    """A root with one commit, seen through the proxy."""
    found = dtedask.open(root)
    archive_step(found, 0)
    return found


def steps(store):
    return [record.keys["step"] for record in dtedask.open(store.root).list("levelist=500")]


@pytest.mark.parametrize("does", ["503", "cut-before"])
def test_bursts_of_refused_and_cut_requests_are_tried_again(store, proxy, does):
    with proxy.rule(does, times=5) as rule:
        archive_step(store, 6)
    assert rule.hits == 5
    assert steps(store) == ["0", "6"]


def test_an_answer_that_is_lost_after_main_moved_is_one_commit(store, proxy):
    with proxy.rule("cut-after", times=1, **REF) as rule:
        (commit,) = archive_step(store, 6)
    assert rule.hits == 1
    assert [one.sequence for one in store.history()] == [1, 2]
    assert store.history()[-1].snapshot == commit.snapshot


def test_a_server_that_never_lets_main_move_is_an_error_and_nothing_is_published(store, proxy):
    with proxy.rule("403", **REF), pytest.raises(TransactionError, match="could not be published: error writing"):
        archive_step(store, 6)
    assert steps(store) == ["0"]
    assert len(store.flush()) == 1  # what waits is still there
    assert steps(store) == ["0", "6"]


def test_a_slow_answer_is_waited_for_until_the_deadline_and_nothing_is_published(store, proxy):
    with proxy.rule("slow", method="PUT", path="/snapshots/"), dask.config.set({"dtedask.store.commit-timeout": 1}):
        writer = dtedask.open(store.root)
        with pytest.raises(CommitTimeoutError, match=r"did not answer within 1 s\. Look at the storage") as caught:
            archive_step(writer, 6)
    assert caught.value.code == "commit-timeout"
    assert steps(store) == ["0"]
    writer.discard()


def test_a_move_that_is_not_answered_in_time_is_not_called_a_failure(store, proxy):
    with proxy.rule("slow", **REF), dask.config.set({"dtedask.store.commit-timeout": 1}):
        writer = dtedask.open(store.root)
        with pytest.raises(OutcomeUnknownError, match="not known whether .* may still do it. When the storage is back"):
            archive_step(writer, 6)
    with dask.config.set({"dtedask.store.commit-timeout": 30}):
        writer.flush()
    assert steps(store) == ["0", "6"]
    assert [one.sequence for one in store.history()] == [1, 2]


def test_slow_answers_within_the_deadline_are_no_error(store, proxy):
    with proxy.rule("slow", method="PUT", path="/snapshots/") as rule:
        threading.Timer(0.5, rule.release.set).start()
        archive_step(store, 6)
    assert steps(store) == ["0", "6"]


@pytest.mark.parametrize("place", ["/transactions/", "/snapshots/", ".dtedask/digests/"])
def test_a_server_that_is_gone_before_main_moves_publishes_nothing(store, proxy, place):
    with (
        proxy.rule("cut-before", path=place, method="PUT"),
        dask.config.set({"dtedask.store.commit-timeout": 1}),
    ):
        writer = dtedask.open(store.root)
        with pytest.raises(StoreError, match="did not answer within 1 s|could not be written"):
            archive_step(writer, 6)
    assert steps(store) == ["0"]
    writer.flush()
    assert steps(store) == ["0", "6"]


def test_a_server_that_is_gone_after_main_moved_leaves_the_outcome_open_and_the_commit_whole(store, proxy):
    def go_away():
        proxy.rules[0].times = 0
        stack.enter_context(proxy.rule("cut-before"))

    from contextlib import ExitStack

    with ExitStack() as stack, dask.config.set({"dtedask.store.commit-timeout": 2}):
        rule = stack.enter_context(proxy.rule("cut-after", times=1, **REF))
        rule.done = go_away
        writer = dtedask.open(store.root)
        with pytest.raises(OutcomeUnknownError, match="the storage went away"):
            archive_step(writer, 6)
    assert steps(store) == ["0", "6"]
    assert writer.flush() == []  # the same again finds that all of it is there
    assert writer.unchanged == len(LEVELS)


def wait_until_it_works(root):
    """A server that has just started answers before all of its parts have found each other."""
    files, deadline = RootFiles(Location.parse(root)), time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            files.write(".dtedask/probe", b"probe")
            if files.read(".dtedask/probe") == b"probe":
                return
        except StoreError:
            threading.Event().wait(0.1)
    raise TimeoutError(root)


@pytest.fixture
def own_server(s3, tmp_path, monkeypatch):
    """A server of the test's own, which it may kill: other test processes use the one of `s3`."""
    monkeypatch.setenv("S3_WEED", str(Path(s3["S3_SANDBOX"], "venv/bin/weed")))
    monkeypatch.setenv("S3_SANDBOX", str(tmp_path / "s3"))
    command = [str(HERE / "s3-up")]
    # Not captured: the server would hold a captured pipe open.
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    exports = subprocess.run([*command, "env"], check=True, stdout=subprocess.PIPE, text=True).stdout
    monkeypatch.setenv("AWS_ENDPOINT_URL", exports.partition("AWS_ENDPOINT_URL=")[2].split()[0])
    yield command
    subprocess.run([*command, "stop"], check=True)


@pytest.mark.slow
def test_a_server_that_is_killed_and_started_again_has_all_that_was_acknowledged(own_server, root):
    store = dtedask.open(root)
    archive_step(store, 0)
    subprocess.run([*own_server, "kill"], check=True)
    try:
        with dask.config.set({"dtedask.store.commit-timeout": 2}):
            writer = dtedask.open(root)
            with pytest.raises(StoreError):
                archive_step(writer, 6)
    finally:
        subprocess.run(own_server, check=True, stdout=subprocess.DEVNULL)
    wait_until_it_works(root)
    assert steps(store) == ["0"]
    archive_step(dtedask.open(root), 6)
    assert steps(store) == ["0", "6"]


@pytest.mark.slow
@pytest.mark.parametrize("writers", [2, 4, 8])
def test_writers_that_grow_one_axis_at_once_lose_nothing(s3, root, writers):
    parts = [[(step * writers + number, 500) for step in range(2)] for number in range(writers)]
    assert write_side_by_side(root, parts) == [0] * writers
    store = dtedask.open(root)
    assert sorted(int(record.keys["step"]) for record in store.list()) == list(range(2 * writers))
    assert [commit.sequence for commit in store.history()] == list(range(1, 2 * writers + 1))
