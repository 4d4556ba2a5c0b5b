"""Runs of two variables, as expectations and as commits."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import pytest

from dtedask.core.commit import Commit
from dtedask.store.commits import changes_of

BEGIN = datetime(2024, 6, 3, tzinfo=UTC)
KEYS = {"class": "od", "stream": "enfo", "expver": "0001"}
STEPS, LEVELS, PARAMS, MEMBERS = ("0", "6", "12"), ("500", "850"), ("130", "131"), ("0", "1", "2")


def fields_of_run(date="20240603", time="0000"):
    """Keys of all fields of a run: two variables on two levels of a control forecast and two members, and one more."""
    run = {**KEYS, "date": date, "time": time}
    for step, number, level, param in itertools.product(STEPS, MEMBERS, LEVELS, PARAMS):
        kind = {"type": "cf"} if number == "0" else {"type": "pf", "number": number}
        yield {**run, **kind, "levtype": "pl", "step": step, "levelist": level, "param": param}
    for step in STEPS[1:]:
        yield {**run, "type": "cf", "levtype": "sfc", "step": step, "param": "228"}


DOCUMENT = {
    "expect": [
        {
            "name": "run",
            "request": [
                {**KEYS, "type": ["cf", "pf"], "number": "0/to/2", "time": "0/12", "levtype": "pl",
                 "step": "0/to/12/by/6", "levelist": [500, 850], "param": ["t", "u"]},
                {**KEYS, "type": "cf", "time": [0, 12], "levtype": "sfc", "step": "6/12", "param": "tp"},
            ],
            "deadline": "6h",
            "step_deadline": {"6": "3h", "12": "4h"},
        }
    ]
}  # fmt: skip


def make_commit(added=(), wiped=(), *, time=BEGIN, sequence=1):
    """A commit that wrote and wiped fields, given by their keys."""
    named = [[("pf/pl/O96", keys["param"], dict(keys)) for keys in some] for some in (added, wiped)]
    return Commit(
        "/data", "od/enfo/0001", f"S{sequence}", f"S{sequence - 1}", sequence, time,
        changes=changes_of(named[0]), wiped=changes_of(named[1]),
    )  # fmt: skip


@pytest.fixture(scope="session")
def run():
    """Keys of the fields of a run."""
    return fields_of_run


@pytest.fixture(scope="session")
def commit_of():
    """Make a commit of fields."""
    return make_commit


@pytest.fixture(scope="session")
def document():
    """An expectation of three steps with deadlines."""
    return DOCUMENT
