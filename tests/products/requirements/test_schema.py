"""The JSON schema of requirements, by an independent validator."""

import jsonschema
import pytest
import yaml

from dtedask.core.documents import read_yaml
from dtedask.products.requirements import load_requirements, requirements_schema
from tests.products.requirements.keywords import HOW

GOOD = [
    "requirements: []",
    "defaults: {class: od, accuracy: 12}\nrequirements:\n- {name: a, param: 2t, area: europe, grid: [0.1, 0.1]}",
    "{name: a, request: 'class=od,param=2t', delivery: /out, format: csv, deadline: 7, priority: 3}",
    "{name: a, param: [t, 131], delivery: [/out, {type: s3, url: s3://x/y}], format: {type: grib2, accuracy: 3}}",
    "- {name: a, param: t, formula: {raw: f, epilogue: {formula: 2*f, param: 130}}, file: wmo, feed: A1, owner: me}",
    "- {name: a, param: t, area: [75, -30, 30, 50], rotation: -30/10, interpolation: nn, step: 0/to/24/by/6}",
    "- {name: a, type: ep, param: tp, above: 20 mm, interpolation: {method: k-nearest, nclosest: 4}, lsm: true}",
]
BAD = [
    "{name: a, param: 2t, aera: europe}",
    "{name: a, param: 2t, frame: -1}",
    "{name: a, param: 2t, format: {type: grib2, pakcing: ccsds}}",
    "{name: a, param: 2t, delivery: {type: folder}}",
    "{name: a, request: {param: 2t, area: europe}}",
    "{name: a, param: 2t, area: [1, 2, 3]}",
    "{name: a, param: 2t, formula: {row: f}}",
    "{name: a, param: 2t, missing: sometimes}",
]


@pytest.fixture(scope="module")
def parsed():
    return {text: read_yaml(text, "x")[0] for text in [*GOOD, *BAD]}


@pytest.fixture(scope="module")
def validator():
    schema = requirements_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.slow
@pytest.mark.parametrize("text", GOOD)
def test_what_the_schema_takes_is_taken(text, parsed, validator):
    validator.validate(parsed[text])
    assert load_requirements(text if "\n" in text else text + "\n").broken == ()


@pytest.mark.parametrize("text", BAD)
def test_what_the_schema_refuses_is_broken(text, parsed, validator):
    assert not validator.is_valid(parsed[text])
    assert len(load_requirements(text).broken) == 1


def test_the_schema_tells_what_each_keyword_is():
    keywords = requirements_schema()["$defs"]["Requirement"]["properties"]
    for name in (
        "grid",
        "area",
        "rotation",
        "resol",
        "intgrid",
        "interpolation",
        "frame",
        "bitmap",
        "formula",
        "format",
    ):
        assert keywords[name]["description"]
    assert yaml.safe_load(yaml.safe_dump(requirements_schema()))


@pytest.mark.parametrize("keywords", [keywords for keywords, _ in HOW], ids=str)
def test_every_way_to_write_a_keyword_is_in_the_schema(keywords, validator):
    validator.validate({"name": "a", "param": "2t", **keywords})


@pytest.mark.parametrize(
    "key", ["class", "levellist", "parameter", "date", "number", "quantile", "above", "expect", "target"]
)
def test_keys_of_mars_and_other_words_are_in_the_schema(key, validator):
    validator.validate({"name": "a", key: "x"})
    validator.validate({"defaults": {key: None}})
