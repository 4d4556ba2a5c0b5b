"""`dtedask store wipe`, `rollback`, `history`, `diff` and the tags."""

import shutil

import pytest

import dtedask

CUBE = "ea/enda/0001"


@pytest.fixture
def place(root, tmp_path):
    """A root of two commits, one a day, that a test may change."""
    return shutil.copytree(root, tmp_path / "data")


def days(place):
    return dtedask.open(place).axes()["date"]


def test_wipe_only_shows_what_goes_until_it_is_told_to_act(run, place):
    shown = run("store wipe class=ea,expver=1,date=20170101 --root", place)
    assert (shown.status, days(place)) == (0, ["20170101", "20170102"])
    assert shown.out.startswith("- class=ea,")
    assert shown.out.endswith("# t, 4 fields\n")
    assert "Would wipe 4 fields" in shown.err
    assert "Nothing was done" in shown.err
    done = run("store wipe class=ea,expver=1,date=20170101 --doit --json --root", place)
    assert (done.status, days(place)) == (0, ["20170102"])
    assert (done.lines[0]["done"], done.lines[0]["fields"]) == (True, 4)


@pytest.mark.parametrize(
    ("words", "status", "text"),
    [
        ("class=ea,date=20170101 --doit", 2, "lacks expver"),
        ("class=ea,expver=1,date=20200101 --doit", 3, "date=20200101"),
        ("class=ea,expver=1 --doit --dry-run", 2, "not both"),
        ("class=ea,date=20200101 --minimum-keys class", 3, "date=20200101"),
    ],
)
def test_a_wipe_that_is_not_meant_or_matches_nothing_changes_nothing(run, place, words, status, text):
    shown = run(f"store wipe {words} --root", place)
    assert (shown.status, days(place)) == (status, ["20170101", "20170102"])
    assert text in shown.err


def test_a_bad_source_is_rolled_back_and_the_rollback_undone_as_it_says(run, place):
    shown = run("store rollback --source next.grib --root", place)
    assert (shown.status, days(place)) == (0, ["20170101", "20170102"])
    assert run("store rollback --source next.grib --doit --root", place).status == 0
    assert days(place) == ["20170101"]
    done = run("store rollback --to", dtedask.open(place).history()[1].snapshot, "--doit", "--root", place)
    assert days(place) == ["20170101", "20170102"]
    (undo,) = [line.removeprefix("To undo it: dtedask ") for line in done.err.splitlines() if "To undo it" in line]
    assert run(f"{undo} --root", place).status == 0
    assert days(place) == ["20170101"]
    assert run("store rollback --root", place).status == 2
    assert run("store rollback --source nosuch.grib --root", place).status == 3


def test_history_finds_commits_by_fields_source_and_author(run, place):
    found = run(f"store history {CUBE} --json --root", place).lines
    assert [commit["sequence"] for commit in found] == [1, 2]
    by_day = run("store history class=ea,date=20170102 --json --root", place).lines
    assert by_day == run("store history --source next.grib --json --root", place).lines == found[1:]
    assert run("store history --author nobody --json --root", place).lines == []


def test_a_tag_is_made_listed_compared_with_and_taken_away(run, place):
    assert run("store tags --root", place).err == "There are no tags.\n"
    assert (
        run(
            "store tag first --message 'one day' --at", dtedask.open(place).history()[0].snapshot, "--root", place
        ).status
        == 0
    )
    assert run("store tags --json --root", place).lines[0]["message"] == "one day"
    shown = run("store diff first --root", place)
    assert shown.out.startswith("+ class=ea,")
    assert "date=20170102" in shown.out
    assert run("store diff first --json --root", place).lines[0]["cubes"][0]["added"][0]["fields"] == 4
    assert run("store axes date=20170101 --at first --root", place).status == 0
    assert run("store axes date=20170102 --at first --root", place).status == 3
    assert run("store tag first --root", place).status == 1
    assert run("store untag first --root", place).status == 0
    assert run("store untag first --root", place).status == 1
    assert run("store diff nosuch --root", place).status == 1
