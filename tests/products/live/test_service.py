"""`dtedask products run --follow` as a service: killed, started again, ended by SIGTERM."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from dtedask.products import Cycle
from tests.products.live.runs import archive

pytestmark = pytest.mark.slow
TODAY = Cycle(datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0))
ORDERS = """
requirements:
  - name: t
    owner: me
    request: {class: rd, stream: oper, expver: test, type: fc, levtype: pl, levelist: 500, param: t, step: 0/6/12}
    format: grib2
    file: "{name}-{step}{suffix}"
"""
_DEADLINE_S = 60


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "orders.yaml").write_text(ORDERS)
    archive(tmp_path / "data", {"step": "0"}, cycle=TODAY)
    return tmp_path


@contextmanager
def service(folder):
    command = [sys.executable, "-m", "dtedask", "products", "run", "orders.yaml", "--input", "data", "--output", "out"]
    process = subprocess.Popen(
        [*command, "--follow"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for(folder, *steps):
    names = [folder / "out" / f"t-{step}.grib2" for step in steps]
    deadline = time.monotonic() + _DEADLINE_S
    while not all(name.exists() for name in names):
        assert time.monotonic() < deadline


def test_killed_and_started_again_it_goes_on_and_sigterm_ends_it_in_order(folder):
    with service(folder) as first:
        wait_for(folder, 0)
        first.send_signal(signal.SIGKILL)
        first.wait(_DEADLINE_S)
    archive(folder / "data", {"step": "6"}, cycle=TODAY)
    with service(folder) as second:
        wait_for(folder, 6)
        archive(folder / "data", {"step": "12"}, cycle=TODAY)
        wait_for(folder, 12)
        second.send_signal(signal.SIGTERM)
        said, told = second.communicate(timeout=_DEADLINE_S)
    assert second.returncode == 0
    # The first one was killed when the product was there, perhaps before it could note that.
    assert said.startswith(("products: 2 delivered, 0 failed, 0 late", "products: 3 delivered, 0 failed, 0 late"))
    assert "t-12.grib2 is at " in told
    (manifest,) = (folder / "out").glob("manifest-*.jsonl")
    lines = [json.loads(line) for line in manifest.read_text().splitlines()]
    assert sorted(line["product"].split("/")[-1] for line in lines) == ["t-0.grib2", "t-12.grib2", "t-6.grib2"]
