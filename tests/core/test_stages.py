import contextvars
import threading
from contextlib import contextmanager, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.core.stages import StageListener, StageTimes, listening_to_stages, note, stage, staged


class Clock:
    """Time that passes when it is told to."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now

    def passes(self, seconds):
        self.now += seconds


class Heard(StageListener):
    def __init__(self):
        self.events = []

    def stage_began(self, stage):
        self.events.append(("began", stage.name, stage.detail))

    def stage_noted(self, text):
        self.events.append(("noted", text))

    def stage_ended(self, stage, error):
        self.events.append(("ended", stage.name, type(error).__name__))


def test_a_listener_hears_of_stages_notes_and_errors_in_their_order():
    heard = Heard()
    with listening_to_stages(heard), suppress(ValueError), stage("write", detail="cube"):
        note("0 of 4 workers")
        raise ValueError
    assert heard.events == [("began", "write", "cube"), ("noted", "0 of 4 workers"), ("ended", "write", "ValueError")]


def test_without_a_listener_nothing_is_told():
    heard = Heard()
    with listening_to_stages(heard):
        pass
    with stage("write"):
        note("nobody hears it")
    assert heard.events == []


def test_nested_time_counts_once():
    clock = Clock()
    times = StageTimes(clock)
    with listening_to_stages(times), stage("write"):
        clock.passes(3)
        with stage("merge"):
            clock.passes(2)
        clock.passes(1)
    clock.passes(4)
    assert times.seconds == {"write": 4, "merge": 2, "other": 4}
    assert times.counts == {"write": 1, "merge": 1}
    assert [(span.name, span.begin_s, span.end_s) for span in times.spans] == [("merge", 3, 5), ("write", 0, 6)]


def test_a_stage_beside_counts_only_where_no_other_is_under_way():
    clock = Clock()
    times = StageTimes(clock)
    with listening_to_stages(times), stage("series", beside=True):
        clock.passes(1)
        with stage("write"):  # part of the series
            clock.passes(1)
        main = stage("commit")
        times.stage_began(main)  # by the thread that it runs beside
        clock.passes(5)
        times.stage_ended(main, None)
    assert times.seconds == {"series": 2, "commit": 5, "other": 0}
    assert times.counts == {"series": 1, "commit": 1}


def test_a_thread_that_copies_the_context_is_heard():
    heard = Heard()

    def work():
        with stage("survey"):
            pass

    with listening_to_stages(heard):
        for run in (work, contextvars.copy_context().run):
            thread = threading.Thread(target=run, args=() if run is work else (work,))
            thread.start()
            thread.join()
    assert heard.events == [("began", "survey", ""), ("ended", "survey", "NoneType")]


def test_only_the_edges_of_a_context_count():
    clock = Clock()
    times = StageTimes(clock)

    @contextmanager
    def slow():
        clock.passes(3)
        yield 7
        clock.passes(2)

    with listening_to_stages(times), staged("cluster", slow()) as seven:
        clock.passes(10)
    assert (seven, times.seconds) == (7, {"cluster": 5, "other": 10})


@pytest.mark.parametrize("where", ["enter", "body", "leave"])
def test_a_context_that_fails_leaves_no_stage_open(where):
    clock = Clock()
    times = StageTimes(clock)

    @contextmanager
    def failing():
        if where == "enter":
            raise OSError("enter")
        yield
        if where == "leave":
            raise OSError("leave")

    with listening_to_stages(times):
        with suppress(OSError), staged("cluster", failing()):
            clock.passes(2)
            raise OSError("body") if where == "body" else OSError
        clock.passes(1)
    assert times.seconds == {"cluster": 0, "other": 1 if where == "enter" else 3}


@given(st.lists(st.tuples(st.sampled_from(["open", "open beside", "close first", "close last"]), st.integers(0, 9))))
def test_times_add_up_to_the_whole_however_stages_overlap(steps):
    clock = Clock()
    times = StageTimes(clock)
    open_stages = []
    for what, seconds in steps:
        clock.passes(seconds)
        if what.startswith("open"):
            open_stages.append(stage("write", beside=what == "open beside"))
            times.stage_began(open_stages[-1])
        elif open_stages:
            times.stage_ended(open_stages.pop(0 if what == "close first" else -1), None)
    assert sum(times.seconds.values()) == times.total_s == sum(seconds for _, seconds in steps)


def test_spans_are_bounded_and_times_are_not():
    clock = Clock()
    times = StageTimes(clock, most_spans=3)
    with listening_to_stages(times):
        for _ in range(5):
            with stage("commit"):
                clock.passes(1)
    assert len(times.spans) == 3
    assert times.seconds["commit"] == times.counts["commit"] == 5
