"""Following a root: every commit once, in order, never before it can be read."""

import threading

import dask
import pytest

import dtedask
from dtedask.store.root_files import RootFiles

WAIT_S = 30


def commit(store, make_field, step, **keys):
    store.archive(*make_field(step, step=str(step), **keys))
    return store.flush()


def numbers(commits):
    return [(one.cube[-4:], one.sequence) for one in commits]


def test_following_from_the_beginning_gives_the_history(store, make_field):
    for step in (0, 6, 12):
        commit(store, make_field, step)
        commit(store, make_field, step, expver="0002")
    assert list(store.follow(after={}, timeout_s=0)) == store.history()


def test_following_begins_with_what_comes_from_now_on(store, make_field):
    commit(store, make_field, 0)
    following = store.follow(timeout_s=0)
    commit(store, make_field, 6)
    commit(store, make_field, 6, expver="0002")
    assert numbers(following) == [("test", 2), ("0002", 1)]


def test_following_goes_on_where_it_stopped(store, make_field):
    for step in (0, 6, 12):
        commit(store, make_field, step)
    following = store.follow(after={}, timeout_s=0)
    first = next(following)
    again = list(store.follow(after=following.position, timeout_s=0))
    assert [first, *again] == store.history()
    assert following.position == {"rd/enfo/test": 1}


def test_only_the_named_cubes_are_followed(store, make_field):
    commit(store, make_field, 0)
    commit(store, make_field, 0, expver="0002")
    assert numbers(store.follow(after={}, cubes=["rd/enfo/0002"], timeout_s=0)) == [("0002", 1)]


def test_setting_the_event_ends_following_after_what_was_committed(store, make_field):
    stop = threading.Event()
    following = store.follow(after={}, stop=stop)
    for step in (0, 6):
        commit(store, make_field, step)
    stop.set()
    assert numbers(following) == [("test", 1), ("test", 2)]
    assert list(following) == []


def test_a_root_and_cubes_that_come_later_are_found(store, make_field):
    following = store.follow(timeout_s=WAIT_S)
    writer = threading.Thread(target=lambda: (commit(store, make_field, 0), commit(store, make_field, 0, expver="2")))
    writer.start()
    found = [next(following), next(following)]
    writer.join()
    assert numbers(found) == [("test", 1), ("0002", 1)]


def test_what_is_given_out_can_be_read_at_once(store, make_field):
    def write():
        for step in range(8):
            commit(dtedask.open(store.root), make_field, step)

    following = store.follow(timeout_s=WAIT_S)
    writer = threading.Thread(target=write)
    writer.start()
    for step in range(8):
        found = next(following)
        assert str(step) in store.axes()["step"]
        assert store.at(found.snapshot).axes()["step"] == [str(one) for one in range(step + 1)]
    writer.join()


@pytest.mark.slow
def test_several_writers_are_heard_each_commit_once_in_order(store, make_field):
    def write(cube):
        for step in range(5):
            commit(dtedask.open(store.root), make_field, step, expver=cube)

    following = store.follow(after={}, timeout_s=WAIT_S)
    writers = [threading.Thread(target=write, args=(cube,)) for cube in ("0001", "0002", "0002")]
    for writer in writers:
        writer.start()
    expected = {"0001": 5, "0002": 5}  # equal fields written again make no commit
    found = [next(following) for _ in range(sum(expected.values()))]
    for writer in writers:
        writer.join()
    following.close()
    assert list(following) == []
    for cube, count in expected.items():
        assert [one.sequence for one in found if one.cube.endswith(cube)] == list(range(1, count + 1))
    assert {one.snapshot for one in found} == {one.snapshot for one in store.history()}


def test_commits_that_are_no_longer_in_the_history_are_counted(store, make_field, caplog):
    for step in (0, 6, 12):
        commit(store, make_field, step)
    following = store.follow(after={"rd/enfo/test": -2}, timeout_s=0)
    assert len(list(following)) == 3
    assert following.missed == 2
    assert "Commits -1 to 0 of rd/enfo/test are no longer in its history" in caplog.text


@pytest.mark.parametrize("root", ["memory://follow-late", None])
def test_a_timeout_ends_following_of_what_does_not_come(tmp_path, root):
    assert list(dtedask.open(root or tmp_path / "none").follow(timeout_s=0.01)) == []


@pytest.mark.slow
def test_a_rollback_and_a_wipe_are_commits_like_others(store, make_field):
    first = commit(store, make_field, 0)[0]
    commit(store, make_field, 6)
    following = store.follow(after={}, timeout_s=0)
    store.rollback(to=first.snapshot, doit=True)
    store.wipe("class=rd", doit=True, minimum_keys=("class",))
    commit(store, make_field, 12)
    found = list(following)
    assert [one.sequence for one in found] == [1, 2, 3, 4, 5]
    assert (found[2].rolled_back, found[3].removed, found[4].new) == (first.snapshot, 1, 1)


def test_following_goes_on_behind_commits_that_were_purged(store, make_field, caplog):
    for step in range(5):
        commit(store, make_field, step)
    following = store.follow(after={"rd/enfo/test": 1}, timeout_s=0)
    with dask.config.set({"dtedask.store.longest-reader": 0, "dtedask.store.clock-slack": 0}):
        store.purge(keep_commits=2)
    assert [one.sequence for one in following] == [4, 5]
    assert following.missed == 2
    assert "are no longer in its history" in caplog.text


def test_a_cube_that_came_just_before_the_end_is_heard(store, make_field):
    stop = threading.Event()
    following = store.follow(after={}, stop=stop)
    commit(store, make_field, 0)
    assert numbers([next(following)]) == [("test", 1)]
    commit(store, make_field, 0, expver="0002")
    stop.set()
    assert numbers(following) == [("0002", 1)]


def test_a_storage_that_fails_for_a_moment_is_asked_again(store, make_field, caplog, monkeypatch):
    commit(store, make_field, 0)
    answers = iter([dtedask.core.errors.StoreError("away"), dtedask.core.errors.StoreError("away")])
    found = RootFiles.cubes

    def cubes(files, *arguments):
        for error in answers:
            raise error
        return found(files, *arguments)

    monkeypatch.setattr(RootFiles, "cubes", cubes)
    assert numbers([next(store.follow(after={}, timeout_s=WAIT_S))]) == [("test", 1)]
    assert caplog.text.count("trying again: away") == 1


def test_a_storage_that_stays_away_ends_following_with_an_error(store, make_field, monkeypatch):
    commit(store, make_field, 0)
    following = store.follow(after={})

    def cubes(files, *arguments):
        raise dtedask.core.errors.StoreError("away")

    monkeypatch.setattr(RootFiles, "cubes", cubes)
    with (
        dask.config.set({"dtedask.store.commit-timeout": 0}),
        pytest.raises(dtedask.core.errors.StoreError, match=r"cannot be followed any more: away.*follow\(after="),
    ):
        next(following)
