"""`dtedask store stats|status|where|info|dump|lock|unlock|locks`."""

import json
import shutil

import pytest


@pytest.fixture
def copy(root, tmp_path):
    """The root of `root`, for tests that change it."""
    return shutil.copytree(root, tmp_path / "data")


def test_stats_count_fields_and_bytes(run, root):
    (cube,) = run("store stats --json --root", root).lines
    assert cube["fields"] == 8
    assert cube["groups"] == {"an/pl/30x30": 8}
    assert cube["decoded_bytes"] == 8 * 7 * 12 * 4
    stored = sum(path.stat().st_size for path in (root / "ea/enda/0001").rglob("*") if path.is_file())
    assert cube["stored_bytes"] == stored
    assert (cube["commits"], cube["replaced"]) == (2, 0)
    assert "ea/enda/0001" in run("store stats --root", root).out


def test_stats_of_a_request_count_only_its_fields(run, root):
    (cube,) = run("store stats date=20170101,levelist=500 --json --root", root).lines
    assert (cube["fields"], cube["commits"]) == (2, 2)


def test_where_prints_the_cubes_that_hold_a_request(run, root):
    assert run("store where class=ea --root", root).out == f"{root}/ea/enda/0001\n"
    assert run("store where --json --root", root).lines == [{"path": f"{root}/ea/enda/0001"}]
    nothing = run("store where class=od --root", root)
    assert (nothing.status, nothing.out) == (3, "")


def test_info_names_format_schema_and_size(run, root):
    (found,) = run("store info --json --root", root).lines
    assert (found["format"], found["cubes"], found["fields"], found["kind"]) == (1, 1, 8, "local disk")
    assert found["settings"]["store.durable"] is True
    shown = run("store info --root", root).out
    assert f"schema    version 1, {found['schema_digest'][:16]}\n" in shown


def test_info_of_nothing_is_an_error(run, tmp_path):
    assert run("store info --root", tmp_path / "none").status == 1


def test_dump_shows_axes_and_arrays(run, root):
    (cube,) = run("store dump ea/enda/0001 --json --root", root).lines
    (group,) = cube["groups"]
    assert {axis["name"]: axis["labels"] for axis in group["axes"]}["level"] == ["500", "850"]
    shown = run("store dump ea/enda/0001 --root", root)
    assert "an/pl/30x30  level" in shown.out
    assert "blosc" in shown.out


def test_a_lock_is_shown_honoured_and_taken_away(run, copy):
    (lock,) = run("store lock class=ea,levelist=500 --verb list --reason quiet --json --root", copy).lines
    refused = run("store list --root", copy)
    assert (refused.status, refused.out) == (1, "")
    assert "quiet" in refused.err
    assert f"unlock {lock['id']} --root {copy}" in refused.err
    assert [one["id"] for one in run("store locks levelist=500 --json --root", copy).lines] == [lock["id"]]
    assert run("store locks levelist=850 --json --root", copy).lines == []
    (cube,) = run("store status --json --root", copy).lines
    assert (cube["sequence"], [one["reason"] for one in cube["locks"]]) == (2, ["quiet"])
    assert "quiet" in run("store status --root", copy).out
    assert run(f"store unlock {lock['id']} --root", copy).status == 0
    assert run("store list --root", copy).status == 0
    assert run("store locks --root", copy).err == "Nothing is locked.\n"


def test_a_dry_run_neither_locks_nor_unlocks(run, copy):
    assert "would be locked" in run("store lock class=ea --dry-run --root", copy).err
    assert run("store locks --json --root", copy).lines == []
    run("store lock class=ea --root", copy)
    assert "archive/wipe of class=ea" in run("store unlock class=ea --dry-run --root", copy).err
    assert len(run("store locks --json --root", copy).lines) == 1


def test_an_unknown_verb_is_a_wrong_value(run, copy):
    done = run("store lock class=ea --verb read --root", copy)
    assert done.status == 2
    assert json.dumps("Cannot lock 'read'.")[1:-1] in done.err
