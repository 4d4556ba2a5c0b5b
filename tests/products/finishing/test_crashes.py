"""A process that is killed anywhere leaves no product half, and the next one makes and tells of each exactly once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dtedask.notify import NoticeLog
from dtedask.products.deliveries.aside import ASIDE
from tests.products.finishing.killed import makes, run
from tests.products.made import part

PROGRAM = Path(__file__).with_name("killed.py")
pytestmark = pytest.mark.slow


def payload(value):
    return np.ascontiguousarray(part(value).payload, "<f8").tobytes()


def data_of(path):
    """What a reader finds under a name."""
    return (path / "c" / "0").read_bytes() if path.is_dir() else path.read_bytes()


def lines_of(place):
    return [json.loads(line) for path in place.glob("[ab]/manifest-*") for line in path.read_text().splitlines()]


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("scenario", "when"), [("file", "before"), ("tree", "within")])
def test_killed_at_every_call(tmp_path, scenario, when):
    subprocess.run([sys.executable, PROGRAM, tmp_path / "runs", scenario, when], check=True, timeout=900)
    places = sorted((one for one in (tmp_path / "runs").iterdir() if one.name != "imported"), key=lambda p: int(p.name))
    assert len(places) > 100
    for place in places:
        check(place, scenario)


def check(place, scenario):
    """Nothing is half; then the same program comes to the end."""
    allowed = {"mine": (1, 3), "yours": (1, 3), "other": (2,)}
    for path in [*place.glob("[ab]/**/*.raw"), *place.glob("[ab]/**/*.tree")]:
        if ASIDE not in path.parts:
            assert data_of(path) in [payload(value) for value in allowed[path.stem]], path
    staged = {one.name for one in (place / "state" / "staged").glob("d*")}
    before = written(place)
    run(place, scenario)
    assert not staged & set(written(place)[len(before) :])
    suffix = ".raw" if scenario == "file" else ".tree"
    found = {path: data_of(place / path) for path in (f"a/x/mine{suffix}", f"b/x/mine{suffix}", f"b/yours{suffix}")}
    assert set(found.values()) == {payload(3)}
    assert data_of(place / f"a/other{suffix}") == payload(2)
    assert sorted(one.name for one in place.glob("[ab]/*")) == sorted(
        [f"other{suffix}", "x", "x", f"yours{suffix}", *["manifest-20240603T0000.jsonl"] * 2]
    )
    assert list((place / "state" / "staged").iterdir()) == []
    lines = lines_of(place)
    ids = [line["id"] for line in lines]
    assert len(set(ids)) == len(ids) == 7
    with NoticeLog(place / "state" / "notices.sqlite") as log:
        assert sorted(entry.events[0].snapshot for entry in log.entries()) == sorted(ids)


def written(place):
    path = place / "written"
    return path.read_text().split() if path.exists() else []


def test_makes_are_those_of_the_program(tmp_path):
    assert [one.digest for one, _ in makes(tmp_path, "file")] == ["d1", "d2", "d3"]
