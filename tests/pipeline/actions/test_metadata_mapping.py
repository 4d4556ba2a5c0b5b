"""The action `metadata-mapping`: a field gets what the table has for it."""

from pathlib import Path

import multiolib
import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.core.errors import DocumentError, FieldError
from dtedask.pipeline import Kind, Message
from dtedask.pipeline.action import Context, make_action
from dtedask.pipeline.compute import Eager
from dtedask.pipeline.keys.glossary import value_of
from dtedask.testing import ActionSuite
from tests.pipeline.fields import field

TABLES = Path(multiolib.__file__).parent / "share" / "multio" / "config" / "metadata-mapping"
TABLE = {
    "mappings": [
        {
            "match": {"nemoParam": "nemo"},
            "map": {"paramId": "id", "gridType": "grid"},
            "optional-map": {"tiles": "tiles"},
        }
    ],
    "data": [
        {"nemo": "sst", "id": 151159, "grid": "unstructured_grid"},
        {"nemo": "ssh", "id": 262124, "grid": "x", "tiles": 3},
    ],
}


def mapping(**options):
    options = options if "mapping" in options else {"table": TABLE, **options}
    return make_action({"type": "metadata-mapping", **options}, Context())


def mapped(action, message):
    (out,) = action.handle(message, action.start(), Eager())
    return out


def nemo(**keys):
    return Message(Kind.FIELD, keys, np.zeros(3))


class TestMetadataMapping(ActionSuite):
    @pytest.fixture
    def action(self):
        return mapping(**{"enforce-match": False})

    @pytest.fixture
    def messages(self):
        return [nemo(nemoParam="sst"), nemo(nemoParam="ssh", step="6"), nemo(nemoParam="other", step="6")]


def test_a_field_gets_the_keys_of_its_row():
    assert dict(mapped(mapping(), nemo(nemoParam="sst")).keys) == {
        "nemoParam": "sst",
        "param": "151159",
        "paramId": "151159",
        "gridType": "unstructured_grid",
    }
    assert mapped(mapping(), nemo(nemoParam="ssh")).keys["tiles"] == 3


def test_what_a_field_has_is_kept_unless_it_is_to_be_overwritten():
    message = nemo(nemoParam="sst", gridType="mine", param="34")
    kept = mapped(mapping(), message)
    assert (kept.keys["gridType"], kept.keys["param"]) == ("mine", "34")
    written = mapped(mapping(**{"overwrite-existing": True}), message)
    assert (written.keys["gridType"], written.keys["param"]) == ("unstructured_grid", "151159")


def test_a_new_parameter_brings_its_names_and_units():
    table = {"mappings": [{"match": {"param": "from"}, "map": {"param": "to"}}], "data": [{"from": "2t", "to": "10u"}]}
    out = mapped(mapping(table=table, **{"overwrite-existing": True}), field())
    assert (out.keys["param"], out.description.short_name, value_of(out, "units")) == ("165", "10u", "m s**-1")


def test_the_description_agrees_with_keys_that_are_mapped():
    out = mapped(mapping(mapping=str(TABLES / "test-mapping-tol.yaml")), field(param="187"))
    assert out.description.level_type == out.keys["typeOfLevel"] == "mediumCloudLayer"


def test_a_target_path_collects_what_is_mapped():
    action = mapping(mapping=str(TABLES / "grib2-ml-encoder-overwrites.yaml"))
    out = mapped(action, field(param="129"))
    assert out.keys["encoder-overwrites"] == {"bitsPerValue": 16}
    again = mapped(action, out.with_keys(**{"encoder-overwrites": {"bitsPerValue": 24, "packing": "ccsds"}}))
    assert again.keys["encoder-overwrites"] == {"bitsPerValue": 24, "packing": "ccsds"}


@pytest.mark.parametrize("path", sorted(TABLES.glob("*.yaml")), ids=lambda path: path.name)
def test_the_tables_of_multio_are_read_as_they_are(path):
    action = mapping(mapping=str(path))
    for row in yaml.safe_load(path.read_text())["data"]:
        key = action.lookups[0].key
        message = nemo(**{key: next(iter(row.values()))})
        assert mapped(action, message).keys.items() >= message.keys.items()


@settings(max_examples=40)
@given(st.dictionaries(st.integers(1, 200), st.integers(1, 99), min_size=1), st.integers(1, 200))
def test_a_row_is_found_however_the_value_is_written(rows, number):
    table = {
        "mappings": [{"match": {"levelist": "l"}, "map": {"category": "t"}}],
        "data": [{"l": f"{level}.0", "t": tile} for level, tile in rows.items()],
    }
    out = mapped(mapping(table=table, **{"enforce-match": False}), nemo(level=number))
    assert out.keys.get("category") == rows.get(number)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (nemo(name="sst"), "has no key 'nemoParam' of the table. Add a row"),
        (nemo(nemoParam="sss"), "has nemoParam: sss, which is in no row of the table"),
    ],
)
def test_a_field_without_row_is_refused_where_a_match_is_enforced(message, reason):
    with pytest.raises(FieldError, match=reason):
        mapped(mapping(), message)
    assert mapped(mapping(**{"enforce-match": False}), message) is message


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("data: []\n", "mappings"),
        ("mappings: []\ndata: []\n", "mappings"),
        ("mappings: [{match: {a: a, b: b}, map: {c: c}}]\ndata: []\n", "A mapping matches one key, and this one 2"),
        ("mappings: [{match: {a: a}}]\ndata: []\n", "A mapping maps nothing"),
        ("mappings: [{match: {a: a}, map: {c: c}}]\ndata: [{a: 1}]\n", r"Row 1 \(of a: 1\) has no 'c'"),
        ("mappings: [{match: {a: a}, map: {c: c}}]\ndata: [{b: 1, c: 2}]\n", "has no 'a'"),
        (
            "mappings: [{match: {a: a}, map: {c: c}}]\ndata: [{a: 1, c: 2}, {a: 1, c: 3}]\n",
            "Row 2 has a: 1, as an earlier",
        ),
        ("mappings: [{match: {a: a}, map: {param: c}}]\ndata: [{a: 1, c: 10uu}]\n", "Row 1: Unknown parameter '10uu'"),
        ("mappings: [{match: {a: a}, mapp: {c: c}}]\ndata: []\n", "Did you mean 'map'"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused_with_file_and_line(tmp_path, text, reason):
    (tmp_path / "table.yaml").write_text(text)
    with pytest.raises(DocumentError, match=rf"(?s)table.yaml:\d.*{reason}"):
        mapping(mapping=str(tmp_path / "table.yaml"))


def test_an_action_has_one_table():
    with pytest.raises(ValueError, match="An action has one table"):
        mapping(mapping="table.yaml", table=TABLE)
