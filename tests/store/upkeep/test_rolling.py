"""An archive of the last days: wiped and purged after each cycle, it does not grow."""

from datetime import date, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter

import dask
import numpy as np
import pytest

import dtedask
from dtedask.notify import open_log
from dtedask.store.location import Location
from dtedask.store.repository import head

CUBE = "rd/enfo/test"
DAYS, CYCLES, WARM = 5, 100, 20


def cycle(store, number, make_field):
    """A day arrives in two commits, the oldest goes, and with it what is older than six commits."""
    day = date(2024, 1, 1) + timedelta(days=number)
    for step in ("0", "6"):
        for level in ("500", "850"):
            array, keys = make_field(0.0, shape=(15, 30), number="1", levelist=level, step=step, date=f"{day:%Y%m%d}")
            noise = np.random.default_rng(number).random(array.shape, dtype="float32")
            store.archive(array.copy(data=noise), keys)
        store.flush()
    if number >= DAYS:
        oldest = day - timedelta(days=DAYS)
        store.wipe(f"class=rd,stream=enfo,expver=test,date={oldest:%Y%m%d}", doit=True)
    store.purge(keep_commits=6)


def measured(store):
    """What must not grow: bytes and files, slots of the axes, notices; and the seconds to open and read a field."""
    files = [path for path in Path(store.root).rglob("*") if path.is_file() and "notices" not in path.name]
    snapshot = head(Location.parse(store.root), CUBE)
    axes = snapshot.group(snapshot.group_names[0]).axes.values()
    slots = {axis.dimension.name: len(axis.labels) for axis in axes}
    start = perf_counter()
    dtedask.open(store.root).retrieve("step=6,levelist=500")["t"].load()
    took = perf_counter() - start
    notices = len(list(open_log(store.root).entries()))
    return sum(path.stat().st_size for path in files), len(files), slots, notices, took


@pytest.mark.slow
def test_a_rolling_archive_keeps_its_size_its_axes_and_the_time_to_open_it(store, make_field):
    found = []
    with dask.config.set(
        {
            "dtedask.store.longest-reader": 0,
            "dtedask.store.clock-slack": 0,
            "dtedask.store.durable": False,
        }
    ):
        for number in range(CYCLES):
            cycle(store, number, make_field)
            found.append(measured(store))
    sizes, counts, slots, notices, took = zip(*found[WARM:], strict=True)
    assert max(sizes) <= 1.03 * min(sizes)
    assert max(counts) <= 1.03 * min(counts)
    # The day that arrives stands beside the oldest one, which goes after it.
    assert slots[0]["forecast_reference_time"] == DAYS + 1
    assert all(one == slots[0] for one in slots)
    assert set(notices) == {6}
    assert median(took[-20:]) <= 2 * median(took[:20]) + 0.01
    times = dtedask.open(store.root).axes()["date"]
    assert times == [f"{date(2024, 1, 1) + timedelta(days=day):%Y%m%d}" for day in range(CYCLES - DAYS, CYCLES)]
    assert store.history()[-1].sequence == 3 * CYCLES - DAYS
