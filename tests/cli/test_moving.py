"""Copies, moves and comparisons on the command line."""

import pytest

import dtedask


@pytest.fixture
def copied(run, root, here):
    """A folder with `copy`, which holds what `root` does."""
    assert run(f"store copy --root {root} --to copy").status == 0
    return here / "copy"


def test_copy_says_what_it_did_and_does_nothing_twice(run, root, here):
    done = run(f"store copy --root {root} --to copy class=ea,levelist=500 --json")
    assert done.status == 0
    (summary,) = done.lines
    assert (summary["fields"], summary["new"], summary["done"]) == (4, 4, True)
    again = run(f"store copy --root {root} --to copy class=ea --message 'all of it'")
    assert "Copied 8 fields" in again.err
    assert "4 new, 0 replaced, 4 unchanged" in again.err
    (_, last) = dtedask.open("copy").history()
    assert (last.message, last.new) == ("all of it", 4)


def test_a_dry_run_of_copy_writes_nothing(run, root, here):
    done = run(f"store copy --root {root} --to copy --dry-run")
    assert "Would copy 8 fields" in done.err
    assert not (here / "copy").exists()


def test_copy_of_nothing_exits_with_3(run, root, here):
    assert run(f"store copy --root {root} --to copy class=od").status == 3
    assert run(f"store copy --root {root} --to {root}").status == 2


def test_compare_exits_with_0_1_or_3(run, root, grib, copied):
    same = run(f"store compare --root {root} --with {copied}")
    assert (same.status, same.out) == (0, "")
    assert "8 compared, 0 differ" in same.err
    files = run(f"store compare --root {root} --with {grib}/forecast.grib2 --with {grib}/more")
    assert files.status == 0
    assert "8 compared" in files.err
    assert run(f"store compare --root {root} --with {copied} class=od").status == 3


def test_compare_writes_one_line_a_difference(run, root, copied):
    dtedask.open(copied).wipe("class=ea,expver=1,levelist=850,number=1", doit=True)
    found = run(f"store compare --root {root} --with {copied} --json")
    assert found.status == 1
    assert [(line["kind"], line["keys"]["levelist"]) for line in found.lines] == [("left-only", "850")] * 2
    table = run(f"store compare --root {root} --with {copied}")
    assert table.out.count("only on the left") == 2


def test_move_needs_doit_and_says_what_went(run, copied):
    line = f"store move --root {copied} --to there class=ea,expver=1,levelist=850"
    planned = run(line)
    assert "Would move 4 fields" in planned.err
    assert "--doit does it" in planned.err
    done = run(f"{line} --doit")
    assert done.status == 0
    assert "Moved 4 fields" in done.err
    assert done.out.startswith("- class=ea")
    assert done.out.endswith("# t, 4 fields\n")
    assert dtedask.open(copied).axes()["levelist"] == ["500"]
    assert dtedask.open("there").axes()["levelist"] == ["850"]
    assert run(f"{line} --doit").status == 3
    assert run(f"store move --root {copied} --to there class=ea --doit").status == 2
