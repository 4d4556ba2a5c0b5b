"""One handle in many threads and processes; many writers and one who follows them."""

import itertools
import multiprocessing
import subprocess
import sys
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from operator import methodcaller

import pytest

import dtedask

WAIT_S = 60
THREADS = 6


def archive(store, make_field, step, **keys):
    store.archive(*make_field(int(step), step=step, **keys))


def in_threads(task, arguments):
    """Run a task with each argument at the same time."""
    together = threading.Barrier(len(arguments))

    def run(argument):
        together.wait(WAIT_S)
        return task(argument)

    with ThreadPoolExecutor(len(arguments)) as pool:
        return list(pool.map(run, arguments))


@pytest.mark.slow
def test_threads_may_share_a_handle_that_archives_lists_and_flushes(store, make_field):
    def work(number):
        for step in range(4):
            archive(store, make_field, str(step), number=str(number + 1))
            mine = {record.keys["step"] for record in store.list({"number": number + 1})}
            assert mine >= {str(one) for one in range(step + 1)}
            if step % 2:
                store.flush()
            assert str(step) in store.axes({"number": number + 1})["step"]

    in_threads(work, range(THREADS))
    store.flush()
    found = sorted((int(one.keys["number"]), int(one.keys["step"])) for one in dtedask.open(store.root).list())
    assert found == list(itertools.product(range(1, THREADS + 1), range(4)))
    commits = store.history()
    assert [one.sequence for one in commits] == list(range(1, len(commits) + 1))
    assert sum(one.new for one in commits) == 4 * THREADS
    assert sum(one.replaced for one in commits) == 0


def test_a_thread_that_flushes_publishes_what_the_others_archived(store, make_field):
    in_threads(lambda number: archive(store, make_field, "0", number=str(number + 1)), range(THREADS))
    (commit,) = store.flush()
    assert commit.new == THREADS


@pytest.mark.slow
def test_a_handle_works_in_processes_that_are_spawned(store, make_field):
    with store:
        archive(store, make_field, "0")
    pinned = store.pinned()
    array, key = make_field(6, step="6")
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert pool.submit(methodcaller("axes"), store).result(WAIT_S) == store.axes()
        assert pool.submit(methodcaller("archive", array, key), store).result(WAIT_S) == 1
        assert store.history()[1:] == []  # it was never flushed there
        with store:
            store.archive(array, key)
        assert pool.submit(methodcaller("axes"), store).result(WAIT_S)["step"] == ["0", "6"]
        assert pool.submit(methodcaller("axes"), pinned).result(WAIT_S)["step"] == ["0"]
        assert pool.submit(methodcaller("refresh"), pinned).result(WAIT_S) == store.history()[1:]


FORK = """
import multiprocessing, sys
from concurrent.futures import ProcessPoolExecutor
from operator import methodcaller
import dtedask
store = dtedask.open(sys.argv[1])
if sys.argv[2] == "used":
    store.axes()
with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool:
    try:
        print(pool.submit(methodcaller("axes"), store).result(30)["step"])
    except dtedask.DtedaskError as error:
        print(error)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("used", "said"), [("used", "was forked from one that had used a store"), ("not", "['0']")])
def test_a_forked_process_works_or_says_why_it_cannot(store, make_field, used, said):
    with store:
        archive(store, make_field, "0")
    command = [sys.executable, "-W", "ignore", "-c", FORK, store.root, used]
    done = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S, check=True)
    assert said in done.stdout


WRITER = """
import sys, numpy, xarray, dtedask
store = dtedask.open(sys.argv[1])
key = {"class": "rd", "stream": "enfo", "expver": "test", "type": "fc", "levtype": "sfc", "date": "20240101"}
for step in range(int(sys.argv[3])):
    array = xarray.DataArray(
        numpy.full((3, 4), step, "float32"), dims=("latitude", "longitude"),
        coords={"latitude": [10.0, 0, -10], "longitude": [0.0, 10, 20, 30]}, name=sys.argv[2],
    )
    store.archive(array, key | {"step": step})
    store.flush()
"""


@pytest.mark.slow
def test_a_follower_hears_every_commit_of_many_processes_once_in_order(store):
    names, commits = ["t", "u", "v"], 6
    following = store.follow(after={}, timeout_s=WAIT_S)
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, store.root, name, str(commits)], stderr=subprocess.PIPE)
        for name in names
    ]
    found = []
    for _ in range(commits * len(names)):
        commit = next(following)
        (change,) = commit.changes
        assert change.fields == len(list(store.list(change.keys)))
        found.append(commit)
    assert [writer.wait(WAIT_S) for writer in writers] == [0] * len(writers), [w.stderr.read() for w in writers]
    for writer in writers:
        writer.stderr.close()
    assert [one.sequence for one in found] == list(range(1, len(found) + 1))
    assert found == store.history()
    for name in names:
        steps = [one.changes[0].keys["step"] for one in found if one.changes[0].variable == name]
        assert steps == [str(step) for step in range(commits)]
