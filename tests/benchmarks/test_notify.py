"""The benchmark of notices runs as it is written, and its bare server is one that ECMWF's client understands."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "notify.py"
pytestmark = pytest.mark.slow


@pytest.mark.timeout(180)
def test_all_figures_are_measured_with_their_peers(tmp_path):
    figures = tmp_path / "figures.json"
    small = ["--rounds", "1", "--commits", "2", "--sent", "50", "--listeners", "20", "--seconds", "1", "--without-old"]
    done = subprocess.run(
        [sys.executable, SCRIPT, *small, "--json", figures], capture_output=True, text=True, timeout=170, check=False
    )
    assert figures.exists(), done.stderr
    found = json.loads(figures.read_text())
    assert all(value > 0 for value in found.values())
    wanted = ["commit to pyaviso 2 at our server", "commit to dtedask listen", "notify", "listeners"]
    assert set(found) >= {f"{name}, {figure} ms" for name in wanted for figure in ("median", "p99")}
    assert {"peer: pyaviso 2 at a bare server, no commit, median ms", "peer: bare server, notifications/s"} <= set(
        found
    )
    missed = [line for line in done.stdout.splitlines() if line.endswith("missed")]
    assert (done.returncode == 1) == bool(missed)
