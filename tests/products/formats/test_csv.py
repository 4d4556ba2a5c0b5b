"""Tables of points as text, read by pandas."""

from dataclasses import replace
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from dtedask.core.errors import ProductError
from dtedask.geo import Grid
from dtedask.products.format import AnyFormat, make_format
from dtedask.products.operations.regrid import is_made
from dtedask.testing.formats import make_part, written
from tests.products.formats.tables import NEAREST, PLACES, TableSuite, none_if_missing


class TestAllPoints(TableSuite):
    document: ClassVar = {"type": "csv"}


class TestPlaces(TableSuite):
    document: ClassVar = {"type": "csv", "points": PLACES, "outside": "nearest"}
    places = NEAREST


class TestLong(TableSuite):
    document: ClassVar = {"type": "csv", "shape": "long"}

    def seen(self, path):
        table = pd.read_csv(path)
        found = {}
        keys = [key for key in ("variable", "step", "level", "member") if key in table]
        for labels, rows in table.groupby(keys, sort=False):
            said = dict(zip(keys, labels, strict=True))
            member = none_if_missing(said.get("member"), int)
            found[said["variable"], float(said["step"]), said.get("level"), member] = rows["value"].to_numpy("float32")
        return found


def read(parts, path, **options):
    written(parts, {"type": "csv", **options}, path)
    return path.read_text("utf-8").splitlines()


def test_a_row_says_where_when_and_what(tmp_path):
    part = make_part(3.0, step="6")
    lines = read([part], tmp_path / "file.csv", points=PLACES[:2])
    assert lines[0] == "name,latitude,longitude,forecast_reference_time,step,valid_time,level,t"
    values = [repr(float(str(part.payload.flat[place]))) for place in NEAREST[:2]]
    assert lines[1:] == [
        f"Reading,51.4,0.1,2024-01-01T00:00:00Z,6,2024-01-01T06:00:00Z,500,{values[0]}",
        f'"Bonn, DE",50.7,7.1,2024-01-01T00:00:00Z,6,2024-01-01T06:00:00Z,500,{values[1]}',
    ]


def test_a_long_table_has_units_beside_each_value(tmp_path):
    lines = read([make_part(), make_part(param="z")], tmp_path / "f", points=PLACES[:1], shape="long", decimals=1)
    assert [line.split(",")[-3:] for line in lines] == [
        ["variable", "value", "units"], ["t", "1.1", "K"], ["z", "1.1", "m**2 s**-2"],
    ]  # fmt: skip


def test_units_stand_in_the_head_where_they_are_wanted(tmp_path):
    assert read([make_part()], tmp_path / "f", units=True)[0].endswith(",t [K]")


def test_rows_without_values_are_dropped_where_that_is_wanted(tmp_path):
    kept, dropped = (
        read([make_part(has_gap=True)], tmp_path / missing, missing=missing) for missing in ("keep", "drop")
    )
    assert kept[:-1] == dropped
    assert kept[-1].endswith(",")


def test_levels_of_two_kinds_are_columns_of_their_own(tmp_path):
    lines = read([make_part(), make_part(levtype="ml", levelist="137")], tmp_path / "file")
    assert lines[0].endswith(",level,t,t_ml")
    assert lines[1].endswith(",")
    assert lines[-1].split(",")[-2] == ""


def test_variables_of_other_times_leave_their_places_empty(tmp_path):
    table = pd.read_csv(_file([make_part(step="0"), make_part(step="6", param="z")], tmp_path))
    assert table["t"].isna().tolist() == table["z"].notna().tolist() == [False] * 216 + [True] * 216


def test_places_outside_of_a_regional_grid_have_no_value(tmp_path):
    (_, line) = read([make_part()], tmp_path / "file", points=[[-80.0, 10.0]])
    assert line.endswith(",")


@pytest.mark.slow
@settings(max_examples=20)
@given(st.floats(-50, 60), st.floats(0, 170))
def test_the_nearest_point_of_the_sphere_is_taken(tmp_path_factory, latitude, longitude):
    part = make_part(3.0)
    folder = tmp_path_factory.mktemp("nearest")
    (_, line) = read([part], folder / "file", points=[[latitude, longitude]])
    lat, lon = np.meshgrid(60 - 10.0 * np.arange(12), 10.0 * np.arange(18), indexing="ij")
    cosine = np.sin(np.radians(lat)) * np.sin(np.radians(latitude)) + np.cos(np.radians(lat)) * np.cos(
        np.radians(latitude)
    ) * np.cos(np.radians(lon - longitude))
    near = part.payload[cosine > cosine.max() - 1e-12]
    assert np.float32(line.split(",")[-1]) in near


@pytest.mark.slow
@settings(max_examples=20)
@given(st.floats(-50, 60), st.floats(0, 170))
def test_values_between_points_are_those_of_a_plane(tmp_path_factory, latitude, longitude):
    part = make_part()
    lat, lon = np.meshgrid(60 - 10.0 * np.arange(12), 10.0 * np.arange(18), indexing="ij")
    part.payload[:] = 2 * lat - 3 * lon
    folder = tmp_path_factory.mktemp("linear")
    (_, line) = read([part], folder / "file", points=[[latitude, longitude]], method="bilinear")
    assert float(line.split(",")[-1]) == pytest.approx(2 * latitude - 3 * longitude, abs=2e-4)


def test_two_fields_in_one_place_are_refused(tmp_path):
    with pytest.raises(ProductError, match=r"Two fields of one table are t at .* differ in nothing"):
        written([make_part(), make_part(3.0)], {"type": "csv"}, tmp_path / "file")


def test_harmonics_have_no_values_at_points(grib_folder):
    from dtedask.grib import scan

    (message,) = scan(grib_folder / "spherical-harmonics.grib")
    kind = make_format(TypeAdapter(AnyFormat).validate_python({"type": "csv"}))
    with pytest.raises(ProductError, match="spherical harmonics"):
        kind.encoding(message.field)


def test_nothing_is_bilinear_between_points_without_rows():
    cloud = Grid.unstructured([1.0, 2.0, 3.0, 4.0], [1.0, 3.0, 2.0, 5.0])
    field = replace(make_part().description, grid=cloud)
    kind = make_format(TypeAdapter(AnyFormat).validate_python({"type": "csv", "points": PLACES, "method": "bilinear"}))
    with pytest.raises(ProductError, match="do not stand in rows"):
        kind.encoding(field)


def test_weights_are_made_when_they_are_needed_and_not_before():
    kind = make_format(TypeAdapter(AnyFormat).validate_python({"type": "csv", "points": [[12.5, 17.25]]}))
    operation = kind.encoding(make_part().description)
    assert not is_made(operation.handle)
    name, prepare = operation.preparation()
    prepare()
    assert is_made(operation.handle)
    assert operation.handle.key in name


def _file(parts, folder):
    written(parts, {"type": "csv"}, folder / "file")
    return folder / "file"


FILES = {
    "points.csv": "# stations\nstation;lat;lon\nA;1.5;2\nB;-3;4\n",
    "points.tsv": "id\tlongitude\tlatitude\nA\t2\t1.5\nB\t4\t-3\n",
    "points.yaml": "- {name: A, latitude: 1.5, longitude: 2}\n- [-3, 4, B]\n",
    "points.json": '[{"name": "A", "latitude": 1.5, "longitude": 2}, [-3, 4, "B"]]',
    "points.geojson": '{"type": "FeatureCollection", "features": ['
    '{"type": "Feature", "geometry": {"type": "Point", "coordinates": [2, 1.5]}, "properties": {"name": "A"}},'
    '{"type": "Feature", "id": "B", "geometry": {"type": "Point", "coordinates": [4, -3]}, "properties": null}]}',
}


@pytest.mark.parametrize("name", FILES)
def test_files_of_places_are_read(tmp_path, name):
    (tmp_path / name).write_text(FILES[name])
    options = TypeAdapter(AnyFormat).validate_python(
        {"type": "csv", "points": name}, context={"path": tmp_path / "requirements.yaml"}
    )
    found = options.stations
    assert (found.names, found.latitude.tolist(), found.longitude.tolist()) == (("A", "B"), [1.5, -3.0], [2.0, 4.0])
    listed = [{"name": "A", "latitude": 1.5, "longitude": 2}, {"name": "B", "latitude": -3, "longitude": 4}]
    same = TypeAdapter(AnyFormat).validate_python({"type": "csv", "points": listed})
    assert make_format(options).identity == make_format(same).identity


@pytest.mark.parametrize(
    ("text", "said"),
    [("lat,lon\n1,2\n95,3\n", "line 3: latitude is no part"), ("x,y\n1,2\n", "line 2: latitude"), ("", "no points in")],
)
def test_a_wrong_place_is_named_with_its_line(tmp_path, text, said):
    (tmp_path / "points.csv").write_text(text)
    with pytest.raises(ValidationError, match=said):
        TypeAdapter(AnyFormat).validate_python({"type": "csv", "points": str(tmp_path / "points.csv")})


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValidationError, match=r"nowhere\.csv' cannot be read"):
        TypeAdapter(AnyFormat).validate_python({"type": "csv", "points": str(tmp_path / "nowhere.csv")})
