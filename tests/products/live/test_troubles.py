"""What is more urgent, what fails, and what is away for a moment."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from dtedask.core.errors import StoreError
from dtedask.products import delivery
from dtedask.products.live import following
from dtedask.products.live.expanding import Expanding
from dtedask.products.live.live_file import find_live_run
from dtedask.products.making import Made, make
from dtedask.products.making.made import Counts
from tests.products.failing import Failing, FailingOptions
from tests.products.live.runs import NOW, Desk, archive, requirement

pytestmark = pytest.mark.slow
_DEADLINE_S = 30


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


@pytest.fixture
def failing(monkeypatch):
    monkeypatch.setitem(delivery._OWN, "failing", "tests.products.failing:Failing")
    for name, value in {"left": 0, "lasting": False, "tried": 0}.items():
        monkeypatch.setattr(Failing, name, value)
    return Failing


def one_by_one(desk):
    """Makes one product after the other; waits behind the first batch's first until it is told to stop."""

    def slowly(plan, *, finish, stop):
        outcomes, left = [], list(plan.makes)
        while left and not stop():
            outcomes += make(replace(plan, makes=(left.pop(0),)), finish=finish).outcomes
            deadline = time.monotonic() + _DEADLINE_S
            while len(desk.kinds("making")) == 1 and not stop():
                assert time.monotonic() < deadline
        return Made(tuple(outcomes), tuple(left), Counts(), 0.0)

    return slowly


def test_what_is_more_urgent_than_all_that_is_being_made_does_not_wait(desk):
    steps = [str(step) for step in range(0, 12, 3)]
    archive(desk.root, *({"step": step} for step in steps))
    slow, urgent = requirement("slow", step="/".join(steps), hours=9), requirement("urgent", step="24", hours=6)

    def hear(note):
        if note.kind == "delivered" and len(desk.kinds("delivered")) == 1:
            archive(desk.root, {"step": "24"})

    desk.follow(slow, urgent, make=one_by_one(desk), on_event=hear, until=5)
    assert desk.ids("delivered") == [
        "slow-20240101-0.grib2", "urgent-20240101-24.grib2", *(f"slow-20240101-{step}.grib2" for step in steps[1:]),
    ]  # fmt: skip


def test_a_place_that_is_away_gets_its_product_later_and_others_are_not_held_up(desk, failing):
    failing.left = 2
    archive(desk.root, {"step": "0"})
    away = replace(requirement("away", step="0"), delivery=(FailingOptions(), desk.output))

    seconds = itertools.count()
    done = desk.follow(away, requirement("t", step="0"), until=5, clock=lambda: NOW + timedelta(seconds=next(seconds)))
    assert (done.delivered, done.failed, failing.tried) == (3, 0, 3)
    assert len(desk.kinds("failed")) == 2
    assert len(desk.kinds("making")) == 3
    assert list(desk.files) == ["away-20240101-0.grib2", "t-20240101-0.grib2"]
    assert all(row.is_delivered for row in desk.ledger.products())
    assert [line["product"] for line in desk.manifest].count("away/20240101T0000/away-20240101-0.grib2") == 1


def test_what_lasts_is_not_tried_again_before_its_input_is_another(desk, failing):
    failing.left, failing.lasting = 1, True
    archive(desk.root, {"step": "0"})
    away = replace(requirement("away", step="0"), delivery=(FailingOptions(),))

    def hear(note):
        if note.kind == "failed":
            desk.now += timedelta(hours=1)
            assert failing.tried == 1
            archive(desk.root, {"step": "0", "value": 3.0})

    desk.follow(away, on_event=hear, until=2)
    assert failing.tried == 2


def test_a_storage_that_is_away_for_a_moment_is_asked_again(desk, monkeypatch):
    archive(desk.root, {"step": "0"})
    original, errors = Expanding.orders, [StoreError("The storage is away.")]

    def orders(self, requirement):
        if errors:
            raise errors.pop()
        return original(self, requirement)

    monkeypatch.setattr(Expanding, "orders", orders)
    monkeypatch.setattr(following, "_AGAIN_S", 0.01)
    desk.follow(requirement("t", step="0"), until=1)
    assert list(desk.files) == ["t-20240101-0.grib2"]


def test_an_error_of_the_loop_ends_it_and_is_left_for_others_to_see(desk):
    archive(desk.root, {"step": "0"})

    def broken(plan, *, finish, stop):
        raise MemoryError("Too much.")

    with pytest.raises(MemoryError, match="Too much"):
        desk.follow(requirement("t", step="0"), make=broken)
    run = find_live_run(desk.ledger.folder)
    assert (run.state, run.document["error"]) == ("failed", "Too much.")


def test_a_run_that_ended_says_what_it_did(desk):
    archive(desk.root, {"step": "0"})
    desk.follow(requirement("t", step="0"))
    run = find_live_run(desk.ledger.folder)
    assert (run.state, run.document["counts"]) == ("done", {"delivered": 1})
    assert run.document["cycles"] == ["20240101T0000"]
    assert find_live_run(desk.out) is None
