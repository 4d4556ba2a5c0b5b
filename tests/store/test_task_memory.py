"""What tasks are estimated to need, against what they take."""

import tracemalloc

import numpy as np
import pytest

from dtedask.store import write
from dtedask.store.layouts.map import ChunkCodec
from dtedask.store.schema import Values
from dtedask.store.task_memory import memory_of
from dtedask.store.write import WriteItem


def items(count, points):
    codec = ChunkCodec.from_values(Values(dtype="float32"))
    values = np.random.default_rng(1).random(points, dtype="float32")
    return [WriteItem(f"t/c/{n}/0", values.copy(), None, codec, False, 4 * points) for n in range(count)]


@pytest.mark.parametrize(("count", "points"), [(1, 2_000_000), (16, 200_000)])
def test_a_task_takes_no_more_than_was_estimated(count, points):
    tracemalloc.start()
    batch = items(count, points)
    done = 0
    for part in write._encoded(batch):
        done += len(part)
        del part
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert done == count
    assert peak <= memory_of(batch) <= 6 * peak


def test_the_number_of_fields_hardly_counts():
    few, many = (memory_of(items(count, 10_000)) for count in (200, 400))
    assert many - few == 200 * 40_000  # which came with the task
