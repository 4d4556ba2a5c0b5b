"""`dtedask store verify`: what it says, and how it exits."""

import shutil

import pytest

from dtedask.store.repository import cached_snapshot
from dtedask.store.upkeep import integrity


@pytest.fixture
def damaged(root, tmp_path):
    """A copy of the root whose newest snapshot is cut short."""
    copy = shutil.copytree(root, tmp_path / "data")
    newest = max((copy / "ea" / "enda" / "0001" / "snapshots").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    newest.write_bytes(newest.read_bytes()[:-30])
    cached_snapshot.cache_clear()
    integrity._checked.clear()
    return copy


def test_a_root_that_is_whole_exits_with_0_and_says_so_on_standard_error(run, root):
    done = run("store verify --root", root)
    assert (done.status, done.out) == (0, "")
    assert "all is whole." in done.err


@pytest.mark.parametrize("option", ["", "--quick", "--all-snapshots"])
def test_damage_is_listed_with_its_remedy_and_exits_with_1(run, damaged, option):
    done = run(f"store verify {option} --root", damaged)
    assert done.status == 1
    first, fields, remedy = done.out.splitlines()
    assert first.startswith(f"snapshot {damaged}/ea/enda/0001/snapshots/")
    assert fields == "  fields: class=ea,stream=enda,expver=0001"
    assert "dtedask store rollback ea/enda/0001 --to " in remedy


def test_the_command_that_the_remedy_names_leads_to_a_whole_root(run, damaged):
    remedy = run("store verify --root", damaged).out.splitlines()[-1]
    command = remedy.rsplit("`", 2)[1].removeprefix("dtedask ")
    assert run(f"{command} --root", damaged).status == 0
    assert run("store verify --root", damaged).status == 0
    assert len(run("store list --json --root", damaged).lines) == 4


def test_damage_as_json_is_one_object(run, damaged):
    done = run("store verify --json --root", damaged)
    (found,) = done.lines
    assert (done.status, found["is_whole"], [one["kind"] for one in found["findings"]]) == (1, False, ["snapshot"])
