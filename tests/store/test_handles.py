"""Handles: left by an exception, forgotten, pinned, refreshed, pickled."""

import copy
import pickle

import pytest

import dtedask


def archive(store, make_field, step, **keys):
    store.archive(*make_field(step, step=str(step), **keys))


def test_leaving_a_handle_commits_what_was_archived(store, make_field):
    with store:
        archive(store, make_field, 0)
        archive(store, make_field, 6)
    assert store.axes()["step"] == ["0", "6"]
    assert len(store.history()) == 1


def leave_by(kind, store, make_field):
    with store:
        archive(store, make_field, 6)
        raise kind("in between")


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_leaving_a_handle_by_an_exception_publishes_nothing(store, make_field, kind):
    with store:
        archive(store, make_field, 0)
    with pytest.raises(kind, match="^in between$"):
        leave_by(kind, store, make_field)
    assert not store.dirty
    assert dtedask.open(store.root).axes()["step"] == ["0"]


def test_a_handle_that_is_forgotten_with_fields_warns_and_publishes_nothing(store, make_field):
    with store:
        archive(store, make_field, 0)
    forgotten = dtedask.open(store.root)
    archive(forgotten, make_field, 6)
    handles = [forgotten]
    del forgotten
    with pytest.warns(ResourceWarning, match="gone with 1 fields that were archived and never flushed"):
        handles.clear()
    assert store.axes()["step"] == ["0"]


def test_a_pinned_handle_keeps_to_what_it_saw_until_it_is_refreshed(store, make_field):
    with store:
        archive(store, make_field, 0)
    pinned = store.pinned()
    with store:
        archive(store, make_field, 6)
        archive(store, make_field, 6, expver="0002")
    (travelled,) = (pickle.loads(pickle.dumps(pinned)),)
    assert pinned.axes()["step"] == travelled.axes()["step"] == ["0"]
    assert pinned.cubes() == ["rd/enfo/test"]
    assert [commit.cube for commit in pinned.refresh()] == [commit.cube for commit in store.history()[1:]]
    assert pinned.axes()["step"] == ["0", "6"]
    assert pinned.cubes() == ["rd/enfo/0002", "rd/enfo/test"]
    assert pinned.refresh() == []


def test_refresh_gives_the_commits_since_the_last_look(store, make_field):
    assert store.refresh() == []
    for step in (0, 6):
        with store:
            archive(store, make_field, step)
    assert store.refresh() == store.history()
    assert store.refresh() == []


def test_a_pinned_or_past_handle_is_for_reading(store, make_field):
    with store:
        archive(store, make_field, 0)
    with pytest.raises(dtedask.core.errors.ReadOnlyError, match="pinned"):
        archive(store.pinned(), make_field, 6)
    past = store.at(store.history()[0].snapshot)
    with pytest.raises(dtedask.core.errors.ReadOnlyError, match="does not move"):
        past.refresh()
    assert past.pinned() is past


def test_a_pinned_handle_of_a_cube_that_came_later_says_so(store, make_field):
    with store:
        archive(store, make_field, 0)
    pinned = store.pinned()
    with store:
        archive(store, make_field, 0, expver="0002")
    with pytest.raises(dtedask.core.errors.NotFoundError, match="There was no cube 'rd/enfo/0002'.* `refresh"):
        pinned.groups("rd/enfo/0002")


def test_a_copy_of_a_handle_reads_the_same_and_holds_none_of_its_fields(store, make_field):
    archive(store, make_field, 0)
    with pytest.raises(TypeError, match="wait for flush"):
        copy.copy(store)
    assert not store.at("2024-01-01").dirty
    store.flush()
    assert copy.copy(store).axes() == store.axes()
