"""Real fields: what is derived of them is what numpy makes of their values as ecCodes decodes them."""

from __future__ import annotations

import eccodes
import numpy as np
import pytest

from dtedask.grib import decode, scan
from dtedask.grib.encode import encode
from dtedask.products import Nodes
from dtedask.products.derived import apply_formula, find
from dtedask.products.derived.thermodynamics import dew_point, saturation_vapour_pressure, specific_humidity
from dtedask.products.requirement import Formula
from dtedask.request.parameters import accepted_ids
from tests.products.derived.given import made
from tests.products.operations.fields import Given


@pytest.fixture
def fields_of(grib_folder):
    """All fields of a file, by the values of some of their keys."""

    def read(nodes, name, *keys):
        found = {}
        for message in scan((grib_folder / name).read_bytes()):
            values = decode(message.read(), message.field.order, dtype="float64")
            place = tuple(message.field.keys.get(key, "") for key in keys)
            found[place] = nodes.make(Given(message.field, values))
        return found

    return read


def derive(nodes, node, param, by_keys, **changed):
    """Derive a parameter beside a field, from those of a file."""
    wanted = {**node.description.keys, "param": param, **changed}
    recipe = find(wanted)
    inputs = [
        next(
            by_keys[place] for param in ids_of(one["param"]) if (place := place_of({**one, "param": param})) in by_keys
        )
        for one in recipe.inputs(wanted, {})
    ]
    return recipe.make(nodes, wanted, inputs)


def place_of(keys):
    return tuple(keys.get(key, "") for key in PLACE)


def ids_of(param):
    return (param,) if param.isdecimal() else accepted_ids(param)


PLACE = ("date", "time", "step", "levelist", "param")


@pytest.mark.slow
def test_wind_humidity_and_thickness_of_several_cycles_steps_and_levels(fields_of):
    nodes = Nodes()
    fields = fields_of(nodes, "pl-regular-ll.grib", *PLACE)
    for place, node in fields.items():
        if place[-1] != "130":
            continue
        t, r, u, v, z = (made(fields[(*place[:-1], param)]) for param in ("130", "157", "131", "132", "129"))
        below = made(fields[(*place[:3], "1000", "129")])
        pressure = 100 * float(place[3])
        humidity = specific_humidity(r / 100 * saturation_vapour_pressure(t), pressure)
        expected = {"10": np.hypot(u, v), "133": humidity, "260077": (z - below) / 9.80665}
        expected |= {"156": z / 9.80665, "3": t * (1e5 / pressure) ** (2 / 7)}
        for param, values in expected.items():
            found = derive(nodes, node, param, fields)
            np.testing.assert_allclose(made(found), values, rtol=1e-12, atol=1e-9)
            assert found.description.keys == {**node.description.keys, "param": param}
    assert len({node.key for node in nodes}) == len(nodes)


@pytest.mark.parametrize("name", ["healpix-h8.grib2", "pl-regular-ll.grib"])
def test_dew_points_on_any_grid_are_below_the_temperature_where_air_is_not_saturated(name, fields_of):
    nodes = Nodes()
    fields = fields_of(nodes, name, *PLACE)
    node = next(one for place, one in fields.items() if place[-1] == "130")
    place = tuple(node.description.keys.get(key, "") for key in PLACE[:-1])
    t, r = made(fields[(*place, "130")]), made(fields[(*place, "157")])
    wanted = {**node.description.keys, "param": "3017"}
    vapour = Formula("dew_point(r * saturation_vapour_pressure(t))", param="3017")
    found = apply_formula(nodes, vapour, node, lambda name: fields[(*place, {"t": "130", "r": "157"}[name])])
    np.testing.assert_allclose(made(found), dew_point(r / 100 * saturation_vapour_pressure(t)), rtol=1e-12)
    assert found.description.keys == wanted
    warm = t > 273.16
    assert (made(found)[warm & (r < 100)] < t[warm & (r < 100)]).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("o32.grib2", "f > 0 degC"),
        ("reduced-gg.grib", "f < -5 m s**-1 or f > 10 knots"),
        ("regular-gg-model-levels.grib2", "(f - 0 degC) / 1 K"),
        ("icon.grib", "number(f) / 1000"),
        ("lambert.grib", "number(f) * 2"),
        ("alternate-scanning.grib", "f > 10 degC"),
        ("missing-values.grib", "f > 10 degC"),
    ],
)
def test_formulas_are_the_same_on_every_kind_of_grid(name, text, fields_of):
    nodes = Nodes()
    for node in fields_of(nodes, name, *PLACE).values():
        values = made(node)
        expected = {
            "f > 0 degC": lambda f: f > 273.15,
            "f < -5 m s**-1 or f > 10 knots": lambda f: (f < -5) | (f > 10 * 1852 / 3600),
            "(f - 0 degC) / 1 K": lambda f: f - 273.15,
            "number(f) / 1000": lambda f: f / 1000,
            "number(f) * 2": lambda f: f * 2,
            "f > 10 degC": lambda f: f > 283.15,
        }[text](values)
        found = apply_formula(nodes, Formula(text, param="999999"), node, {}.__getitem__)
        missing = np.isnan(values)
        np.testing.assert_allclose(made(found)[~missing], expected[~missing], rtol=1e-13)
        assert np.isnan(made(found)[missing]).all()
        assert found.description.grid == node.description.grid


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"type": "em"}, lambda values: values.mean(axis=0)),
        ({"type": "es"}, lambda values: values.std(axis=0)),
        ({"type": "pb", "quantile": "90:100"}, lambda values: np.quantile(values, 0.9, axis=0)),
        ({"type": "ep", "above": "1500 m**2 s**-2"}, lambda values: 100 * (values > 1500).mean(axis=0)),
        (
            {"type": "ep", "between": "1400 and 1500"},
            lambda values: 100 * ((values >= 1400) & (values <= 1500)).mean(axis=0),
        ),
    ],
)
def test_an_ensemble_of_fifty_and_its_control(keys, expected, fields_of):
    nodes = Nodes()
    by_number = {number or "0": node for (number,), node in fields_of(nodes, "ens-50.grib", "number").items()}
    wanted = {**by_number["0"].description.keys, **keys}
    recipe = find(wanted)
    inputs = recipe.inputs(wanted, {"number": list(by_number)})
    assert [one["number"] for one in inputs] == [str(number) for number in range(51)]
    node = recipe.make(nodes, wanted, [by_number[one["number"]] for one in inputs])
    values = np.array([made(by_number[str(number)]) for number in range(51)])
    np.testing.assert_allclose(made(node), expected(values), rtol=1e-12)

    told = node.description
    message = encode(made(node), told.keys, told.grid, attributes=told.attributes)
    handle = eccodes.codes_new_from_message(message)
    try:
        assert eccodes.codes_get(handle, "mars.type") == keys["type"]
        assert eccodes.codes_get(handle, "paramId") == 129
    finally:
        eccodes.codes_release(handle)


def test_an_ensemble_of_analyses_has_a_mean_too(fields_of):
    nodes = Nodes()
    keys = ("date", "time", "levelist", "param", "number")
    members = fields_of(nodes, "era5-levels-members.grib", *keys)
    place = ("20170101", "0000", "500", "130")
    one = members[(*place, "0")].description
    wanted = {key: value for key, value in one.keys.items() if key != "number"} | {"type": "em"}
    recipe = find(wanted)
    numbers = [place_[-1] for place_ in members if place_[:-1] == place]
    inputs = recipe.inputs(wanted, {"number": numbers})
    assert {key["type"] for key in inputs} == {"an"}
    node = recipe.make(nodes, wanted, [members[(*place, key["number"])] for key in inputs])
    values = np.array([made(members[(*place, number)]) for number in numbers])
    np.testing.assert_allclose(made(node), values.mean(axis=0), rtol=1e-13)
    assert len(numbers) == 10
