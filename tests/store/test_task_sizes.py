"""How many fields a task has."""

import itertools
import math

import dask
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dtedask
from dtedask.store.write import SMALLEST_TASK_BYTES, task_bytes

GIB = 2**30
sizes, widths = st.integers(1, 10**15), st.integers(1, 10_000)


@pytest.mark.slow
@given(sizes, widths, st.integers(1, 10**12))
def test_a_task_never_has_more_than_the_setting_says(total, width, largest):
    assert 1 <= task_bytes(total, width, largest) <= largest


@given(sizes, widths)
def test_more_threads_never_make_larger_tasks(total, width):
    assert task_bytes(total, width + 1, GIB) <= task_bytes(total, width, GIB)


@given(sizes)
def test_what_is_small_is_one_task(total):
    assert (task_bytes(total, 2, GIB) >= total) == (total <= SMALLEST_TASK_BYTES)


def test_a_few_tasks_for_each_thread_where_there_are_few_threads():
    quarter_degree = 150 * 4 * 1440 * 721
    assert 8 <= math.ceil(quarter_degree / task_bytes(quarter_degree, 2, GIB)) <= 32


def test_the_scheduler_hands_out_all_tasks_in_the_time_of_a_few_of_them():
    o96, work_of_a_byte_s, handing_s = 100_000 * 4 * 40_320, 1.25e-8, 1.5e-3
    each = task_bytes(o96, 2000, GIB)
    assert o96 / each * handing_s < 4 * each * work_of_a_byte_s


@pytest.mark.slow
@given(fields=st.integers(1, 7), fields_a_task=st.integers(1, 7))
@settings(max_examples=10, deadline=None)
def test_the_cube_is_the_same_however_its_fields_are_cut(make_field, fields, fields_a_task):
    with dask.config.set({"dtedask.ingest.batch-bytes": fields_a_task * 4 * 12 * 18, "dtedask.ingest.threads": 2}):
        store = dtedask.open(f"memory://cut-{next(_NAMES)}")
        for step in range(fields):
            store.archive(*make_field(step, shape=(12, 18), step=str(step), number="1", levelist="500"))
        (commit,) = store.flush()
    assert commit.new == fields
    values = np.atleast_3d(store.retrieve({}).t.values.squeeze()).reshape(fields, 12, 18)
    np.testing.assert_array_equal(values[:, 0, 0], np.arange(fields))


_NAMES = itertools.count()
