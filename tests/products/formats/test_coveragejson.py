"""CoverageJSON, checked by models of the standard that others wrote."""

import json
from dataclasses import replace
from typing import ClassVar

import covjson_pydantic.coverage as standard
import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from dtedask.core.errors import ProductError
from dtedask.grib import coordinates, decode, scan
from dtedask.products import Part
from dtedask.products.format import AnyFormat, make_format
from dtedask.products.formats.coverage_words import unit_words
from dtedask.testing import FormatSuite
from dtedask.testing.formats import make_part, written
from tests.products.formats.tables import NEAREST, PLACES

BASE = np.datetime64("2024-01-01T00:00")


def coverages(path):
    """All coverages of a document that the standard allows."""
    text = path.read_text("utf-8")
    document = json.loads(text)
    if document["type"] == "Coverage":
        return [standard.Coverage.model_validate_json(text)]
    collection = standard.CoverageCollection.model_validate_json(text)
    assert collection.parameters is not None
    return collection.coverages


def hours(time):
    return (np.datetime64(time.replace(tzinfo=None)) - BASE) / np.timedelta64(1, "h")


class CoverageSuite(FormatSuite):
    """Reads every coverage by its axes; places one after another."""

    def seen(self, path):
        found = {}
        for coverage in coverages(path):
            axes = coverage.domain.axes
            levels = self.levels(axes)
            member = coverage.model_extra["mars:metadata"].get("number")
            shape = (len(axes.t.values), len(levels), -1)
            for name, values in coverage.ranges.items():
                numbers = np.array(values.values, "float32").reshape(shape)
                for i, time in enumerate(axes.t.values):
                    for j, level in enumerate(levels):
                        place = (name, hours(time), level, None if member is None else int(member))
                        found.setdefault(place, []).extend(numbers[i, j].tolist())
        return {place: np.array(values) for place, values in found.items()}

    def levels(self, axes):
        if axes.composite is not None:
            levels = {place[2] if len(place) > 2 else None for place in axes.composite.values}
            assert len(levels) == 1
            return sorted(levels)
        return [None] if axes.z is None else axes.z.values


class TestGrid(CoverageSuite):
    document: ClassVar = {"type": "coveragejson"}


class TestProfiles(CoverageSuite):
    document: ClassVar = {"type": "coveragejson", "points": PLACES, "outside": "nearest"}
    places = NEAREST


class TestSeries(CoverageSuite):
    document: ClassVar = {"type": "covjson", "points": PLACES, "outside": "nearest", "domain": "PointSeries"}
    places = NEAREST


class TestManyPoints(CoverageSuite):
    document: ClassVar = {"type": "covjson", "points": PLACES, "outside": "nearest", "domain": "MultiPoint"}
    places = NEAREST


def kinds(parts, path, **options):
    written(parts, {"type": "coveragejson", **options}, path)
    return [one.domain.domainType.value for one in coverages(path)]


def test_what_a_coverage_is_follows_from_its_fields(tmp_path):
    one, series = [make_part()], [make_part(step=step) for step in ("0", "6")]
    profile = [make_part(levelist=level) for level in ("500", "850")]
    place = {"points": PLACES[:1]}
    assert kinds(one, tmp_path / "a", **place) == ["Point"]
    assert kinds(series, tmp_path / "b", **place) == ["PointSeries"]
    assert kinds(profile, tmp_path / "c", **place) == ["VerticalProfile"]
    assert kinds(profile, tmp_path / "d", domain="PointSeries", **place) == ["PointSeries", "PointSeries"]
    assert kinds(one, tmp_path / "e") == ["Grid"]
    assert kinds([*series, make_part(param="2t", levtype="sfc")], tmp_path / "f", **place) == ["PointSeries", "Point"]


@pytest.mark.parametrize("name", ["o32.grib2", "healpix-h8.grib2"])
def test_points_in_no_rows_and_columns_are_one_coverage(tmp_path, grib_folder, name):
    message = next(iter(scan(grib_folder / name)))
    part = Part(message.field, decode(message.read(), message.field.order), coordinates(message))
    assert kinds([part], tmp_path / "file") == ["MultiPoint"]
    (coverage,) = coverages(tmp_path / "file")
    places = np.array([place[:2] for place in coverage.domain.axes.composite.values])
    np.testing.assert_allclose(places[:, 1], message.field.grid.points().latitude, atol=1e-8)
    later = replace(part, description=replace(message.field, keys={**message.field.keys, "step": "6"}))
    assert kinds([part, later], tmp_path / "series") == ["MultiPointSeries"]


def test_parameters_have_units_and_names_of_standards(tmp_path):
    part = make_part(param="u")
    part = replace(part, description=replace(part.description, standard_name="eastward_wind"))
    written([part, make_part(param="t")], {"type": "coveragejson"}, tmp_path / "file")
    (coverage,) = coverages(tmp_path / "file")
    wind = coverage.parameters["u"]
    assert wind.unit.symbol.value == "m.s-1"
    assert wind.observedProperty.id.endswith("/eastward_wind/")
    assert coverage.parameters["t"].unit.symbol.value == "K"


@pytest.mark.parametrize(
    ("units", "symbol"),
    [("kg m**-2 s**-1", "kg.m-2.s-1"), ("%", "%"), ("(0 - 1)", "1"), ("K", "K"), ("degC", "Cel"), ("J m**-2", "J.m-2")],
)
def test_units_are_said_in_ucum(units, symbol):
    assert unit_words(units)["symbol"] == {"value": symbol, "type": "http://www.opengis.net/def/uom/UCUM/"}


def test_units_that_ucum_does_not_have_stay_as_they_are():
    assert unit_words("m of snow (per hour)") == {"symbol": "m of snow (per hour)"}
    assert unit_words("(Code table 4.201)") == unit_words("~") == {}


def test_missing_values_are_null_and_numbers_short(tmp_path):
    written([make_part(has_gap=True)], {"type": "coveragejson", "decimals": 2}, tmp_path / "file")
    values = json.loads((tmp_path / "file").read_text())["ranges"]["t"]["values"]
    assert values[-1] is None
    assert all(len(str(one)) <= 4 for one in values[:-1])


def test_places_are_named(tmp_path):
    parts = [make_part(type="pf", stream="enfo", number=number) for number in ("1", "2")]
    written(parts, {"type": "coveragejson", "points": PLACES[:1]}, tmp_path / "file")
    assert [one.id for one in coverages(tmp_path / "file")] == ["member 1 Reading", "member 2 Reading"]


def test_series_of_a_whole_grid_are_refused():
    with pytest.raises(ValidationError, match="PointSeries is one of places"):
        TypeAdapter(AnyFormat).validate_python({"type": "coveragejson", "domain": "PointSeries"})


def test_two_fields_in_one_place_are_refused_before_anything_is_read(tmp_path):
    kind = make_format(TypeAdapter(AnyFormat).validate_python({"type": "coveragejson"}))
    product = written([make_part()], {"type": "coveragejson"}, tmp_path / "file")
    field = make_part().description
    with pytest.raises(ProductError, match="Two fields"):
        kind.check(product, [field, make_part(3.0).description])
