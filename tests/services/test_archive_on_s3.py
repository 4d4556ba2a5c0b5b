"""Opaque bytes, reading what waits, following and branches in a real object store."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from uuid import uuid4

import dask
import numpy as np
import pytest

import dtedask

KEYS = {"class": "rd", "stream": "oper", "expver": "0001", "type": "fc", "levtype": "sfc", "param": "167"}
KEYS |= {"date": "20240101", "time": "0000"}
WAIT_S = 60


@pytest.fixture
def root(s3):
    with dask.config.set({"dtedask.store.poll-interval": "50 ms"}):
        yield f"s3://{s3['S3_BUCKET']}/archive/{uuid4().hex}"


def archive(root, member, steps):
    store = dtedask.open(root)
    for step in range(steps):
        store.archive(b"%d of %d" % (step, member), {**KEYS, "number": member, "step": step})
        store.flush()


def test_bytes_of_any_size_come_back(root):
    sizes = [0, 1, 600, 5 * 2**20]
    data = np.random.default_rng(1).bytes(sizes[-1])
    with dtedask.open(root) as store:
        for step, size in enumerate(sizes):
            store.archive(data[:size], {**KEYS, "step": step})
        assert [len(item) for _, item in store.read()] == sizes  # before they are published
        assert list(dtedask.open(root).list()) == []
    assert [item == data[:size] for size, (_, item) in zip(sizes, dtedask.open(root).read(), strict=True)] == [True] * 4


def test_a_follower_hears_writers_without_a_lock_once_in_order(root):
    following = dtedask.open(root).follow(after={}, timeout_s=WAIT_S)
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        writers = [pool.submit(archive, root, member, 4) for member in (1, 2)]
        found = [next(following) for _ in range(8)]
        for writer in writers:
            writer.result(WAIT_S)
    assert [commit.sequence for commit in found] == list(range(1, 9))
    assert found == dtedask.open(root).history()
    assert list(dtedask.open(root).follow(after={**following.position, "rd/oper/0001": 6}, timeout_s=0)) == found[6:]


def test_a_branch_is_written_beside_main(root):
    archive(root, 1, 1)
    store = dtedask.open(root)
    store.create_branch("trial")
    with dtedask.open(root, branch="trial") as trial:
        trial.archive(b"tried", {**KEYS, "number": 2, "step": 0})
    assert store.axes()["number"] == ["1"]
    assert dtedask.open(root, branch="trial").axes()["number"] == ["1", "2"]
    store.delete_branch("trial")
    assert store.branches() == ["main"]
