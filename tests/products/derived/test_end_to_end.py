"""From GRIB of an ensemble to products of what is derived of what is derived: numpy makes the same."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from dtedask.geo import Grid
from dtedask.grib import decode, encode, scan
from dtedask.products import Nodes, Products
from dtedask.products.derived import find
from dtedask.products.derived.wind import wind_direction
from dtedask.products.making.units import units_of
from dtedask.products.making.waves import peak_bytes
from tests.products.derived.given import given_node, made
from tests.products.making.orders import order

GRID, MEMBERS, STEPS = Grid("10x10"), range(10), (12, 24, 36, 48)
RUN = {"class": "od", "expver": "0001", "date": "20240603", "time": "0000", "levtype": "sfc", "stream": "enfo"}
ORDERS = """
defaults: {class: od, expver: 1, levtype: sfc, stream: enfo, format: {type: grib2, packing: ieee}}
requirements:
- {name: day, param: tp, type: ep, at-least: 20 mm, timespan: 24h, step: [24, 48]}
- {name: rate, param: avg_tprate, type: em, step: [24, 48]}
- {name: rain, param: tprg5, type: ep, step: [24, 48]}
- {name: speed, param: 10si, type: em, step: 24}
- {name: direction, param: 10wdir, type: em, step: 24}
- {name: gale, param: 131068, type: ep, step: 24}
- {name: five, param: 10si, type: pb, quantile: 0.5, step: 24, number: 1/to/5}
- {name: one, param: 10u, type: pf, number: 3, step: 24, formula: {gridded: {formula: "hypot(f, 10v)", param: 10si}}}
"""


def _message(values, number, interval=None, **keys):
    kind = {"type": "pf", "number": str(number)} if number else {"type": "cf"}
    return encode(values, {**RUN, **kind, **keys}, GRID, interval=interval, packing="grid_ieee")


@pytest.fixture(scope="module")
def products(tmp_path_factory):
    """Values of the members, and what was made of them: fields by the name of their requirement."""
    folder, random = tmp_path_factory.mktemp("ensemble"), np.random.default_rng(1)
    rain = np.cumsum(random.gamma(1, 8, (len(STEPS), len(MEMBERS), *GRID.shape)), axis=0).astype("float32")
    wind = random.normal(4, 5, (2, len(MEMBERS), *GRID.shape)).astype("float32")
    messages = [
        _message(rain[place, number], number, (0, 3600 * step), param="228228", step=str(step))
        for place, step in enumerate(STEPS)
        for number in MEMBERS
    ]
    messages += [
        _message(wind[place, number], number, param=param, step="24")
        for place, param in enumerate(("165", "166"))
        for number in MEMBERS
    ]
    (folder / "ensemble.grib2").write_bytes(b"".join(messages))
    with Products.open(ORDERS, folder / "ensemble.grib2", output=str(folder / "out")) as orders:
        assert not orders.requirements.broken
        orders.run()
    found = {}
    for path in (folder / "out").glob("*.grib2"):
        name = path.name.partition("-")[0]
        found[name] = [(one.field, decode(one.read(), one.field.order)) for one in scan(path)]
    return dict(zip(STEPS, rain.astype("float64"), strict=True)), wind.astype("float64"), found


def _check(found, expected, *, param, units, interval=None):
    field, values = found
    np.testing.assert_allclose(values, expected, rtol=2e-6, atol=1e-12)
    assert (field.keys["param"], field.units, field.interval) == (param, units, interval)


@pytest.mark.slow
def test_the_probability_of_the_rain_of_a_day(products):
    rain, _, found = products
    first, second = found["day"]
    day = 86_400
    _check(first, 100 * (rain[24] >= 20).mean(axis=0), param="131063", units="%", interval=(0, day))
    expected = 100 * (rain[48] - rain[24] >= 20).mean(axis=0)
    _check(second, expected, param="131063", units="%", interval=(day, 2 * day))


@pytest.mark.slow
def test_mean_and_probability_of_rates_since_the_step_before(products):
    rain, _, found = products
    for place, step in enumerate((24, 48)):
        rate = (rain[step] - rain[step - 12]) / 43_200
        interval = (3600 * (step - 12), 3600 * step)
        _check(found["rate"][place], rate.mean(axis=0), param="235055", units="kg m**-2 s**-1", interval=interval)
        expected = 100 * (rate >= 5 / 86_400).mean(axis=0)
        _check(found["rain"][place], expected, param="131067", units="%", interval=interval)


@pytest.mark.slow
def test_mean_quantile_and_probability_of_wind_speed(products):
    _, (u, v), found = products
    speed = np.hypot(u, v)
    _check(found["speed"][0], speed.mean(axis=0), param="207", units="m s**-1")
    _check(found["five"][0], np.median(speed[1:6], axis=0), param="207", units="m s**-1")
    _check(found["gale"][0], 100 * (speed >= 10).mean(axis=0), param="131068", units="%")
    _check(found["one"][0], speed[3], param="207", units="m s**-1")


@pytest.mark.slow
def test_the_mean_direction_is_that_of_the_mean_wind(products):
    _, (u, v), found = products
    _check(found["direction"][0], wind_direction(u.mean(axis=0), v.mean(axis=0)), param="260260", units="Degree true")


def test_states_of_ensembles_travel_between_workers():
    nodes = Nodes()
    members = [given_node(nodes, "2t", 280.0 + one, type="pf", stream="enfo", number=one) for one in range(40)]
    node = find({"param": "167", "type": "es"}).make(nodes, {}, members)
    last = node.inputs[0]
    state = pickle.loads(pickle.dumps(made(last)))
    assert np.array_equal(pickle.loads(pickle.dumps(node.operation))(state), made(node))
    assert state.nbytes == 2 * 3 * 8 * 19 * 36  # of the first 32 members, and of the others


def test_an_ensemble_of_a_hundred_is_made_in_the_memory_of_twenty_fields():
    nodes = Nodes()
    members = [given_node(nodes, "2t", 280.0, type="pf", stream="enfo", number=one) for one in range(100)]

    def fields_held(**keys):
        node = find({"param": "167", **keys}).make(nodes, {}, members)
        makes = [order(node)]
        return peak_bytes(units_of(makes), makes) / (4 * node.size)

    assert max(fields_held(type="em"), fields_held(type="es"), fields_held(type="ep", above="280 K")) < 21
    assert fields_held(type="pb", quantile="1:2") > 100
