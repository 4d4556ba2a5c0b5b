"""Killed at any moment and begun anew, every product is there once, whole, as one makes it whom nobody disturbs."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.products.live.killed import REQUIREMENTS, STEPS
from tests.products.live.runs import Desk, archive

pytestmark = pytest.mark.slow


class Program:
    """The program that follows roots in processes of its own."""

    def __init__(self):
        command = [sys.executable, "-m", "tests.products.live.killed"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self._process = subprocess.Popen(command, **pipes)

    def run(self, folder, kill=None):
        self._process.stdin.write(json.dumps({"folder": str(folder), "kill": kill}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert not answer.get("error"), answer["error"]
        return answer

    def close(self):
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(10)


@pytest.fixture(scope="module")
def program():
    found = Program()
    yield found
    found.close()


def run_step(desk, step, value=0.0):
    archive(desk.root, *({"param": param, "step": step, "value": value} for param in ("t", "u", "v")))


@settings(max_examples=3, phases=[Phase.reuse, Phase.generate])
@given(
    kills=st.lists(st.one_of(st.none(), st.integers(0, 120)), min_size=2 * len(STEPS), max_size=2 * len(STEPS)),
    again=st.sampled_from([None, *STEPS[1:]]),
)
def test_killed_anywhere_and_begun_anew_all_is_as_if_nothing_had_happened(program, kills, again):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        desk = Desk(folder)
        archive(desk.root, {"param": "w"})
        whole = set()
        for step, moments in zip(STEPS, zip(kills[::2], kills[1::2], strict=True), strict=True):
            run_step(desk, step)
            if step == again:
                whole |= made_of_all(folder)
                run_step(desk, "0", value=7.0)
            whole |= made_of_all(folder)
            for kill in moments:
                if kill is not None:
                    assert program.run(folder, kill)["status"] in (-9, 0)
                    assert set(desk.files.items()) <= whole
        assert program.run(folder)["status"] == 0
        check(desk, folder)


def made_of_all(folder):
    """Names and contents of all products that can be made of what there is."""
    other = Desk(folder, name="archive")
    other.run(*REQUIREMENTS)
    return set(other.files.items())


def check(desk, folder):
    assert set(desk.files.items()) == made_of_all(folder)
    lines = Counter((line["product"], line["digest"]) for line in desk.manifest)
    assert set(lines.values()) == {1}
    delivered = {row.product: row.digest for row in desk.ledger.products() if row.is_delivered}
    assert delivered == {line["product"]: line["digest"] for line in desk.manifest}
    assert len(delivered) == len(desk.files) == 4 * len(STEPS) + 1
    assert list((desk.ledger.folder / "staged").glob("*")) == []
    assert [one for one in desk.out.rglob(".*") if one.is_file()] == []
