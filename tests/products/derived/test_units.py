"""Units as GRIB and CF write them, and conversions between them."""

from __future__ import annotations

import gzip
import itertools
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import dtedask.request
from dtedask.core.errors import ProductError
from dtedask.products.derived import units as units_module
from dtedask.products.derived.units import conversion, known_unit, power, unit_of, unit_text

TABLE = Path(dtedask.request.__file__).with_name("parameters.tsv.gz")
ALL = sorted({line.split("\t")[3] for line in gzip.decompress(TABLE.read_bytes()).decode().split("\n")[1:-1]})
KNOWN = [text for text in ALL if known_unit(text) is not None]
GROUPS = [
    ["m", "mm", "km", "cm", "kg m**-2"],
    ["K", "degC", "degF"],
    ["Pa", "hPa", "kPa", "mb", "N m**-2"],
    ["m s**-1", "km h**-1", "knot"],
    ["%", "1", "(0 - 1)", "g kg**-1", "kg kg**-1"],
    ["W m**-2", "J m**-2 s**-1", "kW m-2"],
    ["degrees", "radians", "Degree true"],
    ["m s**-1 s**-1", "m s**-2"],
    ["kg m**-2 s**-1", "mm h**-1", "m s**-1"],
]


def test_most_units_of_the_parameters_are_known():
    assert {"m s**-1", "kg m**-2 s**-1", "%", "(0 - 1)", "Degree true", "gpm", "m of water equivalent"} <= set(KNOWN)
    assert {"~", "", "(Code table 4.201)", "categorical", "ln(kPa)"}.isdisjoint(KNOWN)


@pytest.mark.parametrize("text", KNOWN)
def test_a_unit_that_is_written_and_read_is_the_same(text):
    unit = unit_of(text)
    assert unit_of(unit_text(unit)) == unit
    assert conversion(unit, unit_of(unit_text(unit))).is_nothing


@pytest.mark.slow
@given(st.sampled_from(GROUPS).flatmap(lambda group: st.tuples(*[st.sampled_from(group)] * 3)), st.floats(-1e3, 1e3))
def test_a_way_there_and_back_and_a_way_around_lead_to_the_same_number(units, number):
    first, second, third = map(unit_of, units)

    def along(value, *way):
        for before, after in itertools.pairwise(way):
            changed = conversion(before, after)
            value = changed.factor * value + changed.offset
        return value

    assert along(number, first, second, first) == pytest.approx(number, rel=1e-9, abs=1e-9)
    assert along(number, first, second, third) == pytest.approx(along(number, first, third), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("before", "after", "factor", "offset"),
    [
        ("degC", "K", 1, 273.15),
        ("hPa", "Pa", 100, 0),
        ("mm", "kg m**-2", 1, 0),
        ("m of water equivalent", "kg m**-2", 1000, 0),
        ("mm day**-1", "kg m**-2 s**-1", 1 / 86400, 0),
        ("knot", "m s**-1", 1852 / 3600, 0),
        ("g kg**-1", "kg kg**-1", 1e-3, 0),
        ("%", "(0 - 1)", 0.01, 0),
        ("gpm", "m", 1, 0),
    ],
)
def test_conversions_are_those_of_the_books(before, after, factor, offset):
    found = conversion(unit_of(before), unit_of(after))
    assert (found.factor, found.offset) == (pytest.approx(factor, rel=1e-14), pytest.approx(offset))


@pytest.mark.parametrize("pair", [("m", "s"), ("K", "kg m**-2"), ("degC", "m"), ("m**2", "kg m**-2"), ("Pa", "mm")])
def test_different_things_are_not_converted(pair):
    with pytest.raises(ProductError, match="measure different things"):
        conversion(*map(unit_of, pair))


@given(st.text(max_size=20))
def test_any_text_is_a_unit_or_one_clear_error(text):
    with suppress(ProductError):
        unit_of(text)


@given(st.sampled_from(KNOWN), st.sampled_from([0.5, 2, 3, -1, -0.5, 1 / 3]))
def test_a_power_and_its_root_undo_one_another(text, exponent):
    unit = power(unit_of(text), 1)
    assert power(power(unit, exponent), 1 / exponent) == unit


def test_threads_that_come_together_share_one_registry(monkeypatch):
    monkeypatch.setattr(units_module, "_made", [])
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: units_module._registry(), range(8)))
    assert len(set(map(id, found))) == 1
