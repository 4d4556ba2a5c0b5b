"""What of a delivery survives a power cut, as the system calls say it, seen by strace."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.services.test_power_cut import calls_of

HERE = Path(__file__).parent
WRITER = """
import os, sys
from pathlib import Path
from tests.products.finishing.killed import makes
from dtedask.products.finishing import Finishing
from dtedask.products.ledger import Ledger
from tests.products.made import part

place = Path(sys.argv[1])
with Ledger(place / "state") as ledger, Finishing(ledger) as finishing:
    for make, value in makes(place, sys.argv[2]):
        finishing(make, [part(value)])
        os.write(1, b"acknowledged")
"""
WATCHED = "trace=rename,renameat,renameat2,link,linkat,fsync,fdatasync,write,writev"
NAMING = ("rename", "renameat", "renameat2", "link", "linkat")


@pytest.fixture(scope="module")
def strace():
    """Path of strace."""
    return subprocess.run([HERE / "strace-up"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


@pytest.mark.parametrize("scenario", ["file", "tree"])
def test_a_product_is_on_disk_before_it_has_its_name_and_its_name_before_anybody_is_told(strace, tmp_path, scenario):
    out = tmp_path / "trace"
    command = [strace, "-f", "-y", "--seccomp-bpf", "-s", "200", "-o", out, "-e", WATCHED]
    subprocess.run(
        [*command, sys.executable, "-c", WRITER, tmp_path, scenario], check=True, capture_output=True, env=os.environ
    )
    calls = calls_of(out.read_text().splitlines())
    named = [
        call
        for call in calls
        if call.name in NAMING and " = -1 " not in call.text and "/state/" not in names_of(call)[1]
    ]
    named = [call for call in named if "/.delivering/" not in names_of(call)[1]]
    assert len(named) == 7
    for call in named:
        source, target = names_of(call)
        written = [one for one in calls if one.name in ("write", "writev", "link", "linkat") and source in one.text]
        synced = [one for one in calls if one.name == "fsync" and f"{source}" in one.text and one.end < call.begin]
        assert written
        assert {place_of(one) for one in written if one.name.startswith("write")} <= {place_of(one) for one in synced}
        folder = [one for one in calls if one.name == "fsync" and f"<{Path(target).parent}>" in one.text]
        after = next(one for one in folder if one.begin > call.end)
        told = [one for one in calls if one.name == "write" and "/manifest-" in one.text and f'{target}\\"' in one.text]
        assert not [one for one in told if call.end < one.begin < after.end], "told before it was on disk"
    manifests = [call for call in calls if call.name == "write" and "/manifest-" in call.text.split(",")[0]]
    assert manifests
    for call in manifests:
        assert any(one.name == "fsync" and place_of(one) == place_of(call) for one in calls if one.begin > call.end)


def names_of(call):
    """The old and the new name."""
    return re.findall(r'"([^"]*)"', call.text)[:2]


def place_of(call):
    """The file that a call is about."""
    return re.search(r"<([^>]*)>", call.text)[1]
