"""Plans of what does not exist: made of what does."""

from __future__ import annotations

import numpy as np
import pytest

from dtedask.geo import Grid
from dtedask.products import PostProcessing
from dtedask.products.planning.inventory import Inventory
from dtedask.products.planning.ordered import inputs_of_product
from dtedask.products.planning.plan import plan
from dtedask.products.requirement import Formula
from tests.products.planning.orders import by_keys, field, fields, requirement, values_of

WINDS = ("165", "166")


def _ensemble(numbers=range(4), **keys):
    return [
        field(type="cf" if number == 0 else "pf", number=None if number == 0 else str(number), seed=number,
              stream="enfo", **keys)
        for number in numbers
    ]  # fmt: skip


def test_wind_speed_is_made_of_both_components():
    given = fields(WINDS)
    (make,) = plan([requirement(param="207", step="6")], Inventory.of(given)).makes
    known = by_keys(given)
    np.testing.assert_allclose(values_of(make.nodes[0]), np.hypot(known["165", "6"], known["166", "6"]), rtol=1e-6)


def test_what_comes_as_such_is_never_made_of_others():
    given = [*fields(WINDS), field(param="207", step="0", seed=9)]
    found = plan([requirement(param="207", step=["0", "6"], file_name="s{step}")], Inventory.of(given))
    assert len(found.nodes) == 1
    assert [(keys["param"], keys["step"]) for keys in found.waiting[0].missing] == [("207", "6")]


def test_what_a_derived_field_lacks_is_named():
    found = plan([requirement(param="207", step="6")], Inventory.of(fields(("165",))))
    assert [(keys["param"], keys["step"]) for keys in found.waiting[0].missing] == [("166", "6")]


@pytest.mark.parametrize(("numbers", "taken"), [(None, range(4)), (("1", "2"), (1, 2)), (("0", "3"), (0, 3))])
def test_a_mean_is_over_the_members_that_are_named_or_all(numbers, taken):
    given = _ensemble()
    asked = requirement(type="em", stream="enfo", number=numbers)
    (make,) = plan([asked], Inventory.of(given)).makes
    expected = np.mean([given[number].values for number in taken], axis=0, dtype="float64")
    np.testing.assert_allclose(values_of(make.nodes[0]), expected, rtol=1e-6)


@pytest.mark.parametrize("left_out", [("number",), ("number", "step"), ("number", "step", "expver")])
def test_a_statistic_is_one_field_however_little_is_named(left_out):
    asked = requirement(type="em", stream="enfo", file_name="x", **dict.fromkeys(left_out))
    (make,) = plan([asked], Inventory.of(_ensemble())).makes
    assert len(make.nodes) == len(make.products[0].fields) == 1


def test_a_statistic_waits_for_its_members_though_nobody_knows_them():
    found = plan([requirement(type="em", stream="enfo")], Inventory.of(_ensemble(step="6")))
    (waiting,) = found.waiting
    assert [(keys["type"], keys["step"]) for keys in waiting.missing] == [("pf", "0")]


def test_a_run_is_expected_to_have_the_members_of_the_one_before():
    before = _ensemble(date="20240531")
    now = _ensemble(range(2))
    asked = requirement(type="em", stream="enfo", date="20240601")
    waiting = plan([asked], Inventory.of([*before, *now], like_before=True)).waiting
    assert [keys["number"] for keys in waiting[0].missing] == ["2", "3"]
    assert len(plan([asked], Inventory.of([*before, *now])).makes) == 1


def test_the_mean_of_wind_speed_is_made_of_the_wind_of_each_member():
    given = [one for param in WINDS for one in _ensemble(param=param)]
    inventory = Inventory.of(given)
    (make,) = plan([requirement(type="em", stream="enfo", param="207")], inventory).makes
    speeds = [np.hypot(given[number].values, given[number + 4].values) for number in range(4)]
    np.testing.assert_allclose(values_of(make.nodes[0]), np.mean(speeds, axis=0), rtol=1e-5)
    assert len(inputs_of_product(make.products[0], inventory)) == 8


def test_fields_that_a_formula_names_are_read():
    given = fields(("167", "168"))
    how = PostProcessing(formulas=(Formula("f - 2d"),))
    (make,) = plan([requirement(how=how, step="6")], Inventory.of(given)).makes
    known = by_keys(given)
    np.testing.assert_allclose(values_of(make.nodes[0]), known["167", "6"] - known["168", "6"], rtol=1e-6)
    found = plan([requirement(how=how)], Inventory.of(given[:1]))
    assert [keys["param"] for keys in found.waiting[0].missing] == ["168"]


@pytest.mark.parametrize(("kind", "param"), [("em", "167"), ("em", "207"), ("fc", "207")])
def test_all_steps_of_what_is_derived_are_those_of_what_it_is_made_of(kind, param):
    steps, params = ("0", "6", "12"), ("167", *WINDS)
    given = [one for param in params for step in steps for one in _ensemble(param=param, step=step)]
    given += fields(params, steps)
    stream = "enfo" if kind == "em" else "oper"
    asked = requirement(type=kind, param=param, step="all", stream=stream, file_name="{step}")
    assert {one.products[0].file_name for one in plan([asked], Inventory.of(given)).makes} == set(steps)


def test_all_steps_of_what_nobody_has_seen_are_waited_for():
    found = plan([requirement(type="em", param="207", step="all", file_name="x")], Inventory.of(fields()))
    assert [keys["step"] for keys in found.waiting[0].missing] == ["all"]


@pytest.mark.parametrize("derive", ["", "target"])
def test_a_derived_field_is_put_on_a_grid_before_or_after_it_is_made(derive):
    given = fields(WINDS, grid=Grid("O32"))
    how = PostProcessing(grid="10x10", derive=derive)
    (make,) = plan([requirement(param="207", step="6", how=how)], Inventory.of(given)).makes
    assert make.nodes[0].operation.name == ("regrid" if not derive else "formula")
    assert values_of(make.nodes[0]).shape == (19, 36)


def test_a_wind_on_a_turned_grid_may_be_derived_there():
    given = fields(WINDS, grid=Grid("O32"))
    hows = [PostProcessing(grid="10x10", rotation=(-40.0, 15.0), derive=derive) for derive in ("target", "")]
    asked = [requirement("speed", param="207", step="6", how=hows[0]),
             requirement("parts", param=list(WINDS), step="6", how=hows[1], file_name="parts")]  # fmt: skip
    found = {make.products[0].requirement.name: make for make in plan(asked, Inventory.of(given)).makes}
    (speed,), (east, north) = ([values_of(node) for node in found[name].nodes] for name in ("speed", "parts"))
    np.testing.assert_allclose(speed, np.hypot(east, north), rtol=1e-5)
