"""Tags, differences, going back, and who wrote what: against dictionaries that remember every state."""

import itertools
from datetime import timedelta

import dask
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dtedask
from dtedask.core.errors import ControlledError, NotFoundError, RequestError, TagError
from dtedask.store.location import Location
from dtedask.store.repository import open_repository

CUBE = "rd/enfo/test"
SHAPE = (2, 3)
ALL = "class=rd,expver=test"
_NAMES = itertools.count()
STEPS, LEVELS = ("0", "6", "12"), ("500", "850")
places = st.tuples(st.sampled_from(("t", "u")), st.sampled_from(STEPS), st.sampled_from(LEVELS))
changes = st.lists(
    st.one_of(
        st.lists(st.tuples(places, st.integers(0, 2)), min_size=1, max_size=5),
        st.sampled_from(STEPS),
    ),
    min_size=2,
    max_size=6,
)


def archive(store, make_field, fields, **options):
    for (param, step, level), value in fields:
        store.archive(*make_field(value, shape=SHAPE, number="1", param=param, step=step, levelist=level))
    return store.flush(**options)


def contents(store):
    found = {}
    for record in store.list():
        (variable,) = store.retrieve(dict(record.keys)).data_vars.values()
        place = (record.short_name, record.keys["step"], record.keys["levelist"])
        found[place] = float(variable.to_numpy().ravel()[0])
    return found


def change(store, make_field, what, model):
    """Archive fields or wipe a step; the model afterwards."""
    if isinstance(what, list):
        archive(store, make_field, what)
        return model | {place: float(value) for place, value in what}
    if any(place[1] == what for place in model):
        store.wipe(f"{ALL},step={what}", doit=True)
    return {place: value for place, value in model.items() if place[1] != what}


def past(store, make_field, steps):
    """Snapshots of a cube, each with what it holds."""
    states, model = {}, {}
    for what in [[(("t", "0", "500"), 0)], *steps]:
        model = change(store, make_field, what, model)
        states[store.history()[-1].snapshot] = model
    return states


def named(store, changes, at):
    """The fields of exact requests."""
    return {
        (record.short_name, record.keys["step"], record.keys["levelist"])
        for change in changes
        for record in store.at(at).list(change.keys)
    }


@pytest.mark.slow
@settings(max_examples=15)
@given(changes)
def test_the_difference_of_any_two_states_is_that_of_dictionaries(make_field, steps):
    store = dtedask.open(f"memory://diff-{next(_NAMES)}")
    states = past(store, make_field, steps)
    for (old, before), (new, after) in itertools.permutations(states.items(), 2):
        found = store.diff(old, new)
        assert named(store, found.added, new) == after.keys() - before.keys()
        assert named(store, found.removed, old) == before.keys() - after.keys()
        both = before.keys() & after.keys()
        assert named(store, found.replaced, new) == {place for place in both if before[place] != after[place]}


@pytest.mark.slow
@settings(max_examples=15)
@given(changes, st.data())
def test_going_back_any_number_of_times_gives_the_old_states(make_field, steps, data):
    store = dtedask.open(f"memory://back-{next(_NAMES)}")
    states = past(store, make_field, steps)
    current = states[store.history()[-1].snapshot]
    for _ in range(3):
        target = data.draw(st.sampled_from(sorted(states)))
        would = store.rollback(target)
        before = len(store.history())
        done = store.rollback(target, doit=True)
        assert (would.restored, would.wiped) == (done.restored, done.wiped)
        assert done.wiped == len(current.keys() - states[target].keys())
        current = states[target]
        assert contents(store) == current
        history = store.history()
        assert [commit.sequence for commit in history] == list(range(1, len(history) + 1))
        assert len(history) == before + len(done.commits)
        states[history[-1].snapshot] = current


@pytest.mark.slow
@settings(max_examples=15)
@given(changes, st.data())
def test_undoing_commits_takes_back_what_they_did_and_nobody_changed_since(make_field, steps, data):
    store = dtedask.open(f"memory://undo-{next(_NAMES)}")
    states = list(past(store, make_field, steps).items())
    states = [state for place, state in enumerate(states) if state not in states[:place]]
    chosen = data.draw(st.sets(st.integers(1, len(states) - 1), max_size=2)) if len(states) > 1 else set()
    if not chosen:
        return
    model, left = undone([state for _, state in states], chosen)
    found = store.rollback(commits=[states[index][0] for index in sorted(chosen)], doit=True)
    assert contents(store) == model
    assert (found.left > 0) == bool(left)
    if found.commits:
        again = store.rollback(commit=found.commits[0], doit=True)
        assert again.left == 0
        assert contents(store) == states[-1][1]


def undone(states, chosen):
    """The newest state without some commits, by their definition: newest first, where their work still stands."""
    current, left = dict(states[-1]), set()
    touched_later = {}
    for index in sorted(chosen, reverse=True):
        before, after = states[index - 1], states[index]
        for place in before.keys() | after.keys():
            if before.get(place) == after.get(place):
                continue
            if current.get(place) == after.get(place):
                touched_later[place] = True
                current.pop(place, None)
                if place in before:
                    current[place] = before[place]
            elif place not in touched_later:
                left.add(place)
    return current, left


@pytest.mark.slow
def test_a_bad_run_is_taken_back_and_what_it_replaced_returns(store, make_field):
    good = [(("t", step, level), 1) for step in STEPS for level in LEVELS]
    archive(store, make_field, good, sources=["good.grib"])
    bad = [(("t", "6", "500"), 7), (("t", "12", "500"), 7), (("u", "0", "500"), 7)]
    archive(store, make_field, bad, sources=["runs/bad.grib"])
    archive(store, make_field, [(("t", "12", "500"), 9)], sources=["fix.grib"])
    would = store.rollback(source="bad.grib")
    assert (would.is_done, would.restored, would.wiped, would.left) == (False, 1, 1, 1)
    done = store.rollback(source="bad.grib", doit=True)
    (commit,) = done.commits
    assert contents(store) == {**{place: 1.0 for place, _ in good}, ("t", "12", "500"): 9.0}
    assert [change.keys["step"] for change in commit.changes] == ["6"]
    assert [change.variable for change in commit.wiped] == ["u"]
    assert done.cubes[0].left[0].keys["step"] == "12"
    store.rollback(commit=commit, doit=True)
    assert contents(store)[("u", "0", "500")] == 7.0


def test_undoing_what_cancels_out_changes_nothing(store, make_field):
    for value in (1, 2, 1):
        archive(store, make_field, [(("t", "0", "500"), value)])
    commits = store.history()
    for doit in (False, True):
        found = store.rollback(commits=commits[1:], doit=doit)
        assert (found.restored, found.wiped, found.left, found.commits) == (0, 0, 0, ())
    assert store.history() == commits
    assert store.rollback(commits=[commits[2], commits[1].snapshot, commits[0]], doit=True).wiped == 1
    assert contents(store) == {}


def test_a_field_that_fits_into_its_variable_no_more_is_left(store, make_field):
    archive(store, make_field, [(("t", "0", "500"), 1), (("u", "0", "500"), 1)])
    wiped = store.wipe(f"{ALL},param=u", doit=True)
    store.archive(*make_field(4, shape=SHAPE, number="1", param="u"))
    store.flush()
    found = store.rollback(commit=wiped.commits[0], doit=True)
    assert (found.restored, found.wiped, found.left, found.commits) == (0, 0, 1, ())
    store.rollback(commits=[wiped.commits[0], store.history()[-1]], doit=True)
    assert list(store.list("param=u")) == []
    store.rollback(store.history()[0].snapshot, doit=True)
    assert contents(store)[("u", "0", "500")] == 1.0


@pytest.mark.slow
def test_what_a_rollback_left_behind_stays_open_and_in_the_history(store, make_field):
    archive(store, make_field, [(("t", "0", "500"), 1)])
    first = store.history()[0]
    archive(store, make_field, [(("t", "0", "500"), 2), (("t", "6", "500"), 2)])
    second = store.history()[-1]
    (done,) = store.rollback(first.snapshot, doit=True).cubes
    assert contents(store) == {("t", "0", "500"): 1.0}
    assert contents(store.at(second.snapshot))[("t", "6", "500")] == 2.0
    assert contents(store.at(second.time))[("t", "6", "500")] == 2.0
    assert [commit.sequence for commit in store.history()] == [1, 2, 3]
    assert (done.commit.rolled_back, done.commit.undone) == (first.snapshot, second.snapshot)
    assert [change.keys["step"] for change in done.commit.changes] == ["0"]
    assert [change.keys["step"] for change in done.commit.wiped] == ["6"]
    assert second.snapshot in done.undo
    store.rollback(second.snapshot, doit=True)
    assert contents(store)[("t", "6", "500")] == 2.0
    assert [commit.sequence for commit in store.history(after=2)] == [3, 4]
    (again,) = store.rollback(commit=store.history()[-1], doit=True).commits
    assert contents(store) == {("t", "0", "500"): 1.0}
    assert (again.sequence, again.replaced, again.removed) == (5, 1, 1)
    assert open_repository(Location.parse(store.root), CUBE).list_branches() == {"main"}


def test_a_rollback_of_what_is_locked_or_unknown_is_refused(store, make_field):
    archive(store, make_field, [(("t", "0", "500"), 1)])
    first = store.history()[0].snapshot
    archive(store, make_field, [(("t", "6", "500"), 2)])
    with pytest.raises(RequestError, match="a state to go back to, or commits"):
        store.rollback(first, commit=first)
    with pytest.raises(NotFoundError, match="no commit NOSUCH"):
        store.rollback(commit="NOSUCH")
    with pytest.raises(NotFoundError, match="no snapshot nosuch"):
        store.rollback("nosuch")
    store.lock("step=6", ["wipe"], "verified")
    for way in ({"to": first}, {"commit": store.history()[-1]}):
        with pytest.raises(ControlledError, match="verified"):
            store.rollback(**way, doit=True)
    assert len(contents(store)) == 2


def test_going_back_to_before_a_cube_empties_it(store, make_field):
    archive(store, make_field, [(("t", "0", "500"), 1)])
    time = store.history()[0].time
    store.archive(*make_field(1, shape=SHAPE, number="1", levelist="500", expver="two"))
    store.flush()
    done = store.rollback(time, doit=True)
    assert [(cube.cube, len(cube.wiped)) for cube in done.cubes] == [("rd/enfo/two", 1)]
    assert {record.cube for record in store.list()} == {CUBE}
    assert len(list(store.at(done.cubes[0].head).list())) == 1


@pytest.mark.slow
def test_a_tag_names_all_cubes_of_a_root_or_none(store, make_field):
    for expver in ("one", "two"):
        store.archive(*make_field(1, shape=SHAPE, number="1", levelist="500", expver=expver))
    store.flush()
    tag = store.tag("release-1", message="for the paper")
    assert list(tag.snapshots) == ["rd/enfo/one", "rd/enfo/two"]
    store.archive(*make_field(5, shape=SHAPE, number="1", levelist="500", expver="one"))
    store.flush()
    assert float(store.at("release-1").retrieve("expver=one")["t"][..., 0, 0].squeeze()) == 1.0
    opened = dtedask.open_cube(f"{store.root}/rd/enfo/one", at="release-1")
    assert float(opened["t"][..., 0, 0].squeeze()) == 1.0
    store.create_branch("fix", at="release-1")
    assert contents(dtedask.open(store.root, branch="fix")) == {("t", "0", "500"): 1.0}
    assert [commit.cube for commit in store.diff("release-1").cubes] == ["rd/enfo/one"]
    with pytest.raises(TagError, match="already"):
        store.tag("release-1")
    assert store.tags() == (tag,)
    pins = [open_repository(Location.parse(store.root), cube).list_tags() for cube in store.cubes()]
    assert all(len(names) == 1 for names in pins)
    assert store.untag("release-1") == tag
    assert store.tags() == ()
    assert not any(open_repository(Location.parse(store.root), cube).list_tags() for cube in store.cubes())
    assert store.tag("release-1", cubes=["rd/enfo/one"]).snapshots.keys() == {"rd/enfo/one"}
    with pytest.raises(NotFoundError, match="no tag 'relase-1'.*Did you mean 'release-1'"):
        store.untag("relase-1")


def test_states_that_never_were_are_told_from_those_that_were_purged(store, make_field):
    store.archive(*make_field(1, shape=SHAPE, number="1", levelist="500", expver="one"))
    store.flush()
    early = store.history()[0].time - timedelta(hours=1)
    store.tag("one")
    store.archive(*make_field(2, shape=SHAPE, number="1", levelist="500", expver="one"))
    store.archive(*make_field(1, shape=SHAPE, number="1", levelist="500", expver="two"))
    store.flush()
    assert [(cube.cube, cube.old) for cube in store.diff(early).cubes] == [("rd/enfo/one", ""), ("rd/enfo/two", "")]
    with dask.config.set({"dtedask.store.longest-reader": 0, "dtedask.store.clock-slack": 0}):
        store.purge(keep_commits=1, cubes=["rd/enfo/one"])
    with pytest.raises(NotFoundError, match="has been purged"):
        store.diff(early)
    with pytest.raises(NotFoundError, match="has been purged"):
        store.rollback(early)
    assert [cube.cube for cube in store.diff("one").cubes] == ["rd/enfo/one", "rd/enfo/two"]
    one, two = (next(record for record in store.history(cube)[::-1]).snapshot for cube in store.cubes())
    with pytest.raises(NotFoundError, match="is a state of rd/enfo/one, and"):
        store.diff(one, two)
    store.tag("part", cubes=["rd/enfo/one"])
    assert store.diff("part").cubes == ()


def test_a_tag_that_cannot_be_made_everywhere_is_made_nowhere(store, make_field, monkeypatch):
    from dtedask.store.past import tags

    for expver in ("one", "two"):
        store.archive(*make_field(1, shape=SHAPE, number="1", levelist="500", expver=expver))
    store.flush()
    original = tags.open_repository

    def fails_for_two(location, cube):
        if cube.endswith("two") and not monkeypatch.failed:
            monkeypatch.failed = True
            raise NotFoundError("The cube is gone.")
        return original(location, cube)

    monkeypatch.failed = False
    monkeypatch.setattr(tags, "open_repository", fails_for_two)
    with pytest.raises(NotFoundError, match="gone"):
        store.tag("half")
    assert store.tags() == ()
    assert not any(original(Location.parse(store.root), cube).list_tags() for cube in store.cubes())


@pytest.mark.parametrize("name", ["", "2024-01-01", "20240101", "a/b", "1CECHNKREP0F1RSTCMT0", ".hidden"])
def test_a_tag_has_a_name_that_means_nothing_else(store, make_field, name):
    archive(store, make_field, [(("t", "0", "500"), 1)])
    with pytest.raises(TagError, match="cannot be the name"):
        store.tag(name)


def test_a_difference_is_known_when_the_commits_between_have_expired(store, make_field):
    archive(store, make_field, [(("t", step, "500"), 1) for step in STEPS])
    first = store.tag("first").snapshots[CUBE]
    archive(store, make_field, [(("t", "6", "500"), 2)])
    store.wipe(f"{ALL},step=0", doit=True)
    archive(store, make_field, [(("t", "12", "850"), 2)])
    with dask.config.set({"dtedask.store.longest-reader": 0, "dtedask.store.clock-slack": 0}):
        store.purge(keep_commits=1)
    again = dtedask.open(store.root)
    assert len(again.history()) == 1
    found = again.diff("first")
    assert named(again, found.added, None) == {("t", "12", "850")}
    assert named(again, found.removed, first) == {("t", "0", "500")}
    assert named(again, found.replaced, None) == {("t", "6", "500")}


def test_the_history_says_who_wrote_a_field_from_where(store, make_field):
    archive(store, make_field, [(("t", "0", "500"), 1), (("u", "0", "500"), 1)], sources=["in/a.grib"])
    archive(store, make_field, [(("t", "6", "500"), 1)], sources=["in/b.grib"], message="late step")
    store.wipe(f"{ALL},step=0,param=u", doit=True)
    first, second, third = store.history()
    assert store.history(request="param=t") == [first, second]
    assert store.history(request="step=0,param=u") == [first, third]
    assert store.history(request="param=t", source="b.grib") == store.history(source="in/b*") == [second]
    assert store.history(author=first.author.split("@")[0]) == [first, second, third]
    assert store.history(author="nobody") == store.history(request="class=od") == []
    assert store.history(CUBE, after=2, request={"step": "0"}) == [third]
    assert repr(second).startswith(f"<Commit {CUBE}@2 {second.snapshot}")
    assert all(text in repr(second) for text in ("late step", "1 new", "from in/b.grib", f"by {second.author}"))


def test_metadata_of_an_older_dtedask_reads_still(store, make_field):
    from dtedask.store.commits import commit_of

    archive(store, make_field, [(("t", "0", "500"), 1)])
    repo = open_repository(Location.parse(store.root), CUBE)
    session = repo.writable_session("main")
    import zarr

    zarr.open_group(session.store).attrs["note"] = "x"
    old = {"sequence": 2, "new": 1, "replaced": 0, "unchanged": 0, "sources": [], "changes": []}
    snapshot = session.commit("old", {"dtedask": old})
    commit = commit_of(Location.parse(store.root), CUBE, repo.lookup_snapshot(snapshot))
    assert (commit.sequence, commit.author, commit.wiped, commit.removed) == (2, "", (), 0)
    assert np.isfinite(list(contents(store).values())).all()
