"""Formulas give what numpy gives in float64, in the units that they say."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtedask.core.errors import ProductError
from dtedask.products import Nodes
from dtedask.products.derived import apply_formula, formula_inputs
from dtedask.products.derived.checked import typed
from dtedask.products.derived.parser import parse_formula
from dtedask.products.derived.tree import Binary, Itself, names_in, written
from dtedask.products.requirement import Formula
from tests.products.derived.given import description, given_node, made
from tests.products.derived.test_parser import TREES


def result(text, param="2t", values=None, *, others=None, result_param="", **said):
    """The node of a formula over fields in memory."""
    nodes = Nodes()
    field = given_node(nodes, param, values, **said)
    found = {name: given_node(nodes, name.strip("'"), one, **said) for name, one in (others or {}).items()}
    return apply_formula(nodes, Formula(text, param=result_param), field, found.__getitem__)


VALUES = np.random.default_rng(7).normal(280, 20, (19, 36))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("f - 273.15", lambda f: f - 273.15),
        ("f * 2 + 1", lambda f: f * 2 + 1),
        ("-f", lambda f: -f),
        ("f / 2 / 4", lambda f: f / 2 / 4),
        ("f * f / f", lambda f: f * f / f),
        ("sqrt(f ^ 2)", lambda f: np.sqrt(f**2)),
        ("(f ^ 2) ^ 0.5", lambda f: (f**2) ** 0.5),
        ("max(f, 280)", lambda f: np.maximum(f, 280)),
        ("min(f, 280, 270 K)", lambda f: np.minimum(f, 270)),
        ("clip(f, 270, 0 degC)", lambda f: np.clip(f, 270, 273.15)),
        ("where(f > 0 degC, f, 0 degC)", lambda f: np.where(f > 273.15, f, 273.15)),
        ("f * exp(f / 300 K)", lambda f: f * np.exp(f / 300)),
        ("f * (f > 280)", lambda f: f * (f > 280)),
        ("f * (f > 270 and f < 290)", lambda f: f * ((f > 270) & (f < 290))),
        ("f * (f < 270 or not f < 290)", lambda f: f * ((f < 270) | (f >= 290))),
        ("f * sin(30 degrees)", lambda f: f * np.sin(np.radians(30))),
        ("f + 1000 mK", None),
        ("mean(f, 300 K) + round(f)", lambda f: (f + 300) / 2 + np.floor(f + 0.5)),
        ("ceil(f) - floor(f)", lambda f: np.ceil(f) - np.floor(f)),
        ("hypot(f, 3)", lambda f: np.hypot(f, 3)),
        ("f * log10(number(f)) * log2(8) * log(number(f))", lambda f: f * np.log10(f) * 3 * np.log(f)),
        ("f * atan2(f, 3 K)", lambda f: f * np.arctan2(f, 3)),
        ("f * number(acos(0.5) + 2 * asin(0.5) + tan(atan(1)))", lambda f: f * (np.pi * 2 / 3 + 1)),
        ("f * abs(sign(f - 280)) + mod(f, 7)", lambda f: f * np.abs(np.sign(f - 280)) + np.mod(f, 7)),
    ],
)  # fmt: skip
def test_a_formula_gives_what_numpy_gives(text, expected):
    node = result(text, values=VALUES)
    wanted = VALUES + 1 if expected is None else expected(VALUES)
    np.testing.assert_allclose(made(node), wanted, rtol=1e-14)


@pytest.mark.slow
@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e3), st.integers(1, 50_000))
def test_any_number_of_points_is_done_block_by_block(shift, factor, points):
    values = np.linspace(200, 300, points)
    operation = result(f"f * {factor!r} + ({shift!r})").operation
    assert np.array_equal(operation(values), values * factor + shift)


def test_fields_of_float32_are_reckoned_in_float64_and_rounded_once():
    values = VALUES.astype("float32")
    found = made(result("(f + 1e9) - 1e9", values=values))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, values, atol=2e-7 * 300)


def test_wind_speed_takes_two_other_fields():
    u, v = VALUES - 280, VALUES[::-1] - 275
    node = result("sqrt(10u^2 + 10v^2)", "10u", u, others={"10u": u, "10v": v}, result_param="207")
    assert [one.description.short_name for one in node.inputs] == ["10u", "10v"]
    np.testing.assert_allclose(made(node), np.hypot(u, v), rtol=1e-14)
    assert (node.description.short_name, node.description.units) == ("10si", "m s**-1")
    assert node.description.keys == description("10si").keys


def test_missing_points_stay_missing_and_what_is_no_number_becomes_missing():
    values = np.array([[np.nan, 0.0, -1.0, 4.0]])
    operation = result("f * 1 / f", result_param="999999").operation
    assert np.array_equal(np.isnan(operation(values)), [[True, True, False, False]])
    assert np.array_equal(np.isnan(result("f * (f > 0)").operation(values)), [[True, False, False, False]])
    assert np.array_equal(result("if_missing(f, 7)").operation(values), [[7, 0, -1, 4]])
    assert np.array_equal(result("where(is_missing(f), 9 K, f)").operation(values), [[9, 0, -1, 4]])
    root = result("sqrt(f) * sqrt(1 K)").operation(values)
    assert np.array_equal(root, [[np.nan, 0, np.nan, 2]], equal_nan=True)


def test_the_argument_stays_as_it_is_and_the_operation_travels():
    operation = pickle.loads(pickle.dumps(result("f - 273.15").operation))
    values = VALUES.copy()
    first = operation(values)
    assert np.array_equal(values, VALUES)
    assert np.array_equal(first, VALUES - 273.15)


def test_equal_formulas_are_one_node():
    nodes = Nodes()
    field = given_node(nodes, "2t", VALUES)
    one, other = (apply_formula(nodes, Formula(text), field, {}.__getitem__) for text in ("f*2+1", "(f * 2) + 1.0"))
    assert one is other
    assert one.key != apply_formula(nodes, Formula("f*2+2"), field, {}.__getitem__).key


@pytest.mark.parametrize(
    ("text", "param", "factor"),
    [
        ("'228' > 20 mm", "228", 0.02),
        ("f > 20 kg m**-2", "228", 0.02),
        ("f > 2 cm", "228228", 20),
        ("f > 72 km h**-1", "10u", 20),
        ("f > 10 knots", "10u", 10 * 1852 / 3600),
        ("f > 1000 hPa", "msl", 1e5),
        ("f > 50 %", "r", 50),
        ("f > 0.5 [1]", "r", 50),
        ("f > 10 degC", "2t", 283.15),
        ("10 degC < f", "2t", 283.15),
        ("f - 10 degC > 0", "2t", 283.15),
        ("f > 5 W h m**-2", "ssrd", 18000),
    ],
)
def test_numbers_with_units_are_compared_in_those_of_the_field(text, param, factor):
    values = np.array([[0.5, 0.999999, 1.000001, 2.0]]) * factor
    node = result(text, param, others={"'228'": values} if "'" in text else None, result_param="999999")
    assert np.array_equal(node.operation(values), [[0, 0, 1, 1]])


def test_what_a_field_is_measured_in_may_differ_from_what_its_parameter_is():
    celsius = result("f - 10 degC > 0", values=VALUES, units="degC", result_param="999999")
    assert np.array_equal(made(celsius), VALUES > 10)
    same = result("f", values=VALUES, units="degC")
    assert same.description.units == "degC"
    np.testing.assert_allclose(made(same), VALUES, rtol=1e-14)


def test_the_result_is_made_to_what_its_parameter_is_measured_in():
    np.testing.assert_allclose(made(result("f", "228", VALUES, result_param="228228")), VALUES * 1000)
    np.testing.assert_allclose(made(result("f / 9.80665 m s**-2", "129", VALUES, result_param="156")), VALUES / 9.80665)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("f + 20 mm", "column 3: mm does not fit K"),
        ("f > 20 m s**-1", "does not fit K"),
        ("exp(f)", "K does not fit 1"),
        ("f ^ f", "K does not fit 1"),
        ("f + 5 degC", "cannot be added"),
        ("f * 5 degC", "makes no sense"),
        ("f + 10u", "m s\\*\\*-1 does not fit K"),
        ("f ^ 2", "gives K\\*\\*2, and its result 2t \\(167\\) is measured in K"),
        ("f > 280", "gives a number without a unit, and its result 2t"),
        ("2 + 3", "takes no field"),
        ("f ^ 40", "cannot be raised"),
        ("pressure_on_l137(1000 hPa, 138) / 1 Pa * f", "column 1: There is no level 138"),
        ("pressure_on_l91(1000 hPa, number(f)) / 1 Pa * f", "takes a number, and no field"),
    ],
)
def test_units_that_do_not_fit_are_refused_before_anything_is_read(text, message):
    with pytest.raises(ProductError, match=message):
        result(text, others={"10u": VALUES})


@pytest.mark.slow
@given(TREES, st.data())
def test_any_formula_over_fields_of_any_units_runs_or_is_one_clear_error(tree, data):
    text = written(Binary("+", Itself(), tree))
    names = dict.fromkeys(names_in(parse_formula(text)))
    units = {
        name: data.draw(st.sampled_from(["K", "m s**-1", "kg m**-2", "m", "%", "", "~", "degC"])) for name in names
    }
    try:
        ready = typed(parse_formula(text), text, units)
    except ProductError:
        return
    with np.errstate(all="ignore"):
        found = ready.run([np.linspace(-3, 300, 7) for _ in names])
    assert np.shape(found) == (7,)
    assert ready.flops >= 1


def test_a_conversion_by_hand_is_not_done_twice():
    with pytest.raises(ProductError, match="done twice"):
        result("f * 1000", "228", VALUES, result_param="228228")
    with pytest.raises(ProductError, match="done twice"):
        result("f - 273.15", "2t", VALUES, units="degC", result_param="167")


def test_fields_on_two_grids_are_refused_by_name():
    nodes = Nodes()
    one, other = given_node(nodes, "10u"), given_node(nodes, "10v", grid="5/5")
    with pytest.raises(ProductError, match="two grids: 10u \\(165\\) on 10x10 and 10v \\(166\\) on 5x5"):
        apply_formula(nodes, Formula("hypot(f, 10v)"), one, {"10v": other}.__getitem__)


def test_names_in_brackets_are_other_levels_and_steps():
    keys = description("z", levtype="pl", levelist=1000).keys
    found = formula_inputs("z[levelist=500] - f + tp[step=-6]", keys)
    assert [name for name, _ in found] == ["z[levelist=500]", "tp[step=-6]"]
    assert found[0][1] == {**keys, "param": found[0][1]["param"], "levelist": "500"}
    assert found[1][1]["step"] == "18"
    with pytest.raises(ProductError, match="before the start"):
        formula_inputs("tp[step=-48]", keys)


def test_the_result_has_the_keys_of_the_field_itself():
    nodes = Nodes()
    low = given_node(nodes, "z", VALUES, levtype="pl", levelist=1000)
    high = given_node(nodes, "z", VALUES + 5, levtype="pl", levelist=500)
    node = apply_formula(nodes, Formula("z[levelist=500] - f"), low, {"z[levelist=500]": high}.__getitem__)
    assert node.description.keys == low.description.keys
    np.testing.assert_allclose(made(node), 5, rtol=1e-12)


def test_harmonics_take_linear_formulas_only():
    node = result("2 * f - f / 4", "z", 1.0, grid="T63")
    np.testing.assert_allclose(made(node), 1.75)
    for text in ("f + 1 m**2 s**-2", "f * f / f", "max(f, f)"):
        with pytest.raises(ProductError, match="not linear"):
            result(text, "z", 1.0, grid="T63")
