"""`dtedask store purge` and what lets it go on."""

import shutil

import dask
import pytest

import dtedask


@pytest.fixture
def place(root, tmp_path):
    """A root of two commits that a test may change."""
    shutil.copytree(root, tmp_path / "data")
    with dask.config.set({"dtedask.store.longest-reader": 0, "dtedask.store.clock-slack": 0}):
        yield tmp_path / "data"


def test_purge_says_what_it_would_do_and_does_it_only_when_told(run, place):
    shown = run("store purge --keep-commits 1 --root", place)
    assert (shown.status, len(dtedask.open(place).history())) == (0, 2)
    assert "Nothing was done: --doit does it." in shown.err
    assert shown.out.splitlines()[1].split()[:4] == ["ea/enda/0001", "1", "1", "2"]
    done = run("store purge --keep-commits 1 --doit --json --root", place)
    assert done.lines[0]["cubes"][0]["expired"] == [1]
    assert [commit.sequence for commit in dtedask.open(place).history()] == [2]


def test_a_rule_is_remembered_in_the_root(run, place):
    assert run("store purge --keep 7d --keep-commits 1 --remember --doit --root", place).status == 0
    assert "Keeping 7 d and 1 commits." in run("store purge --root", place).err


@pytest.mark.parametrize("options", ["--doit --dry-run", "--remember", "--keep soon", "--keep-commits 0"])
def test_what_makes_no_sense_is_wrong_usage(run, place, options):
    assert run(f"store purge {options} --root", place).status == 2


def test_a_listener_that_never_comes_back_holds_purge_until_it_is_forgotten(run, place):
    from dtedask.notify import open_log

    open_log(place).register("gone", {})
    held = run("store purge --keep-commits 1 --doit --root", place)
    assert "ea/enda/0001 is kept back by listener 'gone', which has heard of 0 commits" in held.err
    assert "would be forgotten" in run("listen --forget gone --dry-run --root", place).err
    assert run("listen --forget gone --root", place).status == 0
    assert run("listen --forget gone --root", place).status == 2
    assert run("store purge --keep-commits 1 --doit --json --root", place).lines[0]["cubes"][0]["expired"] == [1]


def test_listen_without_a_file_is_wrong_usage(run, place):
    shown = run("listen --root", place)
    assert (shown.status, "name the files of the listeners" in shown.err) == (2, True)
