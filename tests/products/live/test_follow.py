"""Products come as the fields of a model are committed."""

from __future__ import annotations

import tempfile
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from dtedask.core.errors import LockedError
from dtedask.products import Cycle
from dtedask.products.live import Pacing
from dtedask.products.live.run import alone
from tests.products.live.runs import CYCLE, NOW, Desk, archive, requirement

pytestmark = pytest.mark.slow
MEMBERS = {"type": "pf", "stream": "enfo"}


def model(desk, *commits):
    """Commits one after the other: each as soon as there is nothing more to do for the one before."""
    left = iter(commits)

    def hear(note):
        running = [one.about["products"] for one in desk.kinds("making")]
        if note.kind == "delivered" and len(desk.kinds("delivered")) == sum(running):
            archive(desk.root, *next(left, ()))

    return hear


def quick(desk, *commits):
    """Commits one after the other, each as soon as the one before has been heard of."""
    left = iter(commits)

    def hear(note):
        if note.kind == "commit" or (note.kind == "opened" and not desk.kinds("commit")):
            archive(desk.root, *next(left, ()))

    return hear


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


def test_what_was_committed_before_is_made_first_and_only_once(desk):
    archive(desk.root, {"step": "0"}, {"step": "6"})
    wanted = requirement("t", step="0/6/12")
    done = desk.follow(wanted)
    assert list(desk.files) == ["t-20240101-0.grib2", "t-20240101-6.grib2"]
    assert (done.delivered, done.failed, done.late) == (2, 0, 0)
    assert desk.follow(wanted).delivered == 0


def test_each_step_is_made_when_it_is_committed(desk):
    archive(desk.root, {"step": "0"})
    wanted = requirement("a", step="0/6/12"), requirement("b", step="0/6/12", grid="5x5")
    desk.follow(*wanted, on_event=model(desk, [{"step": "6"}], [{"step": "12"}]), until=6)
    assert [sorted(desk.ids("delivered")[place : place + 2]) for place in (0, 2, 4)] == [
        [f"{name}-20240101-{step}.grib2" for name in "ab"] for step in (0, 6, 12)
    ]


def test_a_product_of_several_steps_is_made_with_the_last_of_them(desk):
    archive(desk.root, {"step": "0"})
    both = requirement("both", step="0/6", file_name="{name}{suffix}")
    desk.follow(both, requirement("t", step="0"), on_event=model(desk, [{"step": "6"}]), until=2)
    assert desk.ids("delivered") == ["t-20240101-0.grib2", "both.grib2"]


def test_the_archive_gives_the_same_bits(desk, tmp_path):
    fields = [{"param": param, "step": "0"} for param in ("u", "v", "t")]
    members = [{**MEMBERS, "number": str(number), "value": float(number), "step": "0"} for number in range(1, 4)]
    wanted = [
        requirement("a", step="0/6/12", grid="5x5"),
        requirement("b", step="0/6/12", grid="5x5", area=(50.0, 0.0, 10.0, 40.0), form="netcdf"),
        requirement("c", param="t/u", step="0/6", form="csv", file_name="{name}{suffix}"),
        requirement("ws", param="ws", step="0/6"),
        requirement("em", **{**MEMBERS, "type": "em", "number": "1/2/3"}, step="0"),
    ]
    archive(desk.root, *fields)
    later = [[{**one, "step": step} for one in fields] for step in ("6", "12")]
    desk.follow(*wanted, on_event=quick(desk, members[:2], later[0], members[2:], later[1]), idle_s=2)
    other = Desk(tmp_path, name="archive")
    other.run(*wanted)
    assert len(other.files) == 3 + 3 + 1 + 2 + 1
    assert desk.files == other.files
    assert {one["digest"] for one in desk.manifest} == {one["digest"] for one in other.manifest}
    assert desk.follow(*wanted).delivered == 0


@settings(max_examples=3, phases=[Phase.reuse, Phase.generate])
@given(st.permutations([(param, step) for param in "tuv" for step in ("0", "6", "12")]), st.integers(1, 4))
def test_in_whatever_order_fields_come_the_archive_gives_the_same_bits(order, at_once):
    wanted = [
        requirement("ws", param="ws", step="0/6/12"),
        requirement("all", param="t/u", step="all", time="0000", file_name="{name}-{param}{suffix}"),
        requirement("pair", param="u/t", step="6/0", grid="5x5", file_name="{name}{suffix}"),
    ]
    fields = [{"param": param, "step": step, "value": ord(param) + float(step)} for param, step in order]
    commits = [fields[place : place + at_once] for place in range(0, len(fields), at_once)]
    with tempfile.TemporaryDirectory() as name:
        desk, other = Desk(Path(name)), Desk(Path(name), name="archive")
        archive(desk.root, {"param": "w"})
        pacing = Pacing(idle=timedelta(0))
        desk.follow(*wanted, on_event=quick(desk, *commits), idle_s=1, pacing=pacing)
        other.run(*wanted)
        assert desk.files == other.files
        assert len(desk.files) == 3 + 2 + 1


def test_a_step_that_is_written_again_is_delivered_again_if_its_values_are_others(desk):
    archive(desk.root, {"step": "0"}, {"step": "6"})
    wanted = requirement("t", step="0/6")
    desk.follow(wanted, on_event=model(desk, [{"step": "6", "value": 4.0}]), until=3)
    assert desk.ids("delivered")[2:] == ["t-20240101-6.grib2"]
    again = Desk(desk.out.parent, name="again")
    again.run(wanted)
    assert desk.files == again.files
    archive(desk.root, {"step": "6", "value": 4.0})
    assert desk.follow(wanted).delivered == 0


def test_a_wipe_does_nothing_while_products_are_followed_and_after_that(desk):
    archive(desk.root, {"step": "0"}, {"step": "6"})
    wanted = requirement("t", step="0/6/12", hours=4)

    def wipe(note):
        if note.kind == "delivered" and len(desk.kinds("delivered")) == 2:
            desk.wipe({"step": "0"})
            archive(desk.root, {"step": "12"})

    desk.follow(wanted, on_event=wipe, until=3)
    assert len(desk.files) == 3
    desk.notes.clear()
    assert desk.follow(wanted, idle_s=0.6).delivered == 0
    assert desk.kinds("late") == []


def test_late_products_are_told_of_with_what_they_wait_for(desk):
    archive(desk.root, {"step": "0"})
    done = desk.follow(requirement("t", step="0/6", hours=4), requirement("u", param="u", step="0", hours=6))
    late = desk.kinds("late")[-1]
    assert done.late == 2  # the other one is being made
    assert str(late).startswith(
        "t/20240101T0000/t-20240101-6.grib2 is late (due 2024-01-01 04:00): it waits for class=rd"
    )
    assert late.to_dict()["missing"][0]["step"] == "6"


def test_keys_that_are_left_open_are_told_by_the_first_fields(desk):
    open_keys = dict.fromkeys(("class", "stream", "expver", "type", "levtype", "levelist"))
    wanted = requirement("t", **{**open_keys, "param": "t", "step": "0/6"}, time="0000")
    lots = requirement("lots", **{**open_keys, "param": "t"}, step=None, time="0000")
    desk.now = CYCLE.time + timedelta(hours=1)
    archive(desk.root, {"step": "6", "param": "u"})
    fields = [[{"step": "0", "levelist": level} for level in ("500", "850")], [{"step": "6"}]]

    def hear(note):
        if note.kind == "opened" and not desk.kinds("commit"):
            archive(desk.root, *fields[0])
        if note.kind == "delivered":
            archive(desk.root, *(fields.pop() if len(fields) == 2 else ()))

    desk.follow(wanted, lots, on_event=hear, idle_s=1.5, pacing=Pacing(idle=timedelta(0)))
    other = Desk(desk.out.parent, name="archive")
    other.run(wanted, lots)
    assert desk.files == other.files
    assert list(desk.files) == [f"{name}-20240101-{step}.grib2" for name in ("lots", "t") for step in (0, 6)]


def test_members_are_waited_for_that_an_earlier_run_had(desk):
    before, members = Cycle(CYCLE.time - timedelta(days=1)), [{**MEMBERS, "number": str(one)} for one in (1, 2, 3)]
    archive(desk.root, *members, cycle=before)
    archive(desk.root, *members[:2])
    mean = requirement("em", **{**MEMBERS, "type": "em"}, step="0", time="0000")

    def last(note):
        if note.kind == "delivered":
            archive(desk.root, members[2])

    desk.follow(mean, on_event=last, until=2, pacing=Pacing(idle=timedelta(0)))
    assert desk.ids("delivered") == ["em-20231231-0.grib2", "em-20240101-0.grib2"]


def test_the_status_waits_for_the_members_that_an_earlier_run_had_where_products_are_followed(desk):
    before, members = Cycle(CYCLE.time - timedelta(days=1)), [{**MEMBERS, "number": str(one)} for one in (1, 2, 3)]
    archive(desk.root, *members, cycle=before)
    archive(desk.root, *members[:2])
    mean = requirement("em", **{**MEMBERS, "type": "em"}, step="0", time="0000")
    assert [one.state for one in desk.status(mean)] == ["ready", "ready"]
    desk.follow(mean, until=1, pacing=Pacing(idle=timedelta(0)))
    assert [(one.state, [keys["number"] for keys in one.missing]) for one in desk.status(mean)] == [
        ("delivered", []),
        ("waiting", ["3"]),
    ]


def test_a_run_that_is_over_is_let_go_and_the_next_one_is_made(desk):
    archive(desk.root, {"step": "0"})
    tomorrow = Cycle(CYCLE.time + timedelta(days=1))

    def later(note):
        if note.kind == "delivered" and desk.now == NOW:
            desk.now = CYCLE.time + timedelta(hours=30)
        if note.kind == "closed":
            archive(desk.root, {"step": "0"}, {"step": "6"}, cycle=tomorrow)

    pacing = Pacing(open_for=timedelta(hours=30))
    desk.follow(requirement("t", step="0/6", time="0000"), on_event=later, until=3, pacing=pacing)
    first, *others = desk.ids("delivered")
    assert first == "t-20240101-0.grib2"
    assert sorted(others) == ["t-20240102-0.grib2", "t-20240102-6.grib2"]  # they are delivered side by side
    (closed,) = desk.kinds("closed")
    assert closed.about == {"cycle": "20240101T0000", "undelivered": ["t/20240101T0000/t-20240101-6.grib2"]}


def test_new_requirements_are_taken_while_others_go_on(desk):
    archive(desk.root, {"step": "0"})
    old, new = requirement("old", step="0"), requirement("new", step="0", grid="5x5")
    sets = iter([None, [old, new], None])
    desk.follow(old, reload=lambda: next(sets, None), until=2)
    assert desk.ids("delivered") == ["old-20240101-0.grib2", "new-20240101-0.grib2"]


def test_a_root_that_does_not_exist_yet_is_waited_for(desk):
    class Begin(threading.Event):
        def is_set(self):
            if not desk.kinds("delivered", "commit"):
                archive(desk.root, {"step": "0"})
            return super().is_set()

    desk.follow(requirement("t", step="0"), until=1, stop=Begin())
    assert list(desk.files) == ["t-20240101-0.grib2"]


def test_a_requirement_that_cannot_be_made_is_told_of_and_others_are_made(desk):
    archive(desk.root, {"step": "0"})
    wrong = replace(requirement("wrong", step="0"), file_name="{name}-{number}")
    far = requirement("far", step="0", area=(-80.0, 0.0, -85.0, 5.0))
    done = desk.follow(wrong, far, requirement("t", step="0"))
    assert (done.delivered, done.failed) == (1, 1)
    assert [note.about["requirement"] for note in desk.kinds("broken")] == ["wrong"]
    assert desk.ids("failed") == [far.name + "-20240101-0.grib2"]


def test_only_one_process_does_it(desk):
    archive(desk.root, {"step": "0"})
    with alone(desk.ledger.folder), pytest.raises(LockedError, match="another process"):
        desk.follow(requirement("t", step="0"))


def test_what_is_stopped_between_products_goes_on_later(desk):
    steps = [str(step) for step in range(150)]  # so many that not all of them are delivered before it hears
    archive(desk.root, *({"step": step} for step in steps))
    wanted = requirement("t", step="/".join(steps), grid="2x2")
    desk.follow(wanted, until=1)
    begun = len(desk.files)
    assert begun < len(steps)
    assert desk.follow(wanted).delivered == len(steps) - begun
    assert len(desk.manifest) == len(steps)
    assert desk.now == NOW
