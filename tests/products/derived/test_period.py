"""Amounts and mean rates of periods, from what is accumulated."""

from __future__ import annotations

import numpy as np
import pytest

from dtedask.core.errors import ProductError
from dtedask.products import Nodes
from dtedask.products.derived import candidates, find
from tests.products.derived.given import description, given_node, made

HOUR = 3600


def amounts(*steps, param="228228", start=0, **keys):
    """Accumulations from the start: 1 an hour."""
    nodes = Nodes()
    return nodes, [
        given_node(nodes, param, float(step - start), step=step, interval=(start * HOUR, step * HOUR), **keys)
        for step in steps
    ]


def rate(keys, steps, *, number=0):
    wanted = description("235055", **keys).keys
    recipe = candidates(wanted)[number]
    inputs = recipe.inputs(wanted, {"step": [str(step) for step in steps]})
    return recipe, wanted, [one["step"] for one in inputs]


@pytest.mark.parametrize(
    ("step", "steps", "taken"),
    [
        ("24", (0, 6, 12, 18, 24, 30), ["24", "18"]),
        ("24", (24,), ["24"]),
        ("3", (3, 6), ["3"]),
        ("36", (12, 36), ["36", "12"]),
        ("12", (0, 12), ["12"]),
    ],
)
def test_a_rate_is_that_since_the_step_before(step, steps, taken):
    recipe, wanted, found = rate({"step": step}, steps)
    assert found == taken
    nodes, inputs = amounts(*(int(one) for one in found))
    node = recipe.make(nodes, wanted, inputs)
    np.testing.assert_allclose(made(node), 1 / HOUR, rtol=1e-12)
    before = int(taken[1]) if len(taken) > 1 else 0
    told = node.description
    assert (told.interval, told.step_type, told.units) == ((before * HOUR, int(step) * HOUR), "avg", "kg m**-2 s**-1")
    assert told.keys == {**wanted, "step": step}


def test_a_rate_of_metres_of_water_is_one_of_mass():
    recipe, wanted, found = rate({"step": "12"}, (6, 12), number=1)
    nodes, inputs = amounts(*map(int, found), param="228")
    np.testing.assert_allclose(made(recipe.make(nodes, wanted, inputs)), 1000 / HOUR, rtol=1e-12)


def test_radiation_in_joules_is_a_flux_in_watts():
    wanted = description("235035", step=12).keys
    nodes, inputs = amounts(12, 6, param="169")
    node = find(wanted).make(nodes, wanted, inputs)
    np.testing.assert_allclose(made(node), 1 / HOUR, rtol=1e-12)
    assert node.description.units == "W m**-2"


def test_a_field_that_covers_just_the_period_is_taken_alone():
    recipe, wanted, _ = rate({"step": "24"}, (18, 24))
    nodes = Nodes()
    later = given_node(nodes, "228228", 12.0, step=24, interval=(18 * HOUR, 24 * HOUR))
    before = given_node(nodes, "228228", 99.0, step=18, interval=(12 * HOUR, 18 * HOUR))
    node = recipe.make(nodes, wanted, [later, before])
    assert node.inputs == (later,)
    np.testing.assert_allclose(made(node), 2 / HOUR, rtol=1e-12)


def test_a_field_that_covers_another_period_is_refused():
    recipe, wanted, _ = rate({"step": "24"}, (12, 24))
    nodes, inputs = amounts(24, 12, start=6)
    with pytest.raises(ProductError, match="accumulated from 6 to 24, and the period begins at 12"):
        recipe.make(nodes, wanted, inputs)


def test_the_amount_of_a_timespan_is_a_difference():
    wanted = description("228228", step=30, timespan="6h").keys
    recipe = find(wanted)
    assert recipe.like(wanted) == {key: value for key, value in wanted.items() if key not in ("step", "timespan")}
    assert [one["step"] for one in recipe.inputs(wanted, {})] == ["30", "24"]
    nodes, inputs = amounts(30, 24)
    node = recipe.make(nodes, wanted, inputs)
    assert made(node).tolist() == np.full((19, 36), 6.0).tolist()
    assert node.description.interval == (24 * HOUR, 30 * HOUR)
    assert node.description.keys == wanted


def test_what_began_before_the_forecast_is_refused():
    wanted = description("228228", step=3, timespan="6h").keys
    with pytest.raises(ProductError, match="begins 6 hours before"):
        find(wanted).inputs(wanted, {})
    recipe, wanted, _ = rate({"step": "6"}, (6,))
    with pytest.raises(ProductError, match="0 hours before"):
        recipe.inputs({**wanted, "step": "0"}, {"step": ["0", "6"]})


def test_missing_points_of_either_end_are_missing():
    recipe, wanted, _ = rate({"step": "12"}, (6, 12))
    nodes, inputs = amounts(12, 6)
    later, before = np.full((19, 36), 5.0), np.full((19, 36), 2.0)
    later[0, 0] = before[1, 1] = np.nan
    found = recipe.make(nodes, wanted, inputs).operation(later, before)
    assert np.argwhere(np.isnan(found)).tolist() == [[0, 0], [1, 1]]
