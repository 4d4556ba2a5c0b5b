"""`dtedask store rechunk`: what it says, how it ends, and that it follows commits."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import dtedask

KEYS = {"class": "rd", "stream": "oper", "expver": "test", "type": "fc", "levtype": "pl", "levelist": "500"}
KEYS |= {"param": "t", "time": "0000"}
GRID = {"latitude": np.arange(90.0, -91, -5), "longitude": np.arange(0.0, 360, 5)}


def archive(root, date, steps=("0", "6", "12")):
    store = dtedask.open(root)
    for step in steps:
        values = np.full((37, 72), float(step), "float32")
        store.archive(xr.DataArray(values, GRID, tuple(GRID)), {**KEYS, "date": date, "step": step})
    store.flush()


@pytest.fixture
def data(here):
    archive("data", "20240101")
    return "data"


def test_one_object_sums_up_what_was_made(run, data):
    done = run("store rechunk --root data --layout series class=rd --json")
    assert done.status == 0
    (said,) = done.lines
    assert (said["done"], said["fields"], said["runs"], said["chunks"]) == (True, 3, 1, 1)
    assert said["snapshots"] == [dtedask.open("data").history()[-1].snapshot]


def test_for_people_one_line_says_it(run, data):
    planned = run("store rechunk --root data step=0/to/12/by/6 --dry-run")
    assert "Would make time series of 3 fields of 1 runs, 1 chunks" in planned.err
    assert "of memory" in planned.err
    assert "Made time series of 3 fields" in run("store rechunk --root data").err
    assert "3 there already" in run("store rechunk --root data").err
    assert "made anew" not in run("store rechunk --root data --rebuild").err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "status", "said"),
    [
        ("class=ea", 3, "class"),
        ("--memory 100MB", 1, "the limit is 100 MB"),
        ("--follow --dry-run", 2, "not both"),
        ("--layout map", 2, "series"),
    ],
)
def test_what_cannot_be_done_is_said(run, data, line, status, said):
    done = run(f"store rechunk --root data {line}")
    assert done.status == status
    assert said in done.err


def test_explain_says_where_a_point_comes_from(run, data):
    run("store rechunk --root data")
    assert "a point of 3 fields: 3 from series" in run("store explain --root data class=rd").out


@pytest.mark.slow
def test_it_follows_commits_until_it_is_stopped(data):
    command = [Path(sys.executable).parent / "dtedask", "store", "rechunk", "--root", data, "--follow", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert json.loads(process.stdout.readline())["fields"] == 3
        archive(data, "20240102")
        assert json.loads(process.stdout.readline())["fields"] == 3
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    assert dtedask.open(data).status().cubes[0].series == 2
