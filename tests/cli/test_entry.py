"""The entry point: exit statuses, what goes where, and what is loaded."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from dtedask.cli import console, entry
from dtedask.core.errors import ClusterError

DTEDASK = Path(sys.executable).with_name("dtedask")


def call(*words, **options):
    # As a user has it: tests in this process have set Icechunk's level already.
    environment = {name: value for name, value in os.environ.items() if name != "ICECHUNK_LOG"}
    return subprocess.run([DTEDASK, *words], capture_output=True, text=True, env=environment, **options)


@pytest.mark.slow
def test_help_loads_neither_xarray_nor_dask():
    code = (
        "import sys; from dtedask.cli import main; main(['--help']);"
        "print(sorted({'xarray', 'dask', 'numpy', 'icechunk', 'zarr', 'pydantic'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.slow
def test_help_comes_at_once():
    def seconds():
        """Time of a processor, which other work on this machine does not change much."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert call("--help").returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(seconds() for _ in range(5)) < 0.5


def test_the_version_is_shown(run):
    import dtedask

    assert run("--version").out == f"dtedask {dtedask.__version__}\n"


@pytest.mark.parametrize(
    ("line", "status", "text"),
    [
        ("stor list", 2, "No such command 'stor'. Did you mean 'store'?"),
        ("store lst", 2, "No such command 'lst'. Did you mean 'list'?"),
        ("store list --rot x", 2, "No such option: --rot.\n  Did you mean '--root'?"),
        ("ingest x --unit fil", 2, "'fil' is not one of 'all', 'file', 'step'.\n  Did you mean 'file'?"),
        ("store list clas=ea", 2, "Unknown request key 'clas'.\n  Did you mean 'class'?"),
        ("store list step=abc", 2, "abc"),
        ("store retrieve param=t", 2, "Missing option '--to'."),
        ("store retrieve param=t --to t.ncc", 2, "Did you mean '.nc'?"),
        ("store retrieve param=t --to nowhere/t.nc", 2, "no folder 'nowhere'"),
        ("store list --root nowhere", 1, "There is no root at"),
        ("config store.rot", 2, "Did you mean 'store.root'?"),
        ("cluster script slrm", 2, "Did you mean 'slurm'?"),
        ("ingest nothing.grib", 1, "There is no file 'nothing.grib'."),
        ("ingest a --cluster locl --dry-run", 2, "Did you mean 'local'?"),
        ("ingest", 2, "name files to ingest, or a folder with --watch."),
        ("ingest a --watch b", 2, "not both"),
        ("listen nothing.yaml", 2, "There is no listeners file"),
        ("listen x.yaml --now --catchup", 2, "not both"),
        ("recipe run nothing.yaml", 2, "There is no recipe file 'nothing.yaml'."),
        ("recipe run x.yaml --set root", 2, "'root' sets nothing."),
        ("catalog list --catalog nothing.yaml", 2, "nothing.yaml"),
    ],
)
def test_what_is_wrong_is_said_without_a_traceback(run, here, line, status, text):
    done = run(line)
    assert done.status == status, done.err
    assert text in done.err
    assert done.out == ""
    assert "Traceback" not in done.err


def raising(error):
    def command(*_words, **_options):
        raise error

    return command


def test_an_unexpected_error_is_one_line_and_points_to_debug(run, monkeypatch):
    monkeypatch.setattr(entry, "_run", raising(RuntimeError("first\nsecond")))
    done = run("info")
    assert done.status == 1
    assert done.err == "Error: RuntimeError: first second\n  Use --debug to see where.\n"


def test_with_debug_the_error_is_raised(run, monkeypatch):
    monkeypatch.setattr(entry, "_run", raising(RuntimeError("first")))
    with pytest.raises(RuntimeError, match="first"):
        run("info --debug")


def test_a_cluster_that_is_gone_is_told_of_with_what_was_done_on_it(run, monkeypatch):
    def lost(*_words):
        raise ClusterError("The cluster 'night' is dead.", hint="Start it again.") from ClusterError(
            "The scheduler is gone, while 'step 6' (30 fields) was written."
        )

    monkeypatch.setattr(entry, "_run", lost)
    said = run("info").err
    assert said.startswith("Error: The cluster 'night' is dead.\nThe scheduler is gone, while 'step 6' (30 fields)")
    assert said.endswith("  Start it again.\n")


def test_an_interrupt_exits_with_130(run, monkeypatch):
    monkeypatch.setattr(entry, "_run", raising(KeyboardInterrupt))
    assert (run("info").status, run("info").err) == (130, "Error: Interrupted.\n")


@pytest.mark.slow
def test_a_warning_is_one_line_on_standard_error(run, root):
    done = run("store list class=ea,number=0/to/1,date=20170101/to/20170102,step=0/to/8 --json --root", root)
    assert len(done.lines) == 8
    assert [line[:24] for line in done.err.splitlines()] == ["Warning: step=0/to/8 goe"]


def test_flags_may_stand_anywhere_before_two_dashes():
    assert entry._take_flags(["store", "--debug", "list", "-q"]) == ["store", "list"]
    assert (entry.mode.debug, entry.mode.quiet, entry.mode.verbose) == (True, True, False)
    assert entry._take_flags(["ingest", "--", "--debug"]) == ["ingest", "--", "--debug"]
    assert not entry.mode.debug


@pytest.mark.slow
def test_json_is_pure_and_free_of_colour_in_a_process_of_its_own(root):
    done = call("store", "list", "--root", root, "--json")
    assert [json.loads(line)["class"] for line in done.stdout.splitlines()] == ["ea"] * 8
    assert done.stderr == ""


@pytest.mark.slow
def test_a_reader_that_leaves_is_no_failure(root):
    line = f"set -o pipefail; {DTEDASK} store list --root {root} | true"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_tables_have_no_colour_and_no_spaces_at_line_ends_where_they_are_piped(root):
    done = call("store", "history", "--root", root)
    assert "\x1b" not in done.stdout
    assert all(line == line.rstrip() for line in done.stdout.splitlines())
    assert len(done.stdout.splitlines()) == 3


@pytest.mark.slow
def test_dask_has_the_commands_too(root):
    done = subprocess.run(
        [DTEDASK.with_name("dask"), "dtedask", "store", "axes", "--root", root, "--json"],
        capture_output=True,
        text=True,
    )
    assert json.loads(done.stdout)["class"] == ["ea"]


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (123_456, "123 kB"), (2.5e9, "2.5 GB"), (3e15, "3000 TB")],
)
def test_sizes_are_readable(count, text):
    assert console.size(count) == text
