"""Which fields exist: in memory, in GRIB files, in cubes."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import dtedask
from dtedask.products import Cycle
from dtedask.products.planning.inventory import Inventory
from dtedask.store.past.field_history import FieldHistory
from dtedask.testing import make_field
from tests.products.planning.orders import CYCLE, KEYS, field, fields


def _archive(root, *given):
    with dtedask.open(root) as store:
        for one, keys in given:
            store.archive(one, keys)
        return store.flush()


def test_fields_are_found_by_their_keys():
    inventory = Inventory.of(fields(("167", "165")))
    found = inventory.find({**KEYS, "param": "165", "step": "6"})
    assert (found.keys["param"], found.keys["step"]) == ("165", "6")


@pytest.mark.parametrize("other", [{"step": "12"}, {"param": "166"}, {"class": "rd"}, {"date": "20240602"}])
def test_a_key_that_no_field_has_finds_nothing(other):
    assert Inventory.of(fields()).find({**KEYS, **other}) is None


def test_keys_that_are_left_out_match_what_there_is():
    assert Inventory.of(fields(steps=("6",))).find({"param": "167", "date": "20240601", "time": "0000"}) is not None


def test_a_control_forecast_is_member_0():
    members = [field(type="cf", number=None, stream="enfo"), field(type="pf", number="1", stream="enfo", seed=1)]
    inventory = Inventory.of(members)
    asked = {**KEYS, "stream": "enfo", "type": "pf"}
    found = [inventory.find({**asked, "number": number}) for number in ("0", "1", "2")]
    assert [one and one.keys["type"] for one in found] == ["cf", "pf", None]


def test_a_step_over_an_interval_is_found_by_its_end_and_the_very_step_is_found_first():
    inventory = Inventory.of([field(step="0-24"), field(step="24", seed=1), field(step="18-24", seed=2)])
    found = [inventory.find({**KEYS, "step": step}) for step in ("24", "18-24", "0-24")]
    assert [one and one.keys["step"] for one in found] == ["24", "18-24", "0-24"]


def test_the_values_of_a_cube_are_those_of_the_store(tmp_path):
    _archive(tmp_path / "root", *(make_field(step, step=str(step)) for step in (0, 6)))
    inventory = Inventory.open(tmp_path / "root")
    (cycle,) = inventory.cycles
    assert str(cycle) == "20240101T0000"
    _, keys = make_field(6, step="6")
    found = inventory.find({**keys, "param": "130"})
    assert found is not None
    ((_, expected),) = dtedask.open(tmp_path / "root").values({**keys})
    np.testing.assert_array_equal(found.read(), expected)
    assert found.read().dtype == np.float32


def test_a_commit_that_leaves_a_field_alone_does_not_change_what_stands_for_it(tmp_path):
    root = tmp_path / "root"
    one, keys = make_field(1)
    _archive(root, (one, keys), make_field(2, step="6"))
    place = {**keys, "param": "130"}
    before = [Inventory.open(root).find({**place, "step": step}).content for step in ("0", "6")]
    _archive(root, make_field(3, step="12"), make_field(4, step="6"))
    after = [Inventory.open(root).find({**place, "step": step}).content for step in ("0", "6")]
    assert before[0] == after[0]
    assert before[1] != after[1]


def test_a_commit_is_seen_when_it_is_added(tmp_path):
    root = tmp_path / "root"
    one, keys = make_field(1)
    _archive(root, (one, keys))
    inventory = Inventory.open(root)
    place = {**keys, "param": "130"}
    assert inventory.find({**place, "step": "6"}) is None
    before = inventory.find(place).content
    (commit,) = _archive(root, make_field(2, step="6"), make_field(5))
    inventory.add(commit)
    assert inventory.find({**place, "step": "6"}) is not None
    assert inventory.find(place).content != before


def test_the_cycles_are_those_of_the_fields():
    inventory = Inventory.of(fields())
    assert inventory.cycles == (CYCLE,)
    assert inventory.at(Cycle.at(0)).params == frozenset()


def test_what_stands_for_a_field_follows_it_back_in_time(tmp_path):
    root = tmp_path / "root"
    one, keys = make_field(1)
    (first,) = _archive(root, (one, keys), make_field(3, step="6"))
    _archive(root, make_field(2))
    place = {**keys, "param": "130"}
    replaced = Inventory.open(root).find(place)
    with dtedask.open(root) as store:
        store.rollback(first.snapshot, doit=True)
    back = Inventory.open(root).find(place)
    assert back.content != replaced.content
    np.testing.assert_array_equal(back.read(), one.values)


def test_what_stands_for_a_field_is_its_values_where_the_past_is_gone(tmp_path, monkeypatch):
    root = tmp_path / "root"
    one, keys = make_field(1)
    _archive(root, (one, keys))
    place = {**keys, "param": "130"}
    known = Inventory.open(root).find(place).content
    monkeypatch.setattr(FieldHistory, "last_change_of", lambda *_: 0)
    contents = [Inventory.open(root).find(place).content for _ in range(2)]
    assert contents[0] == contents[1] != known
    _archive(root, make_field(2))
    assert Inventory.open(root).find(place).content != contents[0]


def test_fields_without_a_date_are_counted(caplog):
    inventory = Inventory.of([*fields(), field(date=None)])
    assert inventory.cycles == (CYCLE,)
    assert "1 fields without a date" in caplog.text


@pytest.mark.parametrize("kind", ["memory", "cube"])
def test_what_reads_a_field_travels(tmp_path, kind):
    given, keys = make_field(1)
    _archive(tmp_path / "root", (given, keys))
    inventory = Inventory.of(fields()) if kind == "memory" else Inventory.open(tmp_path / "root")
    read = inventory.find(KEYS if kind == "memory" else {**keys, "param": "130"}).read
    there = pickle.loads(pickle.dumps(read))
    assert there == read
    np.testing.assert_array_equal(there(), read())
