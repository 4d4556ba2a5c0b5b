"""From requirements to fields and products, beside brute force over all fields that there are."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dtedask
from dtedask.grib import decode, encode, scan
from dtedask.products import Cycle
from dtedask.products.planning.expansion import fields_of, products_of
from dtedask.products.planning.inventory import Inventory
from dtedask.products.planning.plan import plan
from dtedask.testing import make_field
from tests.products.planning.orders import CYCLE, GRID, KEYS, field, fields, requirement, values_of

PARAMS, STEPS, LEVELS, NUMBERS = ("130", "131"), ("0", "6", "12"), ("500", "850", "1000"), ("0", "1", "2")
AXES = {"param": PARAMS, "step": STEPS, "levelist": LEVELS, "number": NUMBERS}


def _value(key):
    """What a requirement says of a key: nothing, all, or some values, among them such as no field has."""
    some = st.lists(st.sampled_from([*AXES[key], {"number": "7"}.get(key, "3")]), min_size=1, max_size=4, unique=True)
    return st.one_of(st.none(), st.just(("all",)), some.map(tuple))


def _field(param, step, level, number):
    kind = {"type": "cf", "number": None} if number == "0" else {"type": "pf", "number": number}
    return field(param=param, step=step, levelist=level, levtype="pl", stream="enfo", **kind)


def _takes(request, key, value):
    """Whether a value is asked for; the control forecast is by its type."""
    is_control = key == "number" and value == "0"
    return is_control or key not in request or "all" in request[key] or value in request[key]


@settings(max_examples=60, deadline=None)
@given(
    there=st.sets(st.sampled_from(list(itertools.product(*AXES.values()))), min_size=1),
    asked=st.fixed_dictionaries({key: _value(key) for key in AXES if key != "param"}),
    params=st.sampled_from([PARAMS, PARAMS[:1]]),
)
def test_all_fields_that_exist_and_are_asked_for_are_taken_each_once(there, asked, params):
    request = {key: values for key, values in asked.items() if values is not None}
    request |= {"param": params, "type": ("cf", "pf"), "stream": ("enfo",), "levtype": ("pl",)}
    inventory = Inventory.of(_field(*place) for place in sorted(there))
    found = list(fields_of(request, inventory.at(CYCLE)))
    places = [tuple(keys.get(key, "") for key in AXES) for keys in found]
    assert len(found) == len({tuple(keys.items()) for keys in found})
    wanted = {
        place for place in there if all(_takes(request, key, value) for key, value in zip(AXES, place, strict=True))
    }
    assert set(places) & there == wanted
    found_there = {place: inventory.find({**keys, **CYCLE.keys}) for place, keys in zip(places, found, strict=True)}
    assert {place for place, one in found_there.items() if one is not None} >= wanted


@settings(max_examples=40, deadline=None)
@given(st.permutations(["0", "6", "12"]), st.permutations(list(PARAMS)), st.sampled_from(["{step}", "{param}", "x"]))
def test_products_hold_every_field_once_in_the_order_of_the_requirement(steps, params, template):
    asked = requirement(param=params, step=steps, file_name=template)
    found = list(products_of(asked, CYCLE, Inventory.of([])))
    held = [(keys["step"], keys["param"]) for one in found for keys in one.fields]
    assert sorted(held) == sorted(itertools.product(steps, params))
    names = {"{step}": steps, "{param}": params, "x": ["x"]}[template]
    assert [one.file_name for one in found] == list(names)


def test_each_cycle_has_its_products_and_dates_choose_among_them():
    given = [one for date in ("20240601", "20240602") for one in fields(date=date)]
    inventory = Inventory.of(given)
    assert [str(cycle) for cycle in inventory.cycles] == ["20240601T0000", "20240602T0000"]
    assert len(plan([requirement()], inventory).makes) == 2
    assert len(plan([requirement()], inventory, [CYCLE]).makes) == 1
    (make,) = plan([requirement(date="20240602", time=["0000", "1200"])], inventory).makes
    assert str(make.products[0].cycle) == "20240602T0000"


@pytest.mark.parametrize(("time", "cycles"), [("1200", ["20240701T1200"]), (None, ["20240701T0000"])])
def test_runs_that_are_named_and_not_there_are_waited_for(time, cycles):
    asked = requirement(date="20240701", time=time)
    waiting = plan([asked], Inventory.of(fields())).waiting
    assert [str(one.product.cycle) for one in waiting] == cycles
    assert not plan([asked], Inventory.of(fields()), [CYCLE]).waiting


@pytest.mark.parametrize("kind", ["file", "cube", "both"])
def test_the_same_fields_of_files_and_cubes_give_the_same_values(tmp_path, kind):
    keys = [{**KEYS, "param": param, "step": step} for param in ("167", "165") for step in ("0", "6")]
    values = np.random.default_rng(1).normal(280, 3, (len(keys), *GRID.shape))
    Path(tmp_path / "a.grib2").write_bytes(
        b"".join(encode(one, said, GRID) for one, said in zip(values, keys, strict=True))
    )
    with dtedask.open(tmp_path / "root") as store:
        store.archive(str(tmp_path / "a.grib2"))
        store.flush()
    names = {"file": ["a.grib2"], "cube": ["root"], "both": ["root", "a.grib2"]}[kind]
    inventory = Inventory.open([tmp_path / name for name in names])
    asked = requirement(param=["167", "165"], step=["0", "6"], file_name="all")
    (make,) = plan([asked], inventory).makes
    assert len({node.key for node in make.nodes}) == 4
    read = {message.field.keys["param"] + message.field.keys["step"]: message for message in scan(tmp_path / "a.grib2")}
    for node in make.nodes:
        said = node.description.keys
        message = read[said["param"] + said["step"]]
        expected = decode(message.read(), message.field.order, dtype="float32")
        np.testing.assert_array_equal(values_of(node), expected)


def test_commits_cost_what_they_touch(tmp_path, monkeypatch):
    root = tmp_path / "root"
    with dtedask.open(root) as store:
        for param in ("t", "u"):
            store.archive(*make_field(1, param=param))
        store.flush()
        inventory = Inventory.open(root)
        known = inventory.at(inventory.cycles[0])
        before = {param: [one.content for one in known.matching({"param": param})] for param in ("130", "131")}
        store.archive(*make_field(2, param="u"))
        (commit,) = store.flush()
    inventory.add(commit)
    listed = []
    monkeypatch.setattr(inventory._supplies[0], "fields", lambda _, param: listed.append(param) or ())
    assert [one.content for one in known.matching({"param": "130"})] == before["130"]
    assert not listed
    assert list(known.matching({"param": "131"})) == []
    assert listed == ["131"]


def test_a_cycle_without_fields_has_none():
    assert Inventory.of(fields()).at(Cycle.at(0)).find({**KEYS}) is None
