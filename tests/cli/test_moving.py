"""Copies, moves and comparisons on the command line."""

import os
import signal
import subprocess
import sys

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


# Says when a commit is done and waits for a line: the test decides when the interrupt comes.
SLOW_COPY = """
import sys
from dtedask.cli import main
from dtedask.store.archive import Archive
flush = Archive.flush
def slowly(self, *arguments):
    found = flush(self, *arguments)
    print("commit", flush=True)
    sys.stdin.readline()
    return found
Archive.flush = slowly
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.slow
def test_a_copy_that_is_interrupted_keeps_what_it_committed_and_goes_on(run, root, here):
    environment = {**os.environ, "DASK_DTEDASK__STORE__COPY_BYTES": "1"}
    command = [sys.executable, "-c", SLOW_COPY, "store", "copy", "--root", str(root), "--to", "copy"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment, **pipes) as process:
        for _ in range(3):
            assert process.stdout.readline() == "commit\n"
            process.stdin.write("\n")
            process.stdin.flush()
        assert process.stdout.readline() == "commit\n"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert len(list(dtedask.open("copy").list())) == 4
    (summary,) = run(f"store copy --root {root} --to copy --json").lines
    assert (summary["new"], summary["unchanged"]) == (4, 4)
