"""Against the real MIR: the same formulas on the same fields, at all five points."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dtedask.core.errors import ProductError
from dtedask.geo.spectral.coefficients import wavenumbers
from dtedask.grib import decode, encode, scan
from dtedask.products import Nodes, PostProcessing
from dtedask.products.derived import apply_formula
from dtedask.products.derived.tree import Binary, Call, Itself, Number, Unary, written
from dtedask.products.operations.chain import post_processed
from dtedask.products.requirement import Formula
from tests.products.derived.given import given_node, made

pytestmark = pytest.mark.slow
POINTS = ("prologue", "raw", "gridded", "epilogue")
# Cloud cover has no unit, so that every function takes it.
VALUES = np.random.default_rng(5).uniform(0.05, 0.95, (19, 36)).astype("float32")


@pytest.fixture(scope="module")
def mir_of(tmp_path_factory):
    """What MIR makes of a node's field: values and paramId."""
    mir = pytest.importorskip("mir")
    folder = tmp_path_factory.mktemp("mir")

    def run(field, **keywords):
        job, told = mir.Job(), field.description
        for key, value in {"packing": "ieee", **keywords}.items():
            job.set(key.replace("__", ".").replace("_", "-"), value)
        source, target = folder / "in.grib", folder / "out.grib"
        source.write_bytes(encode(made(field), told.keys, told.grid, packing="grid_ieee", bits_per_value=24))
        job.execute(mir.GribFileInput(str(source)), mir.GribFileOutput(str(target)))
        (message,) = scan(target.read_bytes())
        return decode(message.read(), message.field.order, dtype="float64"), message.field.keys["param"]

    return run


def ours(nodes, field, text, *, at="gridded", param="", **how):
    """What we make of it."""
    wanted = PostProcessing(formulas=(Formula(text, at=at, param=param),), **how)

    def formula(nodes, formula, field, _brought):
        return apply_formula(nodes, formula, field, {}.__getitem__)

    return made(post_processed(nodes, wanted, field, formula=formula))


FORMULAS = [
    "f * 2 + 1",
    "1 - f",
    "f - 1 - 1",
    "f / 2 / 2",
    "(f + 1) ^ 2",
    "2 ^ f",
    "sqrt(f) + abs(-f)",
    "exp(f) * log(f)",
    "log10(f) - log2(f)",
    "sin(f) + cos(f) * tan(f)",
    "asin(f) + acos(f) - atan(f)",
    "atan2(f, 0.3)",
    "max(f, 0.5) - min(f, 0.25)",
    "f > 0.5",
    "(f < 0.5) + (f >= 0.25) + (f <= 0.75)",
    "f = f",
    "f * (f > 0.5)",
    "round(10 * f)",
    "pow(f, 3)",
    "neg(f)",
    "and(f > 0.25, f < 0.75)",
    "or(f < 0.25, f > 0.75)",
    "not(f > 0.5)",
    "1e2 * f + 1.5e-3",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_gives_what_it_gives_in_mir(text, mir_of):
    nodes = Nodes()
    field = given_node(nodes, "164", VALUES)
    expected, _ = mir_of(field, formula__epilogue=text)
    np.testing.assert_allclose(ours(nodes, field, text), expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("at", POINTS)
@pytest.mark.parametrize("how", [{"grid": "15/15"}, {"grid": "15/15", "area": (70.0, 0.0, 10.0, 60.0)}, {}], ids=str)
def test_a_formula_acts_where_it_acts_in_mir(at, how, mir_of):
    nodes = Nodes()
    field = given_node(nodes, "164", VALUES)
    area = {"area": "/".join(map(str, how["area"]))} if "area" in how else {}
    keywords = {**({"grid": how["grid"], "interpolation": "structured-bilinear"} if "grid" in how else {}), **area}
    expected, _ = mir_of(field, **{f"formula__{at}": "f * f + f"}, **keywords)
    found = ours(nodes, field, "f * f + f", at=at, **how, **({"interpolation": "bilinear"} if "grid" in how else {}))
    np.testing.assert_allclose(found, expected, rtol=3e-6)


@pytest.mark.parametrize("text", ["f * 2", "f / 4 - f", "-f + 3 * f"])
def test_harmonics_take_a_linear_formula_as_in_mir(text, mir_of):
    (total, zonal), nodes = wavenumbers(63), Nodes()
    # A smooth field: the two cut what a grid cannot carry in different ways.
    values = np.random.default_rng(2).normal(0, 100, (total.size, 2)) * (total <= 14)[:, None]
    values[zonal == 0, 1] = 0
    field = given_node(nodes, "z", values.ravel(), grid="T63", levtype="pl", levelist=500)
    way = {"grid": "5/5", "intgrid": "none", "truncation": "none"}
    expected, _ = mir_of(field, formula__spectral=text, interpolation="structured-bilinear", **way)
    found = ours(nodes, field, text, at="spectral", interpolation="bilinear", **way)
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


def test_the_parameter_of_the_result_is_that_of_the_metadata(mir_of):
    nodes = Nodes()
    field = given_node(nodes, "z", 100 * VALUES, levtype="pl", levelist=500)
    keywords = {"formula__epilogue": "f / 9.80665", "formula__epilogue__metadata": "paramId=156"}
    expected, param = mir_of(field, **keywords)
    node = apply_formula(nodes, Formula("f / 9.80665 m s**-2", param="156"), field, {}.__getitem__)
    assert node.description.keys["param"] == param == "156"
    np.testing.assert_allclose(made(node), expected, rtol=1e-6)


def test_missing_points_stay_missing_as_in_mir(mir_of):
    nodes = Nodes()
    field = given_node(nodes, "164", np.where(VALUES > 0.8, np.nan, VALUES))
    for text in ("f + 1", "f > 0.5", "max(f, 0.5)", "not(f)", "and(f, f > 0.5)"):
        expected, _ = mir_of(field, formula__epilogue=text)
        np.testing.assert_allclose(ours(nodes, field, text), expected, rtol=1e-6)


@pytest.mark.parametrize("text", ["-f^2", "2^f^2", "0.2 < f < 0.5"])
def test_what_mir_reads_otherwise_than_mathematics_is_refused(text):
    nodes = Nodes()
    with pytest.raises(ProductError, match="in two ways|two comparisons"):
        ours(nodes, given_node(nodes, "164", VALUES), text)


NUMBERS = st.builds(Number, st.sampled_from([0.5, 1.0, 2.0, 3.0, 0.1, 10.0]))
TREES = st.recursive(
    st.one_of(st.just(Itself()), NUMBERS),
    lambda trees: st.one_of(
        st.builds(Unary, st.just("-"), trees),
        st.builds(Binary, st.sampled_from(["+", "-", "*", "/", "<", ">", "<=", ">="]), trees, trees),
        st.builds(lambda tree: Call("sqrt", (Call("abs", (tree,)),)), trees),
        st.builds(lambda one, other: Call("max", (one, other)), trees, trees),
        st.builds(lambda one, other: Call("min", (one, other)), trees, trees),
        st.builds(lambda tree: Call("sin", (tree,)), trees),
    ),
    max_leaves=8,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(TREES)
def test_any_formula_that_both_read_gives_the_same(mir_of, tree):
    text = written(Binary("+", Itself(), tree))
    nodes = Nodes()
    field = given_node(nodes, "164", VALUES)
    found = ours(nodes, field, text)
    if not np.isfinite(found).all() or np.abs(found).max() > 1e6:
        return  # a division by 0 is missing here, and inf in MIR
    expected, _ = mir_of(field, formula__epilogue=text)
    apart = np.abs(found - expected) > 1e-5 * (1 + np.abs(expected))
    assert math.isclose(apart.mean(), 0, abs_tol=0.01), text  # points on the edge of a comparison
