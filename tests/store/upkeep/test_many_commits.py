"""Thousands of tiny commits, purged from time to time: each is acknowledged once, and the root does not grow."""

from pathlib import Path

import dask
import numpy as np
import pytest

import dtedask

COMMITS, PURGE_EVERY, KEPT, STEPS = 3_000, 500, 50, 24


def bytes_of(root):
    return sum(path.stat().st_size for path in Path(root).rglob("*") if path.is_file())


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_three_thousand_tiny_commits_are_all_there_and_do_not_grow(store, make_field):
    sizes = []
    settings = {"longest-reader": 0, "clock-slack": 0, "durable": False}
    with dask.config.set({"dtedask.store": settings, "dtedask.plugins.disable": ["catalog", "notify"]}):
        for number in range(COMMITS):
            array, keys = make_field(number, step=str(number % STEPS))
            store.archive(array, keys)
            (commit,) = store.flush()
            assert commit.sequence == number + 1
            if commit.sequence % PURGE_EVERY == 0:
                store.purge(keep_commits=KEPT)
                sizes.append(bytes_of(store.root))
    assert max(sizes) < 1.05 * sizes[0]
    reader = dtedask.open(store.root)
    assert [one.sequence for one in reader.history()] == list(range(COMMITS - KEPT + 1, COMMITS + 1))
    newest = {str(number % STEPS): number for number in range(COMMITS - STEPS, COMMITS)}
    found = {record.keys["step"]: values for record, values in reader.values("param=t")}
    assert found.keys() == newest.keys()
    for step, number in newest.items():
        assert np.array_equal(found[step], make_field(number)[0])
    assert reader.verify(all_snapshots=True).is_whole
