"""Whole runs, from a cube to folders, cubes and a server, killed at random moments: each product once, none half."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import dtedask
from dtedask.core.errors import NoMatchError
from dtedask.notify import NoticeLog
from dtedask.products.deliveries.aside import ASIDE
from dtedask.products.ledger import Ledger
from dtedask.testing import make_field
from tests.products.deliveries.server import running
from tests.products.finishing.whole_runs import PARAMS, STEPS

PROGRAM = Path(__file__).with_name("whole_runs.py")
ROUNDS, KILLS = 3, 4
PRODUCTS = {"grib": 2, "same": 1, "area": 1, "tree": 1, "sent": 1, "cube": 1}  # and to how many places each goes
IDS = ("130", "131")


@pytest.fixture
def folder(tmp_path):
    store = dtedask.open(tmp_path / "fields")
    for number, (param, step) in enumerate((param, step) for param in IDS for step in STEPS):
        store.archive(*make_field(number, param=param, step=step))
    store.flush()
    return tmp_path


@pytest.mark.slow
def test_runs_that_are_killed_come_to_what_one_whole_run_gives(folder):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    parts = [",".join(str(chance.uniform(0.1, 0.9)) for _ in range(KILLS)) for _ in range(ROUNDS)]
    command = [sys.executable, PROGRAM, folder]
    with (
        running() as server,
        subprocess.Popen(
            [*command, server.url, *parts], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as runs,
    ):
        assert json.loads(runs.stdout.readline()) == ["clean", None, 0]
        clean = seen(folder / "clean", server)
        assert len(clean) == len(STEPS) * (6 + len(PARAMS))
        ends = Counter()
        for line in runs.stdout:
            name, part, code = json.loads(line)
            found = seen(folder / name, server)
            assert found.items() <= clean.items(), "what lies there is whole"
            ends[code] += 1
            if part is None:
                assert code == 0
                assert found == clean
                check_told(folder / name, server)
            runs.stdin.write("\n")
            runs.stdin.flush()
        assert ends[-9] >= ROUNDS


def seen(place, server):
    """All that readers find, by its name: bytes of files, values of fields in the root; manifests left out."""
    found = {
        path.relative_to(place).as_posix(): path.read_bytes()
        for base in ("a", "b")
        for path in (place / base).rglob("*")
        if path.is_file() and ASIDE not in path.parts and not path.name.startswith("manifest-")
    }
    trees = {name.partition(".zarr/")[0] for name in found if ".zarr/" in name}
    for tree in trees:
        found[tree] = b"".join(found.pop(name) for name in sorted(found) if name.startswith(f"{tree}.zarr/"))
    for name, data in dict(server.files).items():
        if name.startswith(f"{place.name}/") and "manifest" not in name:
            found[name.partition("/")[2]] = data
    return found | fields(place / "root")


def fields(root):
    if not root.exists():
        return {}
    try:
        values = list(dtedask.open(root).values({}))
    except NoMatchError:  # killed before the first commit
        return {}
    found = {(one.keys["param"], one.keys["step"]): np.asarray(data).tobytes() for one, data in values}
    assert set(Counter(step for _, step in found).values()) <= {len(PARAMS)}, (
        "a product is there with all of its fields"
    )
    return {f"{param}-{step}": data for (param, step), data in found.items()}


def check_told(place, server):
    """Every delivery is in the ledger, in one line of one manifest, in one notice; nothing is left aside or staged."""
    with Ledger(place / "state") as ledger:
        rows = ledger.states()
        assert Counter(row.product.partition("/")[0] for row in rows) == Counter(
            {name: count * len(STEPS) for name, count in PRODUCTS.items()}
        )
        assert {row.state for row in rows} == {"delivered"}
        assert ledger.pending() == []
    texts = [path.read_text() for path in place.glob("[ab]/**/manifest-*")]
    texts += [data.decode() for name, data in server.files.items() if name.startswith(f"{place.name}/manifest")]
    lines = [json.loads(line) for text in texts for line in text.splitlines()]
    in_files = [row for row in rows if row.target != str(place / "root")]
    assert Counter(line["product"] for line in lines) == Counter(row.product for row in in_files)
    with NoticeLog(place / "state" / "notices.sqlite") as log:
        told = [entry.events[0].snapshot for entry in log.entries()]
    assert len(set(told)) == len(told) == len(rows)
    assert {line["id"] for line in lines} <= set(told)
    assert [*place.rglob(ASIDE), *(place / "state" / "staged").iterdir()] == []
    assert len(list(dtedask.open(place / "root").history())) == len(STEPS)
