"""What survives a power cut, as the system calls of a writer say it, seen by strace."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).parent
DATA = ("/chunks/", "/manifests/", "/snapshots/", "/transactions/", "/.dtedask/digests/")
ACTIONS = ("archive", "wipe", "rollback")
WRITER = """
import os, sys
import dask
import numpy as np
import xarray as xr
import dtedask
import dtedask.store

dask.config.set({"dtedask.store.durable": sys.argv[2] == "durable"})
store = dtedask.open(sys.argv[1], schema=dtedask.store.Schema(layout=sys.argv[3]))
keys = {"class": "rd", "stream": "enfo", "expver": "test", "type": "fc", "levtype": "pl", "param": "t"}
keys |= {"date": "20240101", "time": "0000", "levelist": "500"}
noise = np.random.default_rng(1).random((2, 20, 30), dtype="float32")
coordinates = {"latitude": np.linspace(90, -90, 20), "longitude": np.arange(30) * 12.0}
for step in (0, 1):
    array = xr.DataArray(noise[step], dims=("latitude", "longitude"), coords=coordinates)
    store.archive(array, {**keys, "step": str(step)})
    (commit,) = store.flush()
os.write(1, b"acknowledged archive")
store.wipe("class=rd,expver=test,step=1", doit=True)
os.write(1, b"acknowledged wipe")
store.rollback(to=commit.snapshot, doit=True)
os.write(1, b"acknowledged rollback")
"""
_CALL = re.compile(r"^(?P<pid>\d+) +(?P<call>\w+)\((?P<arguments>.*)$")
_RESUMED = re.compile(r"^(?P<pid>\d+) +<\.\.\. (?P<call>\w+) resumed>")


@dataclass(frozen=True)
class Call:
    """A system call: from which line of the trace to which, and what it was about."""

    name: str
    begin: int
    end: int
    text: str

    def writes(self, *places):
        """Whether it puts a whole file into one of these places."""
        target = re.findall(r'"([^"]*)"', self.text)[-1:] if self.name.startswith(("rename", "link")) else []
        return any(place in target[0] for place in places) if target else False


def calls_of(lines):
    """Calls in the order in which they began; one that was interrupted ends where it was resumed."""
    found, open_calls = [], {}
    for number, line in enumerate(lines):
        resumed = _RESUMED.match(line)
        if resumed:
            name, begin, text = open_calls.pop((resumed["pid"], resumed["call"]))
            found.append(Call(name, begin, number, text + line[resumed.end() :]))
            continue
        call = _CALL.match(line)
        if call and line.rstrip().endswith("<unfinished ...>"):
            open_calls[call["pid"], call["call"]] = (call["call"], number, call["arguments"])
        elif call:
            found.append(Call(call["call"], number, number, call["arguments"]))
    return sorted(found, key=lambda one: one.begin)


@pytest.fixture(scope="module")
def strace():
    """Path of strace."""
    return subprocess.run([HERE / "strace-up"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def trace(strace, folder, mode, layout="map"):
    """Calls of a writer, one list for each change that it acknowledged."""
    out = folder / "trace"
    watched = "trace=rename,renameat,renameat2,link,linkat,syncfs,sync,fsync,write"
    command = [strace, "-f", "-y", "--seccomp-bpf", "-s", "64", "-o", out, "-e", watched]
    command += [sys.executable, "-c", WRITER, folder / "root", mode, layout]
    subprocess.run(command, check=True, capture_output=True, env=os.environ, timeout=100)
    parts, begin = {}, 0
    calls = calls_of(out.read_text().splitlines())
    for number, call in enumerate(calls):
        told = re.search(r'"acknowledged (\w+)"', call.text) if call.name == "write" else None
        if told:
            parts[told[1]] = calls[begin : number + 1]
            begin = number + 1
    assert tuple(parts) == ACTIONS
    return parts


def test_all_is_on_disk_before_main_moves_and_main_before_a_commit_is_acknowledged(strace, tmp_path):
    for action, calls in trace(strace, tmp_path, "durable").items():
        moves = [call for call in calls if call.writes("/refs/branch.main/")]
        data = [call for call in calls if call.writes(*DATA)]
        syncs = [call for call in calls if call.name in ("syncfs", "sync")]
        newest, acknowledged = moves[-1], calls[-1]
        written = {place for place in DATA if any(call.writes(place) for call in data)}
        assert written >= (set(DATA) if action == "archive" else set(DATA[-3:])), action
        assert max(call.end for call in data) < newest.begin, f"{action}: something was written after main moved"
        assert any(max(call.end for call in data) < sync.begin and sync.end < newest.begin for sync in syncs), action
        for place in ("/refs/branch.main/ref.json>", "/refs/branch.main>"):  # the file, and that it has this name
            *_, sync = (call for call in calls if call.name == "fsync" and place in call.text)
            assert newest.end < sync.begin, action
            assert sync.end < acknowledged.begin, action


def test_packs_are_on_disk_before_main_moves(strace, tmp_path):
    calls = trace(strace, tmp_path, "durable", "messages")["archive"]
    packed = [call for call in calls if call.name == "write" and "/packs/" in call.text.split(",")[0]]
    moves = [call for call in calls if call.writes("/refs/branch.main/")][-2:]
    assert len({call.text.split(",")[0] for call in packed}) == len(moves) == 2
    for pack, move in zip(packed[:: len(packed) - 1], moves, strict=True):
        assert any(pack.end < call.begin and call.end < move.begin for call in calls if call.name == "syncfs")
    assert not any(moves[-1].end < pack.begin for pack in packed)


def test_without_durable_nothing_waits_for_the_disk(strace, tmp_path):
    for calls in trace(strace, tmp_path, "fast").values():
        assert any(call.writes("/refs/branch.main/") for call in calls)
        ours = ("/refs/", *DATA)  # the log of notices is durable in any case
        assert not [call for call in calls if call.name in ("syncfs", "sync")]
        assert not [call for call in calls if call.name == "fsync" and any(place in call.text for place in ours)]


def test_a_trace_is_read_with_calls_that_others_interrupt():
    calls = calls_of(
        [
            "7 syncfs(18 <unfinished ...>",
            '9 rename("a#1", "/x/chunks/a" <unfinished ...>',
            "7 <... syncfs resumed>) = 0",
            "9 <... rename resumed>) = 0",
            '9 rename("b#1", "/x/refs/branch.main/ref.json") = 0',
        ]
    )
    found = [(call.name, call.begin, call.end) for call in calls]
    assert found == [("syncfs", 0, 2), ("rename", 1, 3), ("rename", 4, 4)]
    assert [call.writes("/chunks/") for call in calls] == [False, True, False]
