"""What is made, what waits for which input, what is late and why."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from dtedask.core.errors import DeliveryError, ProductError
from dtedask.products.finishing import Outcome
from dtedask.products.live.live_file import LiveFile
from dtedask.products.planning.inventory import Inventory
from dtedask.products.status import status
from tests.products.live.runs import CYCLE, NOW, Desk, archive, requirement


@pytest.fixture
def desk(tmp_path):
    found = Desk(tmp_path)
    archive(found.root, {"step": "0"}, {"step": "6"})
    return found


def _status(desk, *requirements, now=NOW, **options):
    return status(requirements, desk.ledger, Inventory.open(desk.root), output=desk.output, now=now, **options)


def _states(found):
    return {one.product.file_name: one.state for one in found}


@pytest.mark.slow
def test_before_anything_runs_products_are_ready_or_wait_for_their_input(desk):
    found = _status(desk, requirement("t", step="0/6/12/18"))
    assert _states(found) == {
        "t-20240101-0.grib2": "ready",
        "t-20240101-6.grib2": "ready",
        "t-20240101-12.grib2": "waiting",
        "t-20240101-18.grib2": "waiting",
    }
    waits = found.of("t/20240101T0000/t-20240101-12.grib2")
    assert [(one["param"], one["step"]) for one in waits.missing] == [("130", "12")]
    assert waits.why.startswith("waits for class=rd,stream=oper")
    assert waits.why.endswith("param=t,step=12")
    assert found.totals == {"ready": 2, "waiting": 2}


@pytest.mark.slow
def test_what_was_delivered_says_where_it_is_and_stays_so_when_its_input_is_wiped(desk):
    wanted = requirement("t", step="0/6")
    desk.follow(wanted)
    (first, _) = _status(desk, wanted)
    assert (first.state, first.why) == ("delivered", "")
    assert [one.location for one in first.places] == [str(desk.out / "t-20240101-0.grib2")]
    desk.wipe({"step": "0"})
    assert set(_states(_status(desk, wanted)).values()) == {"delivered"}


@pytest.mark.slow
def test_a_product_whose_input_was_written_again_is_outdated(desk):
    wanted = requirement("t", step="0/6")
    desk.follow(wanted)
    archive(desk.root, {"step": "6", "value": 5.0})
    assert list(_states(_status(desk, wanted)).values()) == ["delivered", "outdated"]


@pytest.mark.slow
def test_late_products_say_by_how_much_and_why(desk):
    wanted = requirement("t", step="0/12", hours=6), requirement("n", step="6", hours=9)
    desk.follow(*wanted)
    found = _status(desk, *wanted, now=CYCLE.time + timedelta(hours=7, minutes=30))
    (late,) = found.late
    assert (late.product.file_name, late.late_by) == ("t-20240101-12.grib2", timedelta(hours=1, minutes=30))
    assert "t-20240101-12.grib2: waiting, 1 h 30 min late (due 2024-01-01 06:00): waits for" in str(found)
    assert found.totals == {"delivered": 2, "waiting": 1, "late": 1}


@pytest.mark.slow
def test_products_that_came_too_late_say_how_late_they_were(tmp_path):
    desk = Desk(tmp_path, now=CYCLE.time + timedelta(hours=7))
    archive(desk.root, {"step": "0"})
    wanted = requirement("t", step="0", hours=6)
    desk.follow(wanted)
    (found,) = _status(desk, wanted, now=CYCLE.time + timedelta(days=3))
    assert (found.state, found.late_by, found.is_late) == ("delivered", timedelta(hours=1), False)


@pytest.mark.slow
def test_a_run_of_which_nothing_has_come_is_waited_for_when_requirements_name_its_time(tmp_path):
    desk = Desk(tmp_path)
    archive(desk.root, {"step": "0"})
    wanted = requirement("t", step="0", time="0000/1200", hours=6)
    found = _status(desk, wanted, now=CYCLE.time + timedelta(hours=19))
    assert [(str(one.product.cycle), one.state, one.is_late) for one in found] == [
        ("20240101T0000", "ready", True),
        ("20240101T1200", "waiting", True),
    ]


def test_failures_say_what_went_wrong(desk):
    wanted = requirement("t", step="0/6")
    makes = desk.planned(wanted).makes
    first, second = (make.products[0] for make in makes)
    desk.ledger.failed(first, ProductError("The disk is full."), digest=makes[0].digest)
    desk.ledger.made([(second, str(desk.out))], makes[1].digest, "sha256:0", 10)
    away = DeliveryError("The server does not answer.")
    desk.ledger.record(Outcome(second, str(desk.out), error=away), makes[1].digest)
    found = _status(desk, wanted)
    assert _states(found) == {first.file_name: "failed", second.file_name: "made"}
    assert found.of(first.id).why == "The disk is full."
    assert found.of(second.id).why == f"is made, and not delivered: {desk.out}: The server does not answer."


def test_what_a_process_makes_is_running_until_the_process_is_gone(desk):
    wanted = requirement("t", step="0/6")
    make = desk.planned(wanted).makes[0]
    desk.ledger.running([(make.products[0], make.digest)])
    file = LiveFile(desk.ledger.folder, {})
    file.write("running", {"running": [make.products[0].id]})
    assert list(_states(_status(desk, wanted)).values()) == ["running", "ready"]
    assert _status(desk, wanted).live == "running"
    document = desk.ledger.folder / "live.json"
    document.write_text(json.dumps({**json.loads(document.read_text()), "process": "another"}))
    found = _status(desk, wanted)
    assert list(_states(found).values()) == ["ready", "ready"]
    assert found.products[0].why == "its input is there, and the process that was to make it is gone"


def test_products_of_an_owner_of_a_state_and_of_a_run_can_be_asked_for(desk):
    mine, yours = requirement("a", step="0/12"), requirement("b", step="0", owner="you")
    assert [one.product.requirement.name for one in _status(desk, mine, yours, owner="you")] == ["b"]
    assert len(_status(desk, mine, yours, states=["waiting"])) == 1
    assert len(_status(desk, mine, yours, cycles=[])) == 0
    assert _status(desk, mine, yours).owners == {"me": {"ready": 1, "waiting": 1}, "you": {"ready": 1}}


def test_a_requirement_that_gives_nothing_is_named(desk):
    found = _status(desk, requirement("t", step="0"), replace(requirement("none"), file_name="{nosuch}"))
    assert len(found) == 1
    assert [one.requirement.name for one in found.broken] == ["none"]
    assert "broken:\n  none: " in str(found)


def test_programs_and_notebooks_see_the_same(desk):
    found = _status(desk, requirement("t", step="0/12", hours=1))
    said = json.loads(json.dumps(found.to_dict()))
    assert said["totals"] == {"ready": 1, "waiting": 1, "late": 2}
    waits = said["products"][1]
    assert (waits["state"], waits["late"], waits["late_s"]) == ("waiting", True, 4 * 3600)
    assert waits["missing"][0]["step"] == ["12"]
    assert "t-20240101-12.grib2" in found._repr_html_()
    assert repr(found) == "<Status at 2024-01-01 05:00 UTC: 1 ready, 1 waiting, 2 late>"
