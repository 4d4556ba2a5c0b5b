"""What results are called in GRIB: ecCodes takes each for what it is, and scanning gives the keys again."""

from __future__ import annotations

import eccodes
import numpy as np
import pytest

from dtedask.grib.encode import encode
from dtedask.grib.scan import describe
from dtedask.products import Nodes
from dtedask.products.derived import candidates, find
from dtedask.products.derived.book import book
from dtedask.request import parameter
from tests.products.derived.given import description, given_node, made

DAY = 86_400


def message_of(node):
    """The GRIB message of a node, as formats write it."""
    told = node.description
    return encode(made(node), told.keys, told.grid, attributes=told.attributes, interval=told.interval)


def said(message, *keys):
    """What ecCodes says of a message."""
    handle = eccodes.codes_new_from_message(message)
    try:
        return [eccodes.codes_get(handle, key) for key in keys]
    finally:
        eccodes.codes_release(handle)


def of_members(param, keys, *, interval=None, value=1.0, **more):
    nodes = Nodes()
    members = [
        given_node(nodes, param, value + number, type="pf", stream="enfo", number=number, interval=interval, **more)
        for number in range(5)
    ]
    param_id = keys.get("param", members[0].description.keys["param"])
    return find({"param": param_id, **keys}).make(nodes, keys, members)


@pytest.mark.parametrize("level", [{}, {"levtype": "pl", "levelist": 500}])
@pytest.mark.parametrize(
    ("keys", "template", "grib"),
    [
        ({"type": "em"}, 2, {"derivedForecast": 0, "numberOfForecastsInEnsemble": 5}),
        ({"type": "es"}, 2, {"derivedForecast": 4, "numberOfForecastsInEnsemble": 5}),
        ({"type": "pb", "quantile": "90:100"}, 86, {"quantileValue": 90, "totalNumberOfQuantiles": 100}),
        ({"type": "pb", "quantile": "1:3"}, 86, {"quantileValue": 1, "totalNumberOfQuantiles": 3}),
        ({"type": "ep", "above": "280 K"}, 5, {"probabilityType": 3, "scaledValueOfLowerLimit": 280}),
        ({"type": "ep", "at-most": "-3.5 degC"}, 5, {"probabilityType": 0, "scaledValueOfLowerLimit": 26965}),
        (
            {"type": "ep", "between": "1 K and 300 K"},
            5,
            {"probabilityType": 2, "scaledValueOfLowerLimit": 1, "scaledValueOfUpperLimit": 300},
        ),
    ],
)
def test_statistics_of_ensembles_are_products_of_their_own(keys, template, grib, level):
    param = "130" if level else "167"
    message = message_of(of_members(param, keys, **level))
    assert said(message, "paramId", "productDefinitionTemplateNumber") == [int(param), template]
    assert said(message, *grib) == list(grib.values())
    told = describe(message).keys
    assert "stattype" not in told
    assert (told["type"], told.get("quantile"), told.get("number")) == (keys["type"], keys.get("quantile"), None)


@pytest.mark.parametrize(
    ("keys", "template"),
    [
        ({"type": "em"}, 12),
        ({"type": "es"}, 12),
        ({"type": "pb", "quantile": "9:10"}, 87),
        ({"type": "ep", "above": "3 mm"}, 9),
    ],
)
def test_statistics_of_accumulations_keep_their_interval(keys, template):
    message = message_of(of_members("228228", keys, interval=(0, DAY)))
    asked = ("paramId", "productDefinitionTemplateNumber", "stepRange", "stepType")
    assert said(message, *asked) == [228228, template, "0-24", "accum"]


@pytest.mark.parametrize("param", [*book().probabilities])
def test_a_probability_with_a_parameter_of_its_own_is_that_in_eccodes(param):
    recipe = book().probabilities[param][0]
    member = recipe.members[-1]
    is_mean = parameter(member).short_name == "avg_tprate"
    is_statistic = is_mean or member in ("228228", "49")
    node = of_members(member, {"type": "ep", "param": param}, interval=(0, DAY) if is_statistic else None)
    assert node.description.keys["param"] == param
    message = message_of(node)
    assert said(message, "paramId", "units") == [int(param), "%"]


@pytest.mark.parametrize(
    ("param", "inputs"),
    [
        ("10si", "10u 10v"),
        ("10wdir", "10u 10v"),
        ("2r", "2d 2t"),
        ("2d", "2r 2t"),
        ("2sh", "2d sp"),
        ("100si", "100u 100v"),
    ],
)
def test_derived_surface_fields_are_what_they_are_in_eccodes(param, inputs):
    wanted = description(param).keys
    nodes = Nodes()
    node = find(wanted).make(nodes, wanted, [given_node(nodes, name, 280.0) for name in inputs.split()])
    message = message_of(node)
    assert said(message, "shortName", "units") == [param, parameter(param).units]
    assert describe(message).keys == wanted
    assert describe(message).standard_name in ("", node.description.standard_name)
    assert node.description.standard_name


@pytest.mark.parametrize(
    ("param", "inputs"),
    [("10", "u v"), ("3031", "u v"), ("157", "t 133"), ("133", "157 t"), ("3017", "133"), ("156", "z"), ("3", "t")],
)
def test_derived_fields_on_levels_are_what_they_are_in_eccodes(param, inputs):
    wanted = description(param, levtype="pl", levelist=850).keys
    nodes = Nodes()
    level = {"levtype": "pl", "levelist": 850}
    given = [given_node(nodes, name, 0.01 if name == "133" else 280.0, **level) for name in inputs.split()]
    node = find(wanted).make(nodes, wanted, given)
    message = message_of(node)
    assert said(message, "paramId", "units", "level") == [int(param), parameter(param).units, 850]
    assert describe(message).keys == wanted
    assert describe(message).standard_name in ("", node.description.standard_name)
    assert node.description.standard_name


def test_the_thickness_of_a_layer_bears_the_level_at_its_top():
    wanted = description("260077", levtype="pl", levelist=500).keys
    nodes = Nodes()
    given = [given_node(nodes, "z", value, levtype="pl", levelist=level) for value, level in ((54e3, 500), (1e3, 1000))]
    node = find(wanted).make(nodes, wanted, given)
    np.testing.assert_allclose(made(node), 53e3 / 9.80665)
    assert describe(message_of(node)).keys == wanted


@pytest.mark.parametrize(
    ("param", "accumulation"), [("235055", "228228"), ("235035", "169"), ("235033", "146"), ("235031", "228144")]
)
@pytest.mark.parametrize("member", [{}, {"type": "pf", "stream": "enfo", "number": "3"}])
def test_a_mean_rate_is_an_average_over_its_period(param, accumulation, member):
    wanted = description(param, step=24, **member).keys
    nodes = Nodes()
    given = [
        given_node(nodes, accumulation, float(step), step=step, interval=(0, 3600 * step), **member)
        for step in (24, 18)
    ]
    message = message_of(find(wanted).make(nodes, wanted, given))
    assert said(message, "paramId", "stepRange", "stepType") == [int(param), "18-24", "avg"]
    assert describe(message).keys == wanted


def test_the_amount_of_a_timespan_is_an_accumulation_over_it():
    wanted = description("228228", step=24, timespan="6h").keys
    nodes = Nodes()
    given = [given_node(nodes, "228228", float(step), step=step, interval=(0, 3600 * step)) for step in (24, 18)]
    message = message_of(find(wanted).make(nodes, wanted, given))
    assert said(message, "paramId", "stepRange", "stepType") == [228228, "18-24", "accum"]


def test_all_mean_rates_are_found():
    for rate, accumulations in book().rates.items():
        found = candidates({"param": rate, "type": "fc", "step": "24"})
        assert [one.accumulation for one in found if hasattr(one, "accumulation")] == list(accumulations)
