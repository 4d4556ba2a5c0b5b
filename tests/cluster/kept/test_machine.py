"""What a kept cluster does about what happens to it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.cluster.kept.machine import (
    Alarm,
    Answer,
    AskedToScale,
    AskedToStop,
    ClientCame,
    ClientLeft,
    End,
    Keeping,
    SchedulerEnded,
    SetWorkers,
    Signalled,
    WakeAt,
    Wanted,
    duration_text,
)


@pytest.fixture
def cluster():
    """One that may be idle for ten seconds, and started at 100."""
    return Keeping(Wanted(2, 2), started=100.0, idle_s=10.0)


def kinds(instructions):
    return [type(one) for one in instructions]


def test_a_number_of_workers_is_one_or_a_range():
    assert (str(Wanted(2, 2)), str(Wanted(0, 8))) == ("2", "0 to 8")


def test_a_duration_is_told_in_the_largest_unit_that_fits():
    assert [duration_text(one) for one in (7200, 600, 90, 0.5)] == ["2 h", "10 min", "90 s", "0.5 s"]


def test_nobody_who_ever_comes_ends_it_after_its_limit(cluster):
    assert cluster.begin() == [WakeAt(110.0)]
    assert cluster.handle(Alarm(110.0, tasks=0)) == [End("idle", "nobody used it for 10 s")]


def test_without_a_limit_it_lives_for_ever():
    cluster = Keeping(Wanted(1, 1), started=0.0)
    assert cluster.begin() == []
    cluster.handle(ClientCame("a"))
    assert cluster.handle(ClientLeft(5.0, "a")) == []
    assert cluster.handle(Alarm(1e9, tasks=0)) == []


def test_a_client_that_is_connected_uses_it_even_without_tasks(cluster):
    cluster.handle(ClientCame("a"))
    assert cluster.handle(Alarm(1000.0, tasks=0)) == []


def test_the_last_client_that_leaves_starts_the_clock(cluster):
    cluster.handle(ClientCame("a"))
    cluster.handle(ClientCame("b"))
    assert cluster.handle(ClientLeft(200.0, "a")) == []
    assert cluster.handle(ClientLeft(300.0, "b")) == [WakeAt(310.0)]


def test_a_client_that_waits_finds_a_worker_where_their_number_follows_the_work():
    cluster = Keeping(Wanted(0, 8), started=0.0)
    assert cluster.handle(ClientCame("a")) == [SetWorkers(Wanted(1, 8))]
    assert cluster.handle(ClientCame("b")) == []
    assert cluster.handle(ClientLeft(1.0, "a")) == []
    assert cluster.handle(ClientLeft(2.0, "b")) == [SetWorkers(Wanted(0, 8))]
    assert cluster.wanted == Wanted(0, 8)


def test_an_alarm_that_comes_too_early_is_set_again(cluster):
    cluster.handle(ClientCame("a"))
    cluster.handle(ClientLeft(200.0, "a"))
    assert cluster.handle(Alarm(205.0, tasks=0)) == [WakeAt(210.0)]


def test_tasks_that_nobody_waits_for_use_it(cluster):
    assert cluster.handle(Alarm(110.0, tasks=3)) == [WakeAt(120.0)]


def test_scaling_sets_the_workers_and_counts_as_use(cluster):
    assert cluster.handle(AskedToScale(105.0, 7, Wanted(0, 8))) == [
        SetWorkers(Wanted(0, 8)),
        Answer(7, True),
        WakeAt(115.0),
    ]
    assert cluster.wanted == Wanted(0, 8)


@pytest.mark.parametrize(("tasks", "text"), [(1, "1 task is unfinished"), (5, "5 tasks are unfinished")])
def test_a_stop_is_refused_while_tasks_run(cluster, tasks, text):
    assert cluster.handle(AskedToStop(7, tasks, force=False)) == [Answer(7, False, text)]
    assert not cluster.ends


@pytest.mark.parametrize(("tasks", "force"), [(0, False), (5, True)])
def test_a_stop_answers_and_ends(cluster, tasks, force):
    assert cluster.handle(AskedToStop(7, tasks, force)) == [Answer(7, True), End("stopped", "it was stopped")]


def test_a_signal_and_a_lost_scheduler_end_it():
    assert Keeping(Wanted(1, 1), 0.0).handle(Signalled("SIGTERM")) == [End("signal", "it got the signal SIGTERM")]
    assert Keeping(Wanted(1, 1), 0.0).handle(SchedulerEnded()) == [End("scheduler", "its scheduler ended")]


def test_ctrl_c_is_a_stop_like_any_other():
    assert Keeping(Wanted(1, 1), 0.0).handle(Signalled("SIGINT")) == [End("stopped", "it got the signal SIGINT")]


def test_whoever_asks_after_the_end_gets_an_answer(cluster):
    cluster.handle(Signalled("SIGTERM"))
    assert cluster.handle(AskedToStop(1, 5, force=False)) == [Answer(1, True)]
    assert cluster.handle(AskedToScale(1.0, 2, Wanted(1, 1))) == [Answer(2, False, "it is ending")]


@given(
    st.lists(
        st.one_of(
            st.builds(ClientCame, st.sampled_from("ab")),
            st.builds(ClientLeft, st.floats(0, 1e3), st.sampled_from("ab")),
            st.builds(Alarm, st.floats(0, 1e3), st.integers(0, 2)),
            st.builds(AskedToScale, st.floats(0, 1e3), st.integers(), st.just(Wanted(1, 2))),
            st.builds(AskedToStop, st.integers(), st.integers(0, 2), st.booleans()),
            st.just(Signalled("SIGINT")),
            st.just(SchedulerEnded()),
        )
    )
)
def test_it_ends_once_and_every_question_has_one_answer(events):
    cluster = Keeping(Wanted(1, 1), started=0.0, idle_s=1.0)
    done = [one for event in events for one in cluster.handle(event)]
    assert kinds(done).count(End) == int(cluster.ends) <= 1
    asked = [event.asker for event in events if isinstance(event, AskedToScale | AskedToStop)]
    assert [one.asker for one in done if isinstance(one, Answer)] == asked
