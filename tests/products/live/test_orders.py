"""When products are started, again, late, or not at all."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dtedask.products import Cycle
from dtedask.products.live.events import (
    Close,
    Committed,
    Delivered,
    Failed,
    Found,
    Lacking,
    Late,
    Old,
    Opened,
    Required,
    Tick,
)
from dtedask.products.live.order import need_of
from dtedask.products.live.orders import Orders
from dtedask.products.live.pacing import Pacing
from tests.products.live.machine import CYCLE, NOW, expanded, keys, opened, order, requirement, started

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def _wrote(*fields):
    return Committed(tuple({**one, "class": "od", "stream": "oper"} for one in fields))


def test_a_product_is_started_by_the_last_of_its_inputs():
    one = order("a", keys(step="0"), keys(step="6"))
    machine, said = opened(one)
    assert started(said) == []
    assert started(machine.handle(_wrote(keys(step="6")), NOW)) == []
    assert machine.missing(one.id) == (need_of(keys(step="0")),)
    assert started(machine.handle(_wrote(keys(step="0")), NOW)) == [one.id]


def test_a_product_whose_inputs_are_there_already_is_started_when_its_cycle_is_opened():
    one = order("a", keys())
    assert started(opened(one, present=[keys()])[1]) == [one.id]


def test_step_by_step_each_product_is_started_once_the_most_urgent_first():
    soon, late = requirement("soon", hours=6), requirement("late", hours=9)
    orders = [order("", keys(step=str(step)), of=of, file_name=f"{step}") for of in (late, soon) for step in range(3)]
    machine, _ = opened(*orders)
    said = [started(machine.handle(_wrote(keys(step=str(step))), NOW)) for step in range(3)]
    assert said == [[f"{name}/{CYCLE}/{step}" for name in ("soon", "late")] for step in range(3)]


def test_a_step_that_is_written_again_starts_its_products_again():
    first, second = order("a", keys(step="0")), order("b", keys(step="6"))
    machine, _ = opened(first, second, present=[keys(step="0"), keys(step="6")])
    for one in (first, second):
        machine.handle(Delivered(one.id), NOW)
    assert started(machine.handle(_wrote(keys(step="6")), NOW)) == [second.id]


def test_what_is_written_again_while_a_product_is_made_starts_it_again_when_it_has_ended():
    one = order("a", keys())
    machine, _ = opened(one, present=[keys()])
    assert started(machine.handle(_wrote(keys()), NOW)) == []
    assert started(machine.handle(Delivered(one.id), NOW)) == [one.id]
    assert started(machine.handle(Delivered(one.id), NOW)) == []
    assert machine.state(one.id) == "delivered"


def test_a_wipe_does_nothing_to_what_was_made_and_takes_away_from_what_waits():
    done, waits = order("a", keys(step="0")), order("b", keys(step="0"), keys(step="6"))
    machine, _ = opened(done, waits, present=[keys(step="0")])
    machine.handle(Delivered(done.id), NOW)
    assert machine.handle(Committed((), (keys(step="0"),)), NOW) == []
    assert machine.state(done.id) == "delivered"
    assert started(machine.handle(_wrote(keys(step="6")), NOW)) == []
    assert machine.missing(waits.id) == (need_of(keys(step="0")),)


def test_inputs_that_turn_out_to_be_gone_are_waited_for():
    one = order("a", keys())
    machine, _ = opened(one, present=[keys()])
    machine.handle(Lacking(one.id, one.needs), NOW)
    assert machine.state(one.id) == "waiting"
    assert started(machine.handle(_wrote(keys()), NOW)) == [one.id]


def test_a_failure_is_tried_again_after_twice_as_long_each_time():
    one = order("a", keys())
    machine, _ = opened(one, present=[keys()], pacing=Pacing(retry=MINUTE, retry_most=3 * MINUTE))
    now = NOW
    for pause in (MINUTE, 2 * MINUTE, 3 * MINUTE, 3 * MINUTE):
        machine.handle(Failed(one.id, "The server is gone."), now)
        assert started(machine.handle(Tick(), now + pause - timedelta(seconds=1))) == []
        now += pause
        assert machine.deadline == now
        assert started(machine.handle(Tick(), now)) == [one.id]


def test_a_lasting_failure_waits_for_other_inputs():
    one = order("a", keys())
    machine, _ = opened(one, present=[keys()])
    machine.handle(Failed(one.id, "No such grid.", is_lasting=True), NOW)
    assert started(machine.handle(Tick(), NOW + 10 * HOUR)) == []
    assert started(machine.handle(_wrote(keys()), NOW + 10 * HOUR)) == [one.id]


def test_what_is_late_is_told_once_with_what_it_waits_for():
    of = requirement("a", hours=6)
    one = order("", keys(step="0"), keys(step="6"), of=of)
    machine, _ = opened(one, present=[keys(step="0")])
    assert machine.handle(Tick(), CYCLE.time + 6 * HOUR - MINUTE) == []
    assert machine.handle(Tick(), CYCLE.time + 6 * HOUR) == [
        Late(one.product, CYCLE.time + 6 * HOUR, "waiting", (need_of(keys(step="6")),), "")
    ]
    assert machine.handle(Tick(), CYCLE.time + 7 * HOUR) == []


def test_what_failed_is_late_with_its_error_and_what_is_delivered_is_not_late():
    fails, comes = (
        order("", keys(step=step), of=requirement(name, hours=6)) for name, step in (("a", "0"), ("b", "6"))
    )
    machine, _ = opened(fails, comes, present=[keys(step="0"), keys(step="6")])
    machine.handle(Delivered(comes.id), NOW)
    machine.handle(Failed(fails.id, "Disk full.", is_lasting=True), NOW)
    assert machine.handle(Tick(), NOW + HOUR) == [
        Late(fails.product, CYCLE.time + 6 * HOUR, "failed", (), "Disk full.")
    ]


def test_what_was_delivered_before_is_not_late_while_it_is_made_again_or_lacks_input():
    of = requirement("a", hours=6)
    orders = order("", keys(step="0"), of=of, file_name="0"), order("", keys(step="6"), of=of, file_name="6")
    machine, _ = opened(present=[keys(step="0")])
    machine.handle(Required((of,)), NOW)
    here, gone = (one.id for one in orders)
    present = frozenset(orders[0].needs)
    assert started(machine.handle(Opened(CYCLE, (of,), orders, present, frozenset((here, gone))), NOW)) == [here]
    assert machine.state(gone) == "delivered"
    assert machine.handle(Tick(), NOW + 2 * HOUR) == []


def test_a_cycle_is_expected_from_its_base_time_though_nothing_of_it_is_there():
    machine = Orders()
    midnight, noon = requirement("a", time="0000"), requirement("b", time="0000/1200")
    now = CYCLE.time + HOUR
    said = expanded(machine.handle(Required((midnight, noon)), now))
    assert said[-1] == (CYCLE, ["a", "b"])
    assert machine.deadline == CYCLE.time + 12 * HOUR
    assert expanded(machine.handle(Tick(), CYCLE.time + 12 * HOUR)) == [(Cycle(CYCLE.time + 12 * HOUR), ["b"])]


def test_a_cycle_that_nobody_expects_is_opened_by_its_first_field():
    machine = Orders()
    machine.handle(Required((requirement("a", time="all"),)), NOW)
    assert machine.cycles == ()
    assert expanded(machine.handle(_wrote(keys()), NOW)) == [(CYCLE, ["a"])]
    assert machine.handle(_wrote(keys()), NOW) == []


def test_old_cycles_are_not_opened_and_open_ones_are_closed_when_they_are_old():
    done, waits = order("a", keys(step="0")), order("b", keys(step="6"))
    machine, _ = opened(done, waits, present=[keys(step="0")], pacing=Pacing(open_for=24 * HOUR))
    machine.handle(Delivered(done.id), NOW)
    said = machine.handle(Tick(), CYCLE.time + 24 * HOUR)
    assert [one for one in said if isinstance(one, Close)] == [Close(CYCLE, (waits.product,))]
    assert len(machine) == 0
    later = CYCLE.time + 25 * HOUR
    assert CYCLE not in machine.cycles
    assert machine.handle(_wrote(keys(step="6")), later) == machine.handle(Found((CYCLE,)), later) == []


def test_fields_of_a_cycle_that_is_too_old_are_told_of_once():
    machine = Orders(Pacing(open_for=24 * HOUR))
    old, later = Cycle(CYCLE.time - 24 * HOUR), CYCLE.time + 25 * HOUR
    machine.handle(Required((requirement("a", time="all"),)), later)
    assert machine.handle(Found((old,)), later) == []
    assert machine.handle(_wrote(keys(cycle=old)), later) == [Old(old)]
    assert machine.handle(_wrote(keys(cycle=old, step="6")), later) == []


def test_a_product_of_all_there_is_waits_until_nothing_has_come_for_a_while():
    of = requirement("a", param="167", step="all")
    first = order("", keys(step="0"), of=of, left_open="fields")
    machine, said = opened(first, present=[keys(step="0")], pacing=Pacing(idle=5 * MINUTE))
    assert started(said) == []
    assert machine.state(first.id) == "settling"
    assert expanded(machine.handle(_wrote(keys(step="6")), NOW + 4 * MINUTE)) == [(CYCLE, ["a"])]
    both = order("", keys(step="0"), keys(step="6"), of=of, left_open="fields")
    machine.handle(Opened(CYCLE, (of,), (both,), frozenset(both.needs)), NOW + 4 * MINUTE)
    assert started(machine.handle(Tick(), NOW + 6 * MINUTE)) == []
    assert started(machine.handle(Tick(), NOW + 9 * MINUTE)) == [both.id]


def test_fields_of_other_parameters_do_not_make_a_requirement_be_looked_at_again():
    of = requirement("a", param="167", step="all", stream="oper")
    machine, _ = opened(order("", keys(step="0"), of=of, left_open="products"), present=[keys(step="0")])
    assert machine.handle(_wrote(keys(param="130", step="6")), NOW) == []
    assert machine.handle(Committed(({**keys(step="6"), "stream": "enfo"},)), NOW) == []
    assert expanded(machine.handle(_wrote(keys(step="6")), NOW)) == [(CYCLE, ["a"])]


def test_new_and_changed_requirements_are_looked_at_and_others_are_left_alone():
    same, old, gone = order("same", keys(step="0")), order("old", keys(step="6")), order("gone", keys(step="12"))
    machine, _ = opened(same, old, gone)
    new = [requirement("same"), requirement("old", digest="2"), requirement("new")]
    assert (CYCLE, ["old", "new"]) in expanded(machine.handle(Required(tuple(new)), NOW))
    assert [one.id for one in machine] == [same.id]
    assert started(machine.handle(_wrote(keys(step="12"), keys(step="0")), NOW)) == [same.id]


def test_a_requirement_that_goes_while_its_product_is_made_ends_with_it():
    one = order("a", keys())
    machine, _ = opened(one, present=[keys()])
    machine.handle(Required(()), NOW)
    assert machine.running == (one.id,)
    assert machine.handle(Delivered(one.id), NOW) == []
    assert len(machine) == 0


def test_an_answer_that_comes_too_late_is_not_taken():
    old, new = requirement("a"), requirement("a", digest="2")
    machine, _ = opened(order("", keys(), of=old))
    machine.handle(Required((new,)), NOW)
    late = order("", keys(), of=old)
    assert machine.handle(Opened(CYCLE, (old,), (late,), frozenset(late.needs)), NOW) == []
    with pytest.raises(KeyError):
        machine.state(late.id)


def test_a_commit_costs_what_it_touches():
    orders = [order(f"r{place}", keys(step=str(place % 100))) for place in range(2000)]
    machine, _ = opened(*orders)
    looked = []
    original = machine._is_ready
    machine._is_ready = lambda name, *rest, **more: looked.append(name) or original(name, *rest, **more)
    assert len(started(machine.handle(_wrote(keys(step="7")), NOW))) == len(looked) == 20
