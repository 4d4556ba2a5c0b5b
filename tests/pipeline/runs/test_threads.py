"""Functions on several threads give what they give on one, to the last bit."""

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.core.errors import FieldError
from dtedask.pipeline import Run
from dtedask.pipeline.compute import Eager
from dtedask.pipeline.runs.threads import Threads
from tests.pipeline.failing import Collect, Sum, SumAction, collected, fields, pipeline
from tests.pipeline.test_errors import fed, run_of


@pytest.mark.slow
@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0, 1e6)), max_size=30))
@settings(max_examples=30)
def test_a_run_on_threads_gives_the_bits_of_a_run_on_one(given_fields):
    messages = [fields(value, param=str(param))[0] for param, value in given_fields]
    alone = fed(run_of(pipeline("a", SumAction, Collect)), messages)
    together = fed(run_of(pipeline("a", SumAction, Collect), threads=3), messages)
    assert collected(together) == collected(alone)


def test_a_fold_waits_for_those_that_read_the_state_before():
    threads, gate = Threads(2), threading.Event()
    state = threads.call("begin", np.zeros, 3)

    def slowly(values):
        gate.wait(10)
        return values.copy()

    before = threads.call("read", slowly, state)

    class Add:
        def begin(self, values):
            return values.copy()

        def update(self, state, values):
            state += values
            return state

    after = threads.fold("add", Add(), state, np.ones(3))
    gate.set()
    np.testing.assert_array_equal(threads.result(after), np.ones(3))
    np.testing.assert_array_equal(threads.result(before), np.zeros(3))
    threads.close()


class TogetherSum:
    """A fold that notes how many values it was given at a time."""

    def __init__(self):
        self.calls = []

    def begin(self, values):
        return values.copy()

    def update(self, state, values):
        return self.update_all(state, [values])

    def update_all(self, state, values):
        self.calls.append(len(values))
        for one in values:
            state += one
        return state


def test_folds_of_one_state_that_wait_are_done_at_once_and_what_reads_it_comes_in_between():
    threads, gate, fold = Threads(2), threading.Event(), TogetherSum()

    def first():
        gate.wait(10)
        return np.zeros(2)

    state, seen = threads.fold("sum", fold, None, threads.call("first", first)), []
    for number in range(1, 7):
        state = threads.fold("sum", fold, state, np.full(2, float(number)))
        if number == 3:
            seen.append(threads.call("copy", np.copy, state))
    gate.set()
    assert threads.result(state).tolist() == [21.0, 21.0]
    assert threads.result(seen[0]).tolist() == [6.0, 6.0]
    assert fold.calls == [3, 3]
    threads.close()


def test_an_error_in_one_of_several_folds_is_raised_where_the_state_is_wanted():
    threads, gate, fold = Threads(1), threading.Event(), TogetherSum()
    state = threads.fold("sum", fold, None, threads.call("first", lambda: gate.wait(10) * np.zeros(2)))
    for shape in (2, 3, 2):
        state = threads.fold("sum", fold, state, np.ones(shape))
    gate.set()
    with pytest.raises(ValueError, match="broadcast"):
        threads.result(state)
    threads.wait()
    assert threads.unfinished == 0
    threads.close()


def test_only_so_many_functions_wait():
    threads, gate, most = Threads(1, waiting=4), threading.Event(), []

    def bring():
        for _ in range(8):
            threads.call("wait", gate.wait, 10)
            most.append(threads.unfinished)

    bringer = threading.Thread(target=bring)
    bringer.start()
    while len(most) < 4:
        pass
    assert max(most) == 4
    gate.set()
    bringer.join(10)
    threads.close()
    assert len(most) == 8
    assert max(most) <= 4


def test_an_error_on_a_thread_ends_the_pipeline_where_the_values_are_wanted():
    run = run_of(pipeline("a", SumAction, Collect), threads=2)
    with pytest.raises(FieldError, match=r"Pipeline 'a', action 2 \(collect\).*A negative value"):
        fed(run, fields(1, -1, 2))
    assert run.summary.pipelines[0].failed


def test_fields_that_may_fail_are_handled_at_once_so_that_their_state_can_be_put_back():
    run = fed(run_of(pipeline("a", SumAction, Collect, on_error="skip"), threads=2), fields(1, -1, 2))
    assert collected(run) == [[1001.0] * 3, [5003.0] * 3]


def test_a_state_that_was_loaded_can_be_folded_on_threads():
    threads, sums = Threads(2), Sum()
    loaded = {"sum": np.ones(4), "squares": np.ones(4)}
    expected = Eager().fold("sum", sums, {name: one.copy() for name, one in loaded.items()}, np.full(4, 2.0))
    found = threads.result(threads.fold("sum", sums, loaded, np.full(4, 2.0)))
    threads.close()
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)


def test_the_threads_of_a_run_end_with_it():
    before = threading.active_count()
    with Run(run_of(pipeline("a", SumAction, Collect)).plan, threads=3) as run:
        run.feed(fields(1)[0])
    assert threading.active_count() == before
