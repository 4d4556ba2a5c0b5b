"""`dtedask store schema`, and a root with rules and keys of its own on the command line."""

import json
import shutil

import pytest

FDB = """
param: Param; step: Step; date: Date; levelist: Double; expver: Expver; time: Time; number: Integer; quality: Integer;
[ class=ea/rd, expver, stream, date, time, domain?g
    [ type, levtype
        [ step?, number?, levelist?, quality?1, param ]]]
"""


@pytest.fixture
def ruled(run, grib, here):
    """A folder with FDB's schema, the same as YAML, and a root under it."""
    (here / "fdb-schema").write_text(FDB)
    shutil.copytree(grib / "more", here / "more")
    assert run("store schema import fdb-schema --to schema.yaml").status == 0
    assert run("ingest more --root data --schema schema.yaml").status == 0
    return here


def test_an_imported_schema_is_checked_shown_and_takes_the_same(run, ruled):
    assert run("store schema check schema.yaml").err.strip() == "schema.yaml is a schema of 1 rule."
    from_fdb, from_yaml = run("store schema check fdb-schema --json"), run("store schema check schema.yaml --json")
    assert (
        json.loads(from_fdb.out)
        == json.loads(from_yaml.out)
        == json.loads(run("store schema show --root data --json").out)
    )
    text = (ruled / "schema.yaml").read_text()
    assert "# fdb-schema:5\n- keys:\n    class: [ea, rd]\n" in text
    assert run("store schema import fdb-schema --to -").out == text
    assert run("store schema import fdb-schema --to new.yaml --dry-run").status == 0
    assert not (ruled / "new.yaml").exists()


@pytest.mark.slow
def test_keys_of_a_roots_own_are_known_to_every_command(run, ruled):
    total = len(run("store list --root data").out.splitlines())
    assert len(run("store list --root data quality=1").out.splitlines()) == total > 0
    assert run("store list --root data quality=0/to/3 --compact").out.count("quality=1") == 1
    assert run("store axes --root data quality=1 --json").out.count('"quality":["1"]') == 1
    missing = run("store list --root data quality=2")
    assert (missing.status, "What exists is quality=1" in missing.err) == (3, True)
    assert "quality" in run("store explain --root data quality=2").out
    wrong = run("store axes --root data qality=1")
    assert (wrong.status, "Did you mean 'quality'" in wrong.err) == (2, True)
    assert run("store wipe --root data class=ea,expver=0001,quality=1").status == 0
    assert run("store lock --root data quality=1").status == 0
    assert "quality=1" in run("store locks --root data").out
    assert run("store history --root data quality=1").status == 0
    (file,) = sorted((ruled / "more").iterdir())[:1]
    refused = run(f"store archive --root data {file} --key quality=1")
    assert (refused.status, "is refused" in refused.err) == (1, True)
    assert run(f"store archive --root data {file} --key quality=7").status == 0
    assert run("store list --root data quality=7").out


def test_an_update_is_refused_or_done_and_the_version_before_is_shown(run, ruled):
    text = (ruled / "schema.yaml").read_text()
    (ruled / "bad.yaml").write_text(text.replace("[ea, rd]", "rd"))
    (ruled / "good.yaml").write_text(text.replace("[ea, rd]", "[ea, rd, od]"))
    refused = run("store schema update bad.yaml --root data")
    assert (refused.status, "class=ea is not rd" in refused.err) == (1, True)
    tried = run("store schema update good.yaml --root data --dry-run")
    assert (tried.status, tried.out) == (0, "rule 1 differs in class\n")
    assert run("store schema update good.yaml --root data").status == 0
    assert "[ea, rd, od]" in run("store schema show --root data").out
    assert "[ea, rd]" in run("store schema show --root data --version 1").out
    assert run("store schema show --root data --version 3").status == 1
    assert "Nothing changes" in run("store schema update good.yaml --root data").err


def test_a_mistake_in_a_schema_is_wrong_usage(run, here):
    (here / "fdb-schema").write_text("[ class=xx [ type [ param ]]]")
    refused = run("store schema import fdb-schema --to schema.yaml")
    assert (refused.status, "fdb-schema:1: " in refused.err) == (2, True)
    assert not (here / "schema.yaml").exists()
    (here / "fdb-schema").write_text("[ class=od [ type [ param ]]]\n[ class [ type [ param ]]]")
    warned = run("store schema check fdb-schema")
    assert (warned.status, "the earlier one wins" in warned.err) == (0, True)
