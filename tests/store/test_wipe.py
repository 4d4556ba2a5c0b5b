"""Wiping: what goes, what stays, and that slots are used again."""

import itertools
import multiprocessing
import subprocess
import sys
import textwrap
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

import dtedask
from dtedask.core.errors import NoMatchError, ReadOnlyError, RequestError
from dtedask.store.location import Location
from dtedask.store.repository import BRANCH, head, open_repository

CUBE = "rd/enfo/test"
SHAPE = (2, 3)
ALL = "class=rd,expver=test"
_NAMES = itertools.count()

PARAMS, STEPS, LEVELS = ("t", "u"), ("0", "6", "12"), ("500", "850")
places = st.tuples(st.sampled_from(PARAMS), st.sampled_from(STEPS), st.sampled_from(LEVELS))
actions = st.lists(
    st.one_of(
        st.tuples(st.just("archive"), st.lists(st.tuples(places, st.integers(0, 9)), min_size=1, max_size=6)),
        st.tuples(st.just("wipe"), st.dictionaries(st.sampled_from(("param", "step", "levelist")), st.integers(0, 1))),
        st.tuples(st.just("reopen"), st.none()),
    ),
    min_size=2,
    max_size=10,
)
VALUES = {"param": PARAMS, "step": STEPS, "levelist": LEVELS}


def archive(store, make_field, fields):
    for (param, step, level), value in fields:
        store.archive(*make_field(value, shape=SHAPE, number="1", param=param, step=step, levelist=level))
    return store.flush()


def contents(store):
    found = {}
    for record in store.list():
        (variable,) = store.retrieve(dict(record.keys)).data_vars.values()
        place = (record.short_name, record.keys["step"], record.keys["levelist"])
        found[place] = float(variable.to_numpy().ravel()[0])
    return found


def contents_by_zarr(store):
    """What a plain reader of Zarr sees: everything that is not missing."""
    found = {}
    session = open_repository(Location.parse(store.root), CUBE).readonly_session(BRANCH)
    group = xr.open_zarr(session.store, group=_group(store), consolidated=False, decode_times=False)
    for name, array in group.data_vars.items():
        for index in itertools.product(*map(range, array.shape[:4])):
            value = float(array.to_numpy()[index].ravel()[0])
            if not np.isnan(value):
                labels = array[index]
                found[(name, str(int(labels.step) // 3600), f"{float(labels.level):g}")] = value
    return found


def _group(store):
    (name,) = head(Location.parse(store.root), CUBE).group_names
    return name


def axes_lengths(store):
    snapshot = head(Location.parse(store.root), CUBE)
    return {
        (name, axis): len(labels.labels)
        for name in snapshot.group_names
        for axis, labels in snapshot.group(name).axes.items()
    }


def wiped_by(request, model):
    named = {key: VALUES[key][index] for key, index in request.items()}
    return {
        place
        for place in model
        if all(named.get(key, value) == value for key, value in zip(("param", "step", "levelist"), place, strict=True))
    }


@pytest.mark.slow
@settings(max_examples=10)
@given(actions)
def test_any_sequence_of_archive_and_wipe_holds_what_a_dictionary_would(make_field, actions):
    store = dtedask.open(f"memory://wipe-{next(_NAMES)}")
    model, most = {}, {"step": 0, "level": 0}
    for action, argument in actions:
        if action == "archive":
            archive(store, make_field, argument)
            model |= {place: float(value) for place, value in argument}
            most["step"] = max(most["step"], len({step for _, step, _ in model}))
            most["level"] = max(most["level"], len({level for _, _, level in model}))
        elif action == "reopen":
            store = dtedask.open(store.root)
        elif model:
            request = {"class": "rd", "expver": "test", **{key: VALUES[key][i] for key, i in argument.items()}}
            gone = wiped_by(argument, model)
            if gone:
                assert store.wipe(request, doit=True).fields == len(gone)
            for place in gone:
                del model[place]
        assert_holds(store, model, most)


def assert_holds(store, model, most):
    found = contents(store) if most["step"] else {}
    assert found == model
    if not model:
        return
    axes = store.axes()
    assert axes["step"] == sorted({step for _, step, _ in model}, key=int)
    assert set(axes["levelist"]) == {level for _, _, level in model}
    assert contents_by_zarr(store) == model
    dataset = dtedask.open_cube(f"{store.root}/{CUBE}")
    assert dataset.sizes["step"] == len({step for _, step, _ in model})
    lengths = axes_lengths(store)
    assert all(length <= most.get(axis, 1) for (_, axis), length in lengths.items())


def test_a_wipe_is_a_dry_run_unless_told_to_act(store, make_field):
    archive(store, make_field, [((p, s, "500"), 1) for p in PARAMS for s in STEPS])
    would = store.wipe(f"{ALL},step=6")
    assert (would.is_done, would.fields, would.cubes, would.commits) == (False, 2, (CUBE,), ())
    assert len(list(store.list())) == 6
    done = store.wipe(f"{ALL},step=6", doit=True)
    (commit,) = done.commits
    assert (done.is_done, done.fields, done.size_bytes) == (True, would.fields, would.size_bytes)
    assert (commit.removed, commit.new, commit.changes, commit.wiped) == (2, 0, (), would.changes)
    assert store.history()[-1] == commit
    assert [record.keys["step"] for record in store.list("param=t")] == ["0", "12"]
    assert len(list(store.at(commit.parent).list(would.requests[0]))) == 1


def test_a_wipe_that_names_too_little_or_nothing_that_exists_is_refused(store, make_field):
    archive(store, make_field, [(("t", "0", "500"), 1)])
    with pytest.raises(RequestError, match="lacks expver"):
        store.wipe("class=rd,step=0", doit=True)
    with pytest.raises(RequestError, match="lacks class and expver"):
        store.wipe("class=all", doit=True)
    with pytest.raises(NoMatchError, match="step=6"):
        store.wipe(f"{ALL},step=6", doit=True)
    with pytest.raises(ReadOnlyError, match="past"):
        store.at(store.history()[0].snapshot).wipe(ALL, doit=True)
    assert store.wipe("step=0", minimum_keys=("step",), doit=True).fields == 1


def test_what_others_put_into_cube_and_root_stays(store, make_field, tmp_path):
    archive(store, make_field, [(("t", "0", "500"), 1), (("u", "0", "500"), 1)])
    (tmp_path / "root/notes.txt").write_text("mine")
    session = open_repository(Location.parse(store.root), CUBE).writable_session(BRANCH)
    foreign = (f"{_group(store)}/mask", "extra/deep/er/still", "pf/pl/own")
    for path in foreign:
        zarr.create_array(session.store, name=path, shape=(2,), chunks=(1,), dtype="float32")[:] = 7
    session.commit("by others")
    assert len(list(store.list())) == 2
    store.wipe(f"{ALL},param=u", doit=True)
    store.wipe(ALL, doit=True)
    assert list(store.list()) == []
    left = open_repository(Location.parse(store.root), CUBE).readonly_session(BRANCH).store
    assert all(zarr.open_array(left, path=path, mode="r")[1] == 7 for path in foreign)
    assert (tmp_path / "root/notes.txt").read_text() == "mine"
    archive(store, make_field, [(("t", "6", "850"), 3)])
    assert contents(store) == {("t", "6", "850"): 3.0}


@pytest.mark.slow
def test_a_rolling_archive_keeps_its_axes(memory_store, make_field):
    store, lengths = memory_store, []
    days = [str(day) for day in np.arange("2024-01-01", "2024-04-20", dtype="datetime64[D]")]
    for number, day in enumerate(days[:100]):
        date = day.replace("-", "")
        store.archive(*make_field(number, shape=SHAPE, number="1", levelist="500", date=date))
        store.flush()
        if number >= 4:
            store.wipe(f"{ALL},date={days[number - 4].replace('-', '')}", doit=True)
            lengths.append(axes_lengths(store))
    assert all(found == lengths[0] for found in lengths)
    dataset = store.retrieve({})
    assert dataset["t"].to_numpy()[:, 0, 0, 0, 0, 0].tolist() == [96, 97, 98, 99]
    assert np.all(np.diff(dataset.forecast_reference_time) > np.timedelta64(0))


def test_a_variable_that_was_wiped_may_come_again_with_other_dimensions(store, make_field):
    archive(store, make_field, [(("t", "0", "500"), 1), (("u", "0", "500"), 1)])
    store.wipe(f"{ALL},param=u", doit=True)
    store.archive(*make_field(4, shape=SHAPE, number="1", param="u"))
    store.flush()
    assert float(store.retrieve("param=u")["u"].to_numpy().ravel()[0]) == 4.0
    assert "level" not in store.retrieve("param=u")["u"].dims


@pytest.mark.slow
def test_a_wipe_over_several_cubes_is_one_commit_in_each(store, make_field):
    for expver in ("one", "two", "three"):
        store.archive(*make_field(1, shape=SHAPE, number="1", levelist="500", expver=expver))
    store.flush()
    done = store.wipe("class=rd,expver=one/two", doit=True)
    assert [commit.cube for commit in done.commits] == ["rd/enfo/one", "rd/enfo/two"]
    assert {record.cube for record in store.list()} == {"rd/enfo/three"}
    assert store.cubes() == ["rd/enfo/one", "rd/enfo/three", "rd/enfo/two"]


CHILD = """
    import os, signal, sys
    sys.path.insert(0, {tests!r})
    import dtedask
    from dtedask.store import transaction, wipe
    from dtedask.store.past import rollback

    def die(*args, **kwargs):
        os.kill(os.getpid(), signal.SIGKILL)

    def half(*args, **kwargs):
        original(*args, **kwargs)
        die()

    place, name, what = {{
        "remove": (wipe, "remove", half),
        "branch": (rollback, "_mark", die),
        "flush": (transaction.Transaction, "_flush", half),
        "move": (transaction.Transaction, "_move", half),
        "hook": (wipe, "run_after_commit", die),
    }}[{stage!r}]
    original = getattr(place, name)
    setattr(place, name, what)
    store = dtedask.open({root!r})
    {action}
"""


def run_child(root, stage, action):
    code = textwrap.dedent(CHILD).format(tests=str(Path(__file__).parent), stage=stage, root=str(root), action=action)
    return subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["remove", "flush", "move", "hook"])
def test_a_wipe_killed_at_any_step_takes_all_or_nothing(store, make_field, stage):
    archive(store, make_field, [(("t", s, level), 1) for s in STEPS for level in LEVELS])
    killed = run_child(store.root, stage, f"store.wipe('{ALL},step=6', doit=True)")
    assert killed.returncode == -9, killed.stderr
    is_gone = stage in ("move", "hook")
    assert sorted({step for _, step, _ in contents(store)}) == (["0", "12"] if is_gone else ["0", "12", "6"])
    assert len(contents(store)) == (4 if is_gone else 6)
    archive(store, make_field, [(("t", "24", "500"), 2)])
    assert contents(store)[("t", "24", "500")] == 2.0
    assert axes_lengths(store)[_group(store), "step"] == (3 if is_gone else 4)


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["branch", "flush", "move"])
def test_a_rollback_killed_at_any_step_goes_back_or_not(store, make_field, stage):
    archive(store, make_field, [(("t", "0", "500"), 1)])
    first = store.history()[0].snapshot
    archive(store, make_field, [(("t", "0", "500"), 2), (("t", "6", "500"), 2)])
    killed = run_child(store.root, stage, f"store.rollback('{first}', doit=True)")
    assert killed.returncode == -9, killed.stderr
    new = {("t", "0", "500"): 2.0, ("t", "6", "500"): 2.0}
    assert contents(store) == ({("t", "0", "500"): 1.0} if stage == "move" else new)
    assert open_repository(Location.parse(store.root), CUBE).list_branches() == {"main"}
    store.rollback(store.history()[-1].snapshot, doit=True)
    archive(store, make_field, [(("t", "0", "500"), 5)])
    assert contents(store)[("t", "0", "500")] == 5.0


def _append(root, steps):
    sys.path.insert(0, str(Path(__file__).parent))
    from conftest import make_field

    store = dtedask.open(root)
    for step in range(steps):
        archive(store, make_field, [(("u", str(step), "500"), step)])
    return steps


@pytest.mark.slow
def test_wipes_beside_a_writer_of_the_same_cube_lose_nothing(store, make_field):
    archive(store, make_field, [(("t", str(step), "850"), 1) for step in range(12)])
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        writer = pool.submit(_append, store.root, 12)
        for step in range(12):
            assert store.wipe(f"{ALL},param=t,step={step}", doit=True).fields == 1
        assert writer.result(120) == 12
    assert contents(store) == {("u", str(step), "500"): float(step) for step in range(12)}
    assert [commit.sequence for commit in store.history()] == list(range(1, 26))
    assert contents_by_zarr(store) == contents(store)


FILES = ("ens-50.grib", "ifs-oper-surface.grib2", "era5-levels-members.grib", "spherical-harmonics.grib")


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_one_real_field_is_wiped_and_comes_back_to_its_slot(memory_store, grib_folder, name):
    data = (grib_folder / name).read_bytes()
    memory_store.archive(data)
    memory_store.flush()
    before = [record.to_dict() for record in memory_store.list()]
    chosen = before[len(before) // 2]
    request = {key: value for key, value in chosen.items() if key != "shortName"}
    lengths = lengths_of(memory_store)
    assert memory_store.wipe(request, doit=True).fields == 1
    assert [record.to_dict() for record in memory_store.list()] == [record for record in before if record != chosen]
    memory_store.archive(data)
    (commit,) = memory_store.flush()
    assert (commit.new, commit.replaced) == (1, 0)
    assert [record.to_dict() for record in memory_store.list()] == before
    assert lengths_of(memory_store) == lengths


def lengths_of(store):
    location = Location.parse(store.root)
    snapshots = [head(location, cube) for cube in store.cubes()]
    groups = [snapshot.group(name) for snapshot in snapshots for name in snapshot.group_names]
    return [{name: len(axis.labels) for name, axis in group.axes.items()} for group in groups]


def test_the_control_is_wiped_and_the_members_stay(memory_store, make_field):
    for keys in ({"type": "cf"}, {"number": "1"}, {"number": "2"}):
        memory_store.archive(*make_field(1, shape=SHAPE, levelist="500", **keys))
    memory_store.flush()
    done = memory_store.wipe(f"{ALL},type=cf", doit=True)
    assert (done.fields, done.requests[0]["type"]) == (1, "cf")
    assert memory_store.axes()["number"] == ["1", "2"]
    assert memory_store.axes()["type"] == ["pf"]
    memory_store.archive(*make_field(1, shape=SHAPE, levelist="500", number="3"))
    memory_store.flush()
    assert axes_lengths(memory_store)[_group(memory_store), "member"] == 3
    assert memory_store.axes()["number"] == ["1", "2", "3"]
    assert memory_store.axes()["type"] == ["pf"]
