import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.grib.arrivals import (
    Arrivals,
    CommitFile,
    CommitStep,
    Gone,
    Look,
    Refused,
    Report,
    Scan,
    Scanned,
    Seen,
    Stopped,
    Tick,
)

RUN = ("od/oper/0001", "20240603 0000")
A, B = (100, 1), (200, 2)


def arrivals(unit="file"):
    return Arrivals(unit, settle_s=2.0, retry_s=1.0, idle_s=30.0)


def arrive(machine, path, steps, now, run=RUN):
    """A whole file comes; returns the commits."""
    assert machine.handle(Seen(path, A, False), now) == [Scan(path, A)]
    scanned = Scanned(path, "whole", tuple((run, step) for step in steps))
    return machine.handle(scanned, now) + machine.handle(Tick(), now)


def test_a_file_that_nobody_writes_to_is_taken_at_once():
    assert arrive(arrivals(), "a", (0,), 0.0) == [CommitFile("a")]


def test_a_file_that_is_open_is_looked_at_again_soon_and_then_less_often():
    machine = arrivals()
    now, waits = 0.0, []
    for _ in range(20):
        assert machine.handle(Seen("a", A, True), now) == []
        waits.append(machine.deadline - now)
        now = machine.deadline
        assert machine.handle(Tick(), now) == [Look("a")]
    assert waits[0] < 0.05
    assert waits == pytest.approx(sorted(waits))
    assert waits[-1] == pytest.approx(1.0)
    assert machine.handle(Seen("a", A, False), now) == [Scan("a", A)]


def test_where_nobody_knows_a_file_is_taken_when_it_has_settled():
    machine = arrivals()
    assert machine.handle(Seen("a", A), 0.0) == []
    assert machine.deadline == 2.0
    assert machine.handle(Seen("a", B), 1.5) == []
    assert machine.deadline == 3.5
    assert machine.handle(Tick(), 3.5) == [Look("a")]
    assert machine.handle(Seen("a", B), 3.5) == [Scan("a", B)]


def test_a_growing_file_waits_until_it_changes():
    machine = arrivals()
    machine.handle(Seen("a", A, False), 0.0)
    assert machine.handle(Scanned("a", "growing"), 0.0) == []
    assert machine.handle(Seen("a", A, False), 5.0) == []
    assert machine.deadline is None
    assert machine.handle(Seen("a", B, False), 6.0) == [Scan("a", B)]


def test_an_empty_file_waits_without_being_read():
    machine = arrivals()
    assert machine.handle(Seen("a", (0, 1), False), 0.0) == []
    assert machine.handle(Stopped(), 1.0) == [Report("a")]


def test_a_file_is_taken_again_only_when_it_has_changed():
    machine = arrivals()
    arrive(machine, "a", (0,), 0.0)
    assert machine.handle(Seen("a", A, False), 1.0) == []
    assert machine.handle(Seen("a", B, False), 2.0) == [Scan("a", B)]


def test_a_file_that_went_and_came_back_is_looked_into_again():
    machine = arrivals()
    arrive(machine, "a", (0,), 0.0)
    assert machine.handle(Gone("a"), 1.0) == []
    assert machine.handle(Seen("a", A, False), 2.0) == [Scan("a", A)]


def test_a_bad_file_is_reported_once():
    machine = arrivals()
    machine.handle(Seen("a", A, False), 0.0)
    assert machine.handle(Scanned("a", "bad"), 0.0) == [Report("a")]
    assert machine.handle(Seen("a", A, False), 1.0) == machine.handle(Stopped(), 2.0) == []


def test_a_file_that_the_history_knows_is_passed_over():
    machine = arrivals()
    machine.handle(Seen("a", A, False), 0.0)
    assert machine.handle(Scanned("a", "known"), 0.0) == machine.handle(Stopped(), 1.0) == []


def test_a_refused_file_is_tried_again():
    machine = arrivals()
    (commit,) = arrive(machine, "a", (0,), 0.0)
    assert machine.handle(Refused(commit), 0.0) == []
    assert machine.handle(Tick(), machine.deadline) == [Look("a")]
    assert machine.handle(Seen("a", A, False), 1.0) == [Scan("a", A)]


def test_a_step_is_complete_when_a_later_one_of_its_run_comes():
    machine = arrivals("step")
    assert arrive(machine, "pl-0", (0,), 0.0) == arrive(machine, "sfc-0", (0,), 1.0) == []
    assert arrive(machine, "other", (6,), 1.0, run=("od/enfo/0001", RUN[1])) == []
    assert arrive(machine, "pl-6", (6,), 2.0) == [CommitStep((RUN, 0), ("pl-0", "sfc-0"), ())]


def test_files_that_are_seen_together_count_together():
    machine = arrivals("step")
    for path, step in (("pl-0", 0), ("pl-6", 6), ("sfc-0", 0)):
        machine.handle(Seen(path, A, False), 0.0)
        assert machine.handle(Scanned(path, "whole", ((RUN, step),)), 0.0) == []
    assert machine.handle(Tick(), 0.0) == [CommitStep((RUN, 0), ("pl-0", "sfc-0"), ())]


def test_what_comes_late_for_a_step_is_committed_at_once():
    machine = arrivals("step")
    arrive(machine, "pl-6", (6,), 0.0)
    assert arrive(machine, "sfc-0", (0,), 1.0) == [CommitStep((RUN, 0), ("sfc-0",), ())]


def test_a_step_is_complete_when_nothing_of_it_came_for_long():
    machine = arrivals("step")
    arrive(machine, "a", (0,), 0.0)
    arrive(machine, "b", (0,), 20.0)
    assert machine.handle(Tick(), 30.0) == []
    assert machine.deadline == 50.0
    assert machine.handle(Tick(), 50.0) == [CommitStep((RUN, 0), ("a", "b"), ())]


def test_a_refused_step_waits_and_is_not_lost():
    machine = arrivals("step")
    arrive(machine, "a", (0,), 0.0)
    (commit,) = arrive(machine, "b", (6,), 0.0)
    assert machine.handle(Refused(commit), 0.0) == []
    assert machine.deadline == 1.0
    assert machine.handle(Tick(), 1.0) == [commit]


def test_at_the_end_everything_whole_is_committed_and_the_rest_reported():
    machine = arrivals("step")
    arrive(machine, "a", (6,), 0.0)
    machine.handle(Seen("b", A, True), 0.0)
    assert machine.handle(Stopped(), 0.0) == [CommitStep((RUN, 6), ("a",), ()), Report("b")]


@given(st.lists(st.sets(st.integers(0, 5), min_size=1), min_size=1, max_size=8))
def test_every_step_of_every_file_is_committed_once_and_a_file_is_complete_with_its_last(files):
    machine = arrivals("step")
    commits = []
    for number, steps in enumerate(files):
        commits += arrive(machine, f"f{number}", sorted(steps), float(number))
    commits += machine.handle(Stopped(), 100.0)
    left = {f"f{number}": set(steps) for number, steps in enumerate(files)}
    for commit in commits:
        for path in (*commit.complete, *commit.partial):
            left[path].remove(commit.step[1])
            assert (path in commit.complete) == (not left[path])
    assert not any(left.values())
