"""`dtedask weights`: making, listing, showing and removing."""

import pytest

from dtedask.geo import Grid

MAKE = "weights make O8 30/30 --method grid-box-average"


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def made(run, cache):
    return run(f"{MAKE} --json --cache", cache).lines[0]


def test_weights_are_made_once(run, cache, made):
    assert (cache / made["key"]).is_dir()
    again = run(f"{MAKE} --json --cache", cache)
    assert (again.lines[0]["key"], again.lines[0]["made"], made["made"]) == (made["key"], False, True)
    assert "are there" in again.err


def test_a_dry_run_makes_nothing(run, cache):
    assert "would be made" in run(f"{MAKE} --dry-run --cache", cache).err
    assert not cache.exists()


def test_a_list_says_grids_and_method(run, cache, made):
    shown = run("weights list --cache", cache)
    assert shown.out.splitlines()[1].split()[:4] == [made["key"][:12], "O8", "30x30", "grid-box-average"]
    assert run("weights list --json --cache", cache).lines[0]["source"]["label"] == "O8"
    (cache / made["key"] / "zarr.json").write_text("")
    assert "damaged" in run("weights list --cache", cache).out


def test_an_empty_cache_is_no_error(run, cache):
    shown = run("weights list --cache", cache)
    assert (shown.status, shown.out) == (0, "")
    assert "no weights" in shown.err


def test_show_tells_of_weights_that_are_there_and_of_those_that_are_not(run, cache, made):
    words = "weights show O8 30/30 --method grid-box-average --json --cache"
    shown = run(words, cache).lines[0]
    assert (shown["key"], shown["kept"], shown["shape"]) == (made["key"], True, [84, Grid("O8").size])
    other = run(words.replace("--json", "--option least_covered=0.5 --json"), cache).lines[0]
    assert (other["kept"], other["identity"]["options"]["least_covered"]) == (False, 0.5)
    assert "kept      yes" in run("weights show O8 30/30 --method grid-box-average --cache", cache).out


def test_purge_removes_what_is_named(run, cache, made):
    assert run("weights purge --cache", cache).status == 2
    assert run("weights purge nosuch --cache", cache).status == 3
    assert "Would remove 1 entry" in run("weights purge --all --dry-run --cache", cache).err
    assert run("weights purge --json --cache", cache, made["key"][:6]).lines[0]["done"]
    assert not list(cache.iterdir())


def test_wrong_grids_and_options_are_wrong_usage_or_errors(run, cache):
    assert "no option 'nosuch'" in run(f"{MAKE} --option nosuch=1 --cache", cache).err
    assert run(f"{MAKE} --option nosuch --cache", cache).status == 2
