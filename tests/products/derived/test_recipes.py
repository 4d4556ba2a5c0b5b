"""Parameters by recipe: what they are made of, and that numpy makes the same."""

from __future__ import annotations

import re

import dask.config
import numpy as np
import pytest

from dtedask.core.errors import DocumentError, ProductError
from dtedask.core.registry import Registry
from dtedask.geo.vertical import HybridLevels
from dtedask.products import Nodes
from dtedask.products.derived import book as book_module
from dtedask.products.derived import candidates, find
from dtedask.products.derived.book import book
from dtedask.products.derived.ensemble import OfMembers
from dtedask.products.derived.functions import FUNCTIONS
from dtedask.products.derived.thermodynamics import (
    dew_point,
    relative_humidity,
    saturation_over_water,
    saturation_vapour_pressure,
    specific_humidity,
    vapour_pressure,
    wind_chill,
)
from dtedask.request import parameter
from tests.products.derived.given import description, given_node, made

RANDOM = np.random.default_rng(11)
SHAPE = (19, 36)
NORMAL = {
    **dict.fromkeys(("10u", "10v", "100u", "100v", "200u", "200v"), (0, 8)),
    **dict.fromkeys(("u", "v"), (0, 30)),
    "2t": (275, 15),
    "t": (255, 15),
    "2d": (268, 10),
    "sp": (98_000, 2e3),
    "z": (50_000, 1e3),
    "gh": (5_000, 1e2),
}
UNIFORM = {"q": (1e-5, 5e-3), "2sh": (1e-4, 1e-2), "r": (5, 99), "2r": (5, 99), "10si": (0, 20)}
FIELDS = {name: RANDOM.normal(*moments, SHAPE) for name, moments in NORMAL.items()}
FIELDS |= {name: RANDOM.uniform(*ends, SHAPE) for name, ends in UNIFORM.items()}
LEVEL = {"levtype": "pl", "levelist": "500"}


def direction(u, v):
    return np.degrees(np.arctan2(u, v)) + 180


def derived(param, *, number=0, **keys):
    """What a recipe gives, made of `FIELDS`; and the names of the fields that it takes."""
    wanted = description(param, **keys).keys
    recipe = candidates(wanted)[number]
    nodes = Nodes()
    inputs = recipe.inputs(wanted, {})
    known = [parameter(one["param"]).short_name for one in inputs]
    values = [
        FIELDS[name] - (1000 if one.get("levelist") == "1000" else 0) for name, one in zip(known, inputs, strict=True)
    ]
    given = [
        given_node(nodes, one["param"], array, **{key: value for key, value in one.items() if key != "param"})
        for one, array in zip(inputs, values, strict=True)
    ]
    return recipe.make(nodes, wanted, given), known


@pytest.mark.parametrize(
    ("param", "keys", "number", "expected"),
    [
        ("10si", {}, 0, lambda f: np.sqrt(f["10u"] ** 2 + f["10v"] ** 2)),
        ("100si", {}, 0, lambda f: np.sqrt(f["100u"] ** 2 + f["100v"] ** 2)),
        ("200si", {}, 0, lambda f: np.sqrt(f["200u"] ** 2 + f["200v"] ** 2)),
        ("10", LEVEL, 0, lambda f: np.sqrt(f["u"] ** 2 + f["v"] ** 2)),
        ("10wdir", {}, 0, lambda f: direction(f["10u"], f["10v"])),
        ("3031", LEVEL, 0, lambda f: direction(f["u"], f["v"])),
        ("2r", {}, 0, lambda f: 100 * saturation_over_water(f["2d"]) / saturation_over_water(f["2t"])),
        ("2r", {}, 1, lambda f: 100 * vapour_pressure(f["2sh"], f["sp"]) / saturation_over_water(f["2t"])),
        ("2d", {}, 0, lambda f: dew_point(f["2r"] / 100 * saturation_over_water(f["2t"]))),
        ("2d", {}, 1, lambda f: dew_point(vapour_pressure(f["2sh"], f["sp"]))),
        ("2sh", {}, 0, lambda f: specific_humidity(saturation_over_water(f["2d"]), f["sp"])),
        ("157", LEVEL, 0, lambda f: relative_humidity(f["t"], f["q"], 50_000)),
        ("133", LEVEL, 0, lambda f: specific_humidity(f["r"] / 100 * saturation_vapour_pressure(f["t"]), 50_000)),
        ("dpt", LEVEL, 0, lambda f: dew_point(vapour_pressure(f["q"], 50_000))),
        ("dpt", LEVEL, 1, lambda f: dew_point(f["r"] / 100 * saturation_vapour_pressure(f["t"]))),
        ("156", LEVEL, 0, lambda f: f["z"] / 9.80665),
        ("129", LEVEL, 0, lambda f: f["gh"] * 9.80665),
        ("260077", LEVEL, 0, lambda _: np.full(SHAPE, 1000 / 9.80665)),
        ("260077", LEVEL, 1, lambda _: np.full(SHAPE, 1000.0)),
        ("3", LEVEL, 0, lambda f: f["t"] * 2 ** (2 / 7)),
        ("260005", {}, 0, lambda f: wind_chill(f["2t"], np.hypot(f["10u"], f["10v"]))),
        ("260005", {}, 1, lambda f: wind_chill(f["2t"], f["10si"])),
    ],
)
def test_a_recipe_gives_what_numpy_gives(param, keys, number, expected):
    node, _ = derived(param, number=number, **keys)
    np.testing.assert_allclose(made(node), expected(FIELDS), rtol=1e-11)
    wanted = description(param, **keys)
    assert (node.description.keys, node.description.units) == (wanted.keys, wanted.units)
    assert node.description.short_name == wanted.short_name


def test_every_recipe_of_the_package_is_tried_here():
    tried = {"10si", "100si", "200si", "ws", "10wdir", "wdir", "2r", "2d", "2sh", "r", "q", "dpt", "gh", "z", "thick"}
    tried |= {"pt", "wcf", "tp"}
    assert {parameter(param).short_name for param in book().formulas} == tried


def test_a_field_that_is_not_wanted_on_pressure_levels_has_no_recipe_there():
    assert find(description("157", levtype="ml", levelist=100).keys) is None
    assert find(description("2t").keys) is None


@pytest.mark.parametrize(
    ("result", "parts", "factor"),
    [
        ("228228", ("228143", "3062"), 1),
        ("228", ("143", "142"), 1),
        ("228", ("228228",), 1e-3),
        ("228228", ("228",), 1e3),
    ],
)
def test_precipitation_is_the_sum_of_its_kinds_or_the_same_in_other_units(result, parts, factor):
    wanted = description(result).keys
    recipe = next(one for one in candidates(wanted) if tuple(key["param"] for key in one.inputs(wanted, {})) == parts)
    nodes = Nodes()
    node = recipe.make(nodes, wanted, [given_node(nodes, one, float(place + 1)) for place, one in enumerate(parts)])
    np.testing.assert_allclose(made(node), sum(range(1, len(parts) + 1)) * factor)
    assert node.description.keys["param"] == result


def test_the_mean_direction_is_that_of_the_mean_wind():
    keys = description("10wdir", type="em").keys
    assert [(one["type"], one["param"]) for one in find(keys).inputs(keys, {})] == [("em", "165"), ("em", "166")]
    with pytest.raises(ProductError, match="lie on a circle"):
        find({**keys, "type": "es"})


def test_the_mean_of_speeds_is_made_of_the_speeds_of_members():
    keys = description("10si", type="em").keys
    recipe = find(keys)
    assert isinstance(recipe, OfMembers)
    assert {one["param"] for one in recipe.inputs(keys, {"number": ("0", "1")})} == {"207"}


def test_a_probability_has_the_parameter_that_it_has_of_its_own():
    by_name = find({"param": "131063", "type": "ep"})
    assert (by_name.statistic.compare, by_name.statistic.limits, by_name.param) == ("at-least", ("20 mm",), "228")
    assert [one.param for one in candidates({"param": "131063", "type": "ep"})] == ["228", "228228"]
    for param, limit in (("228228", "20 mm"), ("228228", "2 cm"), ("228228", "20"), ("228", "0.02"), ("228", "20 mm")):
        assert find({"param": param, "type": "ep", "at-least": limit}).statistic.param == "131063"
    for other in ({"at-least": "21 mm"}, {"below": "20 mm"}, {"between": "10 mm and 20 mm"}):
        assert find({"param": "228228", "type": "ep", **other}).statistic.param == ""


def test_recipes_of_the_user_come_first(tmp_path):
    path = tmp_path / "recipes.yaml"
    path.write_text(
        "recipes:\n  - {param: 10si, formula: 'sqrt(10u^2 + 10v^2)', where: {class: [od, rd]}}\n"
        "probabilities:\n  - {param: 131074, of: 3100, above: 2 m}\n"
    )
    with dask.config.set({"dtedask.products.recipes": [str(path)]}):
        assert [one.formula for one in candidates(description("10si").keys)] == [
            "sqrt(10u^2 + 10v^2)",
            "hypot(10u, 10v)",
        ]
        assert len(candidates({**description("10si").keys, "class": "ea"})) == 1
        assert find({"param": "131074", "type": "ep"}).param == "3100"
    assert len(candidates(description("10si").keys)) == 1


def test_humidity_on_model_levels_is_a_recipe_that_says_which_levels(tmp_path):
    path = tmp_path / "recipes.yaml"
    pressure = "pressure_on_l137(exp(lnsp[levelist=1]) * 1 Pa, {levelist})"
    path.write_text(f"recipes: [{{param: r, formula: 'relative_humidity(t, q, {pressure})', where: {{levtype: ml}}}}]")
    wanted = description("157", levtype="ml", levelist=96).keys
    with dask.config.set({"dtedask.products.recipes": [str(path)]}):
        recipe = find(wanted)
    inputs = recipe.inputs(wanted, {})
    assert [(one["param"], one["levelist"]) for one in inputs][2] == ("lnsp", "1")
    nodes = Nodes()
    surface = FIELDS["sp"]
    values = [FIELDS["t"], FIELDS["q"], np.log(surface)]
    given = [
        given_node(nodes, param, array, levtype="ml", levelist=level)
        for param, array, level in zip(("130", "133", "152"), values, (96, 96, 1), strict=True)
    ]
    node = recipe.make(nodes, wanted, given)
    expected = relative_humidity(FIELDS["t"], FIELDS["q"], HybridLevels.named("L137").full_pressure(surface)[95])
    np.testing.assert_allclose(made(node), expected, rtol=1e-11)
    assert node.description.keys == wanted


PACKAGED = {"recipes": [{"param": "10si", "formula": "10u * 1"}]}


def test_recipes_of_installed_packages_come_before_our_own(monkeypatch):
    monkeypatch.setattr(book_module, "_PACKAGES", Registry("recipes", "none", {"mine": f"{__name__}:PACKAGED"}))
    book_module._book.cache_clear()
    try:
        assert [one.formula for one in candidates(description("10si").keys)] == ["10u * 1", "hypot(10u, 10v)"]
    finally:
        book_module._book.cache_clear()


def test_the_page_of_formulas_names_every_function(repository):
    page = (repository / "docs" / "reference" / "formulas.md").read_text("utf-8")
    assert all(re.search(rf"`{name}[`(]", page) for name in FUNCTIONS)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{param: 10si, formula: 'hypot(10u, 10v'}", "recipes.yaml:2: .*column 15"),
        ("{param: 10si, formula: 'hypot(10u, frob)'}", "Unknown parameter 'frob'"),
        ("{param: frob, formula: '10u'}", "Unknown parameter 'frob'"),
        ("{param: 10si, formula: '10u', wher: {}}", "wher.*Did you mean 'where'"),
        ("{param: 10si, formula: '10u', where: {frobtype: pl}}", "frobtype"),
    ],
)
def test_a_document_that_is_wrong_is_named_by_file_and_line(tmp_path, line, message):
    path = tmp_path / "recipes.yaml"
    path.write_text(f"recipes:\n  - {line}\n")
    with dask.config.set({"dtedask.products.recipes": [str(path)]}), pytest.raises(DocumentError, match=message):
        find(description("10si").keys)


def test_a_probability_without_a_limit_is_refused(tmp_path):
    path = tmp_path / "recipes.yaml"
    path.write_text("probabilities:\n  - {param: 131074, of: 3100}\n")
    with dask.config.set({"dtedask.products.recipes": [str(path)]}), pytest.raises(DocumentError, match="no limit"):
        find(description("10si").keys)
