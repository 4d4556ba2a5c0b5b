"""Two, four and eight writers at once: on fields of their own, on the same fields, and growing one axis."""

import itertools

import numpy as np
import pytest

import dtedask
from tests.store.faults.workers import values_of, write_side_by_side

COUNTS = (2, 4, 8)


def check(root, expected, commits):
    """Every field that was acknowledged is there once, with its values, and every commit has its place."""
    store = dtedask.open(root)
    found = sorted((int(record.keys["step"]), int(record.keys["levelist"])) for record in store.list())
    assert found == sorted(set(expected))
    assert [commit.sequence for commit in store.history()] == list(range(1, commits + 1))
    array = store.retrieve({})["t"].squeeze("forecast_reference_time")
    for step, level in found:
        values = array.sel(step=np.timedelta64(step, "h"), level=level).to_numpy()
        assert np.array_equal(values, values_of(step, level)), (step, level)
    assert store.verify().is_whole


@pytest.mark.slow
@pytest.mark.parametrize("writers", COUNTS)
def test_writers_that_grow_the_same_axes_at_once_lose_nothing_of_each_other(tmp_path, writers):
    parts = [[(step, 100 + number) for step in range(3)] for number in range(writers)]
    assert write_side_by_side(str(tmp_path), parts) == [0] * writers
    check(tmp_path, itertools.chain(*parts), 3 * writers)


@pytest.mark.slow
@pytest.mark.parametrize("writers", COUNTS)
def test_writers_of_the_same_fields_agree_and_each_field_is_there_once(tmp_path, writers):
    part = [(step, 500) for step in range(4)]
    parts = [part[number % 4 :] + part[: number % 4] for number in range(writers)]
    assert write_side_by_side(str(tmp_path), parts) == [0] * writers
    check(tmp_path, part, 4)
