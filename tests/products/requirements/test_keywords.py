"""Every keyword of MIR and of orders: what it may be, and what it becomes."""

from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dtedask.core.errors import DocumentError
from dtedask.geo import Grid
from dtedask.products import PostProcessing
from dtedask.products.requirements import load_requirements
from dtedask.products.requirements.areas import area_names, area_of
from dtedask.products.requirements.words import read_grid, read_truncation
from tests.products.requirements.keywords import HOW


def made(**keywords):
    found = load_requirements({"name": "a", "param": "2t", **keywords})
    assert found.broken == ()
    return found.valid[0]


def wrong(**keywords):
    (one,) = load_requirements({"name": "a", "param": "2t", **keywords}).broken
    return str(one)


@pytest.mark.parametrize(("keywords", "how"), HOW, ids=[str(one) for one, _ in HOW])
def test_a_keyword_of_mir_becomes(keywords, how):
    assert made(**keywords).how == PostProcessing(**how)


@pytest.mark.parametrize(
    ("keywords", "said"),
    [
        ({"grid": "O320x"}, "There is no grid 'O320x'"),
        ({"grid": [1, 2, 3]}, "no grid"),
        ({"gaussian": "round"}, "gaussian: 'round' is not possible"),
        ({"area": "30/0/75/10"}, "upside down"),
        ({"area": "atlantis"}, "There is no area of the name 'atlantis'"),
        ({"rotation": "100/0"}, "off the Earth"),
        ({"rotation": "10"}, "is no rotation"),
        ({"resol": "much"}, "'much' is no truncation"),
        ({"intgrid": "x"}, "There is no grid 'x'"),
        ({"interpolation": "linaer"}, "linaer"),
        ({"interpolation": {"method": "k-nearest", "nclosets": 4}}, "nclosets"),
        ({"frame": -1}, "greater than or equal to 0"),
        ({"frame": 1.5}, "frame"),
        ({"missing": "sometimes"}, "is not possible"),
        ({"lsm": "maybe"}, "lsm"),
        ({"formula": ""}, "is empty"),
        ({"formula": "f +"}, "Formula, column"),
        ({"formula": {"row": "f"}}, "There is no point 'row'"),
        ({"formula": {"raw": {"formula": "f", "parm": 1}}}, "has no key 'parm'"),
        ({"format": "grib3"}, "Did you mean 'grib2'?"),
        ({"format": {"type": "grib2", "pakcing": "ccsds"}}, "Did you mean 'packing'?"),
        ({"format": 3}, "mapping"),
        ({"packing": "tight"}, "tight"),
        ({"delivery": "ftp://x"}, "no place of delivery"),
        ({"delivery": {"type": "foldr"}}, "Did you mean 'folder'?"),
        ({"delivery": "https://user:secret@x/y"}, "holds a password"),
        ({"deadline": "soon"}, "'soon' is no deadline"),
        ({"deadline": "-1h"}, "before the base time"),
        ({"deadline": "0-24"}, "is no deadline"),
        ({"priority": "high"}, "priority"),
        ({"name": "a/b"}, "no name of a requirement"),
        ({"file": "../{step}"}, "no path below"),
        ({"file": "{stepp}"}, "Did you mean 'step'?"),
        ({"file": "legacy"}, "need a feed"),
        ({"file": "x", "target": "y"}, "beside another name"),
        ({"file": {"template": "x", "convention": "wmo"}}, "Keep one of them"),
        ({"request": {"area": "europe"}}, "Write 'area' beside 'request'"),
        ({"request": "param=2t,,"}, "two commas"),
        ({"request": 3}, "is no request"),
        ({"request": {"param": "tp"}}, "given twice"),
        ({"step": "0/to/x"}, "Invalid value 'x' of key 'step'"),
        ({"areaa": 3}, "Did you mean 'area'?"),
        ({"type": "ep", "above": "20 furlongz"}, "There is no unit 'furlongz'"),
        ({"type": "ep", "above": ["1 mm", True]}, "Give a value with its unit"),
    ],
)
def test_what_is_wrong_is_said(keywords, said):
    assert said in wrong(**keywords)


def test_the_places_of_delivery_may_be_short():
    one = made(delivery=["/out", "s3://b/p", "https://x.int/y", {"type": "http", "url": "http://x", "method": "PUT"}])
    assert [place.type for place in one.delivery] == ["folder", "s3", "http", "http"]


@pytest.mark.parametrize(
    ("text", "path"), [("/a:b/c", "/a:b/c"), ("file:///a/b", "/a/b"), ("file:/a", "/a"), ("/a b", "/a b")]
)
def test_other_texts_are_folders(text, path):
    assert made(delivery=text).delivery[0].target == path


def test_a_name_may_be_a_number():
    one = made(name=7, owner=42)
    assert (one.name, one.owner) == ("7", "42")


def test_paths_are_relative_to_the_file_of_the_requirement(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text("{name: a, param: 2t, delivery: out, bitmap: sea.txt}")
    (one,) = load_requirements(file)
    assert one.delivery[0].target == str(tmp_path / "out")
    assert one.how.bitmap == str(tmp_path / "sea.txt")


def test_edition_one_has_a_name_of_its_own():
    assert made(format="grib1").format.edition == 1
    assert made(format="grib", accuracy=16).format.accuracy == 16


def test_names_are_those_of_the_format_where_none_are_given():
    assert made().file_name == "{name}-{date}-{time}{suffix}"
    assert made(file="{step}").file_name == "{step}"


def test_thresholds_quantiles_and_derived_parameters_stand_in_the_request():
    one = made(type="ep", request={"above": ["20 mm", "50 mm"]})
    assert one.request["above"] == ("20 mm", "50 mm")
    assert made(type="pb", quantile=[0.5, "0.05", "1:5"]).request["quantile"] == ("50:100", "5:100", "1:5")


def test_what_has_no_effect_or_ends_early_is_noted():
    found = load_requirements("requirements:\n- name: a\n  param: 2t\n  expect: any\n  step: 0/to/30\n")
    assert found.broken == ()
    assert [note.place for note in found.notes] == ["<requirements>:4", "<requirements>:5"]
    assert "has no effect" in found.notes[0].message
    assert "ends at 24, before 30" in found.notes[1].message


@pytest.mark.skipif(find_spec("mirlib") is None, reason="needs MIR's own file")
def test_areas_are_those_of_mir():
    place = find_spec("mirlib").submodule_search_locations[0]
    theirs = yaml.safe_load((Path(place) / "etc" / "mir" / "area.yaml").read_text())
    for name, edges in theirs.items():
        north, west, south, east = edges
        assert area_of(name) == (north, west, south, east + 360 if east < west else east)
    assert set(theirs) == set(area_names()) - {"e", "g"}


def test_names_of_areas_are_blind_to_case_and_spaces_and_a_document_has_its_own():
    assert area_of(" North SEA".replace("North", "n")) == area_of("n_sea") == area_of("n-sea")
    assert area_of("europe", own={"Europe": [1, 2, 0, 3]}) == (1.0, 2.0, 0.0, 3.0)


@given(st.floats(0.01, 31, allow_nan=False), st.floats(0.01, 31, allow_nan=False))
def test_distances_are_the_grid_that_geo_makes_of_them(east, north):
    east, north = round(east, 3), round(north, 3)
    name = read_grid([east, north])
    assert name == read_grid(f"{east}/{north}")
    assert Grid(name) == Grid([east, north])


@given(st.integers(1, 10000))
def test_a_truncation_is_written_in_one_way(number):
    assert read_truncation(number) == read_truncation(f"T{number}") == read_truncation(str(number)) == str(number)


@given(st.text(max_size=8))
def test_what_is_no_grid_is_an_error_of_the_document(text):
    with suppress(DocumentError):
        assert Grid(read_grid(text) or "1/1").size > 0
