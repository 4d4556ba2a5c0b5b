import gzip
import json
from importlib import metadata
from pathlib import Path

import pytest

import dtedask.request
from dtedask.grib.library import eccodes
from dtedask.request import Request, generate_vocabulary, parameter, parameter_ids
from dtedask.request.vocabulary import canonical_key, spellings, tables

FOLDER = Path(dtedask.request.__file__).parent


def shipped_rows():
    lines = gzip.decompress((FOLDER / "parameters.tsv.gz").read_bytes()).decode().splitlines()
    return lines[0], [tuple(line.split("\t")) for line in lines[1:]]


def has_the_versions_of_the_tables():
    header, _ = shipped_rows()
    return all(f"{name} {metadata.version(name)}" in header for name in ("eccodeslib", "metkitlib"))


needs_same_versions = pytest.mark.skipif(
    not has_the_versions_of_the_tables(), reason="other versions of ecCodes or metkit than the tables were made from"
)


@needs_same_versions
@pytest.mark.slow
def test_the_shipped_tables_are_what_the_script_makes():
    made = generate_vocabulary.generate()
    assert made["vocabulary.json"] == (FOLDER / "vocabulary.json").read_bytes()
    assert gzip.decompress(made["parameters.tsv.gz"]) == gzip.decompress((FOLDER / "parameters.tsv.gz").read_bytes())


@needs_same_versions
def test_a_sample_of_the_tables_is_what_the_script_makes():
    names = generate_vocabulary._concept("grib2/shortName.def")
    ids = generate_vocabulary._concept("grib2/paramId.def")
    assert len(ids) > 1000
    assert all(parameter(ids[condition]).short_name == name for condition, name in names.items() if name != "~")


@pytest.mark.parametrize(
    "number", [129, 130, 131, 132, 133, 151, 165, 166, 167, 168, 228228, 260015, 172, 3020, 228004]
)
def test_parameters_are_named_as_eccodes_names_them(number):
    handle = eccodes.codes_grib_new_from_samples("GRIB2")
    try:
        eccodes.codes_set(handle, "paramId", number)
        found = [eccodes.codes_get(handle, key) for key in ("shortName", "name", "units")]
    finally:
        eccodes.codes_release(handle)
    one = parameter(number)
    assert [one.short_name, one.name, one.units] == found
    assert str(number) in parameter_ids(one.short_name)


def test_the_tables_are_small_and_name_their_sources():
    header, rows = shipped_rows()
    assert sum((FOLDER / name).stat().st_size for name in ("parameters.tsv.gz", "vocabulary.json")) < 300_000
    assert "eccodeslib 2." in header
    assert "metkitlib" in json.loads((FOLDER / "vocabulary.json").read_text())["source"]
    assert all(len(row) == 4 and row[0].isdigit() and row[1] for row in rows)
    assert [int(row[0]) for row in rows] == sorted({int(row[0]) for row in rows})


def test_every_key_is_its_own_name_and_every_alias_leads_to_a_key():
    assert [canonical_key(key) for key in tables()["keys"]] == tables()["keys"]
    assert {canonical_key(alias) for alias in tables()["aliases"]} <= set(tables()["keys"])


@pytest.mark.parametrize("key", ["class", "type", "stream", "levtype"])
def test_every_spelling_in_the_vocabulary_is_a_legal_value(key):
    for written, canonical in spellings(key).items():
        if written not in ("off", "none", "all") and "/" not in written:
            assert Request({key: [written]})[key] == (canonical,)
