"""Branches: what one sees stays out of main, and of the notices."""

import dask
import numpy as np
import pytest

import dtedask
from dtedask.core.errors import BranchError, NotFoundError


def archive(store, make_field, step, **keys):
    store.archive(*make_field(int(step), step=step, **keys))
    return store.flush()


@pytest.fixture
def test_branch(store, make_field):
    """A root with step 0 in main and in the branch test."""
    archive(store, make_field, "0")
    store.create_branch("test")
    return dtedask.open(store.root, branch="test")


def test_a_branch_begins_with_main_and_each_goes_its_way(store, test_branch, make_field):
    archive(test_branch, make_field, "6")
    archive(store, make_field, "12")
    assert test_branch.axes()["step"] == ["0", "6"]
    assert store.axes()["step"] == ["0", "12"]
    assert [commit.sequence for commit in test_branch.history()] == [1, 2]
    assert [commit.message for commit in store.history()] == ["1 fields", "1 fields"]
    assert store.history()[1].snapshot != test_branch.history()[1].snapshot
    assert store.branches() == ["main", "test"]
    assert "branch test" in repr(test_branch)


def test_a_branch_is_followed_pinned_and_staged_like_main(store, test_branch, make_field):
    following, pinned = test_branch.follow(timeout_s=0), test_branch.pinned()
    archive(store, make_field, "12")
    test_branch.archive(*make_field(6, step="6"))
    assert test_branch.axes()["step"] == ["0", "6"]
    (commit,) = test_branch.flush()
    assert list(following) == [commit]
    assert pinned.refresh() == [commit]


def test_plug_ins_hear_of_main_only(store, test_branch, make_field, monkeypatch):
    heard = []
    monkeypatch.setattr("dtedask.store.archive.run_after_commit", lambda commit: heard.append(commit) or [])
    monkeypatch.setattr("dtedask.store.wipe.run_after_commit", lambda commit: heard.append(commit) or [])
    archive(test_branch, make_field, "6")
    test_branch.wipe("class=rd", doit=True, minimum_keys=("class",))
    assert heard == []
    assert archive(store, make_field, "6") == heard


def test_a_wipe_in_a_branch_leaves_main_alone(store, test_branch):
    test_branch.wipe("class=rd", doit=True, minimum_keys=("class",))
    assert list(test_branch.list()) == []
    assert store.axes()["step"] == ["0"]


def test_a_branch_can_begin_in_the_past(store, make_field):
    first = archive(store, make_field, "0")[0]
    archive(store, make_field, "6")
    store.create_branch("past", at=first.snapshot)
    assert dtedask.open(store.root, branch="past").axes()["step"] == ["0"]


@pytest.mark.slow
def test_a_cube_that_lacks_the_branch_is_empty_in_it(store, test_branch, make_field):
    archive(store, make_field, "0", expver="0002")
    assert {record.cube for record in test_branch.list()} == {"rd/enfo/test"}
    archive(test_branch, make_field, "6", expver="0002")
    archive(test_branch, make_field, "6", expver="0003")
    assert [record.keys["step"] for record in test_branch.list("expver=0002/0003")] == ["6", "6"]
    assert [record.keys["step"] for record in store.list("expver=0002/0003")] == ["0"]


def test_a_branch_that_nobody_made_is_an_error_for_readers_and_writers(store, make_field):
    archive(store, make_field, "0")
    mistaken = dtedask.open(store.root, branch="tset")
    for use in (lambda: list(mistaken.list()), lambda: mistaken.archive(*make_field(1))):
        with pytest.raises(NotFoundError, match="no branch 'tset'"):
            use()
    with pytest.raises(NotFoundError, match="There is no root"):
        dtedask.open(store.root + "-none").create_branch("test")


@pytest.mark.parametrize("name", ["main", "", "a/b", "a b", ".a", "x" * 65])
def test_names_are_checked(store, test_branch, name):
    with pytest.raises(BranchError, match="cannot be the name of a branch"):
        store.create_branch(name)


def test_a_branch_is_made_once_and_deleted_once(store, test_branch):
    with pytest.raises(BranchError, match="'test' exists"):
        store.create_branch("test")
    store.delete_branch("test")
    assert store.branches() == ["main"]
    with pytest.raises(NotFoundError, match="no branch 'test'"):
        store.delete_branch("test")
    with pytest.raises(BranchError, match="'main' cannot be deleted"):
        store.delete_branch("main")
    assert store.axes()["step"] == ["0"]


def test_the_past_of_a_branch_is_its_own(store, test_branch, make_field):
    moments = [archive(one, make_field, step)[0].time for one, step in ((test_branch, "6"), (store, "12"))]
    assert test_branch.at(moments[1]).axes()["step"] == ["0", "6"]
    assert store.at(moments[1]).axes()["step"] == ["0", "12"]
    assert store.at(moments[0]).axes()["step"] == ["0"]


def test_going_back_in_a_branch_leaves_main_alone(store, test_branch, make_field):
    first = test_branch.history()[0]
    archive(test_branch, make_field, "6")
    archive(store, make_field, "12")
    assert test_branch.rollback(to=first.snapshot, doit=True)
    assert test_branch.axes()["step"] == ["0"]
    assert store.axes()["step"] == ["0", "12"]


def test_purge_keeps_what_a_branch_has_until_it_is_deleted(store, test_branch, make_field):
    with dask.config.set({"dtedask.store.longest-reader": 0, "dtedask.store.clock-slack": 0}):
        archive(test_branch, make_field, "6", shape=(20, 20), param="u")
        archive(store, make_field, "12")
        store.purge(keep_commits=1)
        values = test_branch.retrieve("param=u")["u"].to_numpy().squeeze()
        assert np.array_equal(values, make_field(6, shape=(20, 20))[0])
        store.delete_branch("test")
        assert store.purge(keep_commits=1).objects > 0
    assert store.verify(all_snapshots=True).findings == ()
    assert store.axes()["step"] == ["0", "12"]
