"""A process whose clock has really jumped, by libfaketime."""

import os
import subprocess
import sys
from pathlib import Path

import dask
import numpy as np
import pytest
import xarray as xr

import dtedask

HERE = Path(__file__).parent
KEYS = {"class": "rd", "stream": "enfo", "expver": "test", "type": "pf", "levtype": "pl", "param": "t"}
KEYS |= {"levelist": "500", "date": "20240101", "time": "0000", "number": "1", "step": "0"}
COMMIT = """
import sys
sys.path.insert(0, sys.argv[1])
from test_clock import commit
from dtedask.core.errors import ClockError
try:
    print(commit(sys.argv[2], 2.0).sequence)
except ClockError as error:
    print(error)
"""


@pytest.fixture(scope="session")
def library():
    """Path of the library that shifts the clock of a process."""
    return subprocess.run([HERE / "faketime-up"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def commit(root, value):
    coordinates = {"latitude": [10.0, 0.0], "longitude": [0.0, 10.0, 20.0]}
    array = xr.DataArray(np.full((2, 3), value, "float32"), dims=("latitude", "longitude"), coords=coordinates)
    store = dtedask.open(root)
    store.archive(array, KEYS)
    (done,) = store.flush()
    return done


@pytest.mark.parametrize(
    ("shift", "told", "commits"),
    [("-1d", "but the newest commit of", 1), ("+1d", "disagrees with", 1), ("-2s", "2\n", 2)],
    ids=["jumped back", "jumped forward", "a little behind"],
)
def test_a_process_whose_clock_jumped_commits_or_says_why(tmp_path, library, shift, told, commits):
    commit(tmp_path, 1.0)
    environment = {**os.environ, "LD_PRELOAD": library, "FAKETIME": shift}
    command = [sys.executable, "-c", COMMIT, str(HERE), str(tmp_path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    assert told in done.stdout
    store = dtedask.open(tmp_path)
    assert len(store.history()) == commits
    with dask.config.set({"dtedask.store.longest-reader": 0, "dtedask.store.clock-slack": 0}):
        store.purge(keep_commits=1)
    assert store.retrieve({})["t"].to_numpy().ravel().tolist() == [float(commits)] * 6
