"""From a commit to its notice: the time until a trigger runs, in the process that committed and in another one.

python benchmarks/notice.py [--rounds 50] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import dask.config

from dtedask.core.commit import Change, Commit
from dtedask.notify import listening, open_log, plugin
from dtedask.plugins import plugin_manager, register, run_after_commit

VARIABLES = 20

LISTEN = """
import sys, time
from dtedask.notify import listen, load_listeners

def hear(event):
    print(event.sequence, time.monotonic(), flush=True)

trigger = {"type": "function", "function": hear}
document = load_listeners({"listeners": [{"name": "other", "request": {"param": "130"}, "triggers": [trigger]}]})
print("ready", flush=True)
listen(document, sys.argv[1], mode="catchup", cubes=lambda _: [], history=lambda *_: [])
"""


def make_commit(root: str, sequence: int) -> Commit:
    keys = (("class", "od"), ("date", "20240603"), ("step", str(sequence)), ("levelist", "500/850"))
    changes = tuple(
        Change("fc/pl/O96", f"v{param}", (*keys, ("param", str(param))), 2) for param in range(130, 130 + VARIABLES)
    )
    return Commit(
        root, "od/oper/0001", f"S{sequence}", f"S{sequence - 1}", sequence, datetime.now(UTC), changes=changes
    )


def in_process(root: str, rounds: int) -> list[float]:
    """Seconds from the commit to the trigger, with one listener in the committing process."""
    heard: list[float] = []
    document = {
        "listeners": [
            {
                "request": {"param": "130"},
                "triggers": [{"type": "function", "function": lambda _: heard.append(time.monotonic())}],
            }
        ]
    }
    begun = []
    with listening(document):
        for sequence in range(1, rounds + 1):
            commit = make_commit(root, sequence)
            begun.append(time.monotonic())
            run_after_commit(commit)
    return [end - begin for begin, end in zip(begun, heard, strict=True)]


def log_only(root: str, rounds: int) -> list[float]:
    """Seconds that the durable log takes, without listeners."""
    times = []
    for sequence in range(1, rounds + 1):
        commit = make_commit(root, sequence)
        begin = time.monotonic()
        run_after_commit(commit)
        times.append(time.monotonic() - begin)
    return times


def other_process(root: str, rounds: int) -> list[float]:
    """Seconds from the commit to the trigger in a process that listens, with the settings as they are."""
    with subprocess.Popen([sys.executable, "-c", LISTEN, root], stdout=subprocess.PIPE, text=True) as listener:
        assert listener.stdout is not None
        listener.stdout.readline()
        times = []
        for sequence in range(1, rounds + 1):
            commit = make_commit(root, sequence)
            begin = time.monotonic()
            run_after_commit(commit)
            times.append(float(listener.stdout.readline().split()[1]) - begin)
        listener.terminate()
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--poll-interval", help="instead of the setting dtedask.notify.poll-interval")
    options = parser.parse_args()
    # The commits are made up: there is no cube that the catalog could describe.
    dask.config.set({"dtedask.plugins.disable": ["catalog"]})
    if options.poll_interval:
        dask.config.set({"dtedask.notify.poll-interval": options.poll_interval})
    if not plugin_manager().has_plugin("notify"):
        register(plugin, "notify")
    results = {}
    for name, measure in (("log", log_only), ("in process", in_process), ("other process", other_process)):
        with tempfile.TemporaryDirectory() as root:
            open_log(root).heads()
            times = sorted(measure(root, options.rounds)[1:])
        results[name] = {"median_ms": 1e3 * median(times), "p99_ms": 1e3 * times[int(0.99 * (len(times) - 1))]}
        print(f"{name:14} median {results[name]['median_ms']:7.2f} ms   99 % {results[name]['p99_ms']:7.2f} ms")
    if options.json:
        options.json.write_text(json.dumps({"variables": VARIABLES, "rounds": options.rounds, **results}, indent=1))


if __name__ == "__main__":
    main()
