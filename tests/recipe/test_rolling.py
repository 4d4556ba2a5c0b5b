"""A rolling archive keeps so many days behind the newest, and does not grow."""

import datetime as dt
import itertools
from pathlib import Path

import dask
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dtedask
from dtedask.core.errors import DocumentError
from dtedask.recipe import Keep, load_recipe, run_recipe
from dtedask.recipe.rolling import roll
from dtedask.testing.fields import make_field

TEN_DAYS = Keep(fields="10 d")
_NAMES = itertools.count()
FIRST = dt.date(2024, 2, 25)


def day(number):
    return (FIRST + dt.timedelta(days=number)).strftime("%Y%m%d")


def archive(store, number, time="0000", **keys):
    store.archive(*make_field(number + 1, date=day(number), time=time, **keys))
    return store.flush()


def days(store, request=None):
    return sorted({(one.keys["date"], one.keys["time"]) for one in store.list(request)})


@pytest.fixture
def store():
    return dtedask.open(f"memory://rolling-{next(_NAMES)}")


@pytest.fixture
def no_waiting():
    with dask.config.set({"dtedask.store.longest-reader": 0, "dtedask.store.clock-slack": 0}):
        yield


@pytest.mark.slow
def test_ten_days_stay_behind_the_newest(store):
    for number in range(14):
        archive(store, number)
    assert roll(store, TEN_DAYS, store.cubes()).fields == 4
    assert days(store) == [(day(number), "0000") for number in range(4, 14)]
    assert roll(store, TEN_DAYS, store.cubes()).fields == 0
    assert len([one for one in store.history() if one.removed]) == 1


@pytest.mark.slow
def test_days_go_by_hours_and_each_cube_by_its_own(store):
    for number in (0, 10):
        for time in ("0000", "1200"):
            archive(store, number, time)
    archive(store, 0, expver="abcd")
    roll(store, TEN_DAYS, store.cubes())
    assert days(store, "expver=test") == [(day(10), "0000"), (day(10), "1200")]
    assert days(store, "expver=abcd") == [(day(0), "0000")]
    archive(store, 0, "1800")
    roll(store, TEN_DAYS, store.cubes())
    assert days(store, "expver=test") == [(day(0), "1800"), (day(10), "0000"), (day(10), "1200")]


def test_what_is_locked_stays_and_is_told(store, caplog):
    for number in (0, 1, 2, 20):
        archive(store, number)
    store.lock({"date": day(1)}, reason="the storm")
    found = roll(store, TEN_DAYS, store.cubes())
    assert (found.fields, len(found.refused)) == (2, 1)
    assert "the storm" in caplog.text
    assert days(store) == [(day(1), "0000"), (day(20), "0000")]
    assert "1 old runs are locked" in str(found)


def test_only_what_is_asked_for_rolls(store):
    for number in (0, 20):
        archive(store, number)
        archive(store, number, param="z")
    roll(store, Keep(fields="10 d", request={"param": "z"}), store.cubes())
    assert days(store, "param=z") == [(day(20), "0000")]
    assert len(days(store, "param=t")) == 2


@pytest.mark.parametrize(
    ("keep", "message"),
    [
        ("tomorrow", "no duration"),
        ("0 d", "keeps nothing"),
        ({"fields": "1 d", "pasts": "1 d"}, "unknown key 'pasts'.*'past'"),
        ({"fields": "1 d", "request": {"stepp": 1}}, "stepp"),
    ],
)
def test_a_wrong_rule_is_told(keep, message):
    with pytest.raises(DocumentError, match=message):
        load_recipe({"name": "x", "input": "-", "root": "memory://x", "keep": keep})


def test_a_duration_alone_is_a_rule():
    recipe = load_recipe({"name": "x", "input": "-", "root": "memory://x", "keep": "36 h"})
    assert (recipe.keep.fields_s, recipe.keep.past) == (36 * 3600, "0 s")


@pytest.mark.slow
@settings(max_examples=15)
@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from(["0000", "0600", "1800"])), min_size=1, unique=True))
def test_any_runs_leave_those_that_a_clock_says(runs):
    store = dtedask.open(f"memory://rolling-{next(_NAMES)}")
    for number, time in runs:
        store.archive(*make_field(number + 1, date=day(number), time=time, shape=(2, 3)))
    store.flush()
    hours = {run: run[0] * 24 + int(run[1][:2]) for run in runs}
    newest = max(hours.values())
    roll(store, TEN_DAYS, store.cubes())
    assert days(store) == sorted((day(run[0]), run[1]) for run, hour in hours.items() if hour > newest - 240)


@pytest.mark.slow
@pytest.mark.usefixtures("no_waiting")
def test_the_archive_stays_as_large_as_it_is(tmp_path):
    source = dtedask.open("memory://rolling-source")
    sizes, folder = [], tmp_path / "in"
    recipe = load_recipe(
        {"name": "x", "input": str(folder), "root": str(tmp_path / "root"), "keep": "10 d", "catalog": False}
    )
    for number in range(24):
        folder.mkdir(exist_ok=True)
        source.archive(*make_field(number + 1, date=day(number)))
        source.flush()
        (folder / "day.grib").write_bytes(b"".join(source.to_grib(f"date={day(number)}")))
        report = run_recipe(recipe)
        sizes.append(sum(file.stat().st_size for file in Path(report.root, "rd").rglob("*") if file.is_file()))
    assert len(days(dtedask.open(report.root))) == 10
    steady = sizes[12:]
    assert max(steady) <= 1.02 * min(steady)
    assert dtedask.open(report.root).verify().is_whole
