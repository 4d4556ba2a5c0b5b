"""Writers and servers that are killed: forks of this process, which work until then and say what was acknowledged.

``python killed.py sent|committed|served FOLDER SECONDS,...`` writes one line of JSON for each fork, which is killed
after so many seconds, and waits for a line before it goes on: whoever started it looks at what lies there.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
import json
import os
import pathlib
import random
import select
import signal
import sys
import tempfile
import threading
import traceback

import numpy as np
import xarray as xr

import dtedask
import dtedask.serve.notify
from dtedask.notify import catch_up, listening
from dtedask.notify.client import NotifyClient
from dtedask.notify.event_types import load_event_types
from dtedask.notify.notification import Draft
from dtedask.notify.streams import SqliteEventLog, open_streams
from dtedask.serve.notify import running

THREADS = 4
CUBE = "rd/enfo/test"
TYPES = load_event_types({"flight": {"identifier": {"n": {"type": "string"}}}})


def send(folder, acknowledge):
    """Append groups by several threads at once, while others come and go; acknowledge each group that was written."""
    log = SqliteEventLog(folder / "events.sqlite")
    log.page("flight", 0)
    threads = [threading.Thread(target=_send_groups, args=(log, acknowledge)) for _ in range(THREADS)]
    for thread in [*threads, threading.Thread(target=_come_and_go, args=(log, acknowledge))]:
        thread.start()


def _send_groups(log, acknowledge):
    chance = random.Random(os.getpid() + threading.get_ident())
    for number in itertools.count():
        name, size = f"{os.getpid()}-{threading.get_ident()}-{number}", chance.randint(1, 3)
        drafts = [Draft("flight", {"group": name, "size": str(size)}, "x" * chance.randrange(3000))] * size
        acknowledge([[one.sequence, name] for one in log.append(drafts)])


def _come_and_go(log, acknowledge):
    for number in itertools.count():
        (written,) = log.append([Draft("passing", {})])
        acknowledge([[written.sequence, "passing"]])
        if number % 5 == 4:
            log.wipe("passing")
        elif number % 2:
            log.trim("passing", keep=2)


def listeners(folder):
    """A listener that writes down what it hears."""
    triggers = [{"type": "function", "function": lambda event: _write_down(folder, event.id)}]
    return {"listeners": [{"name": "heard", "request": {}, "triggers": triggers}]}


def _write_down(folder, text):
    with (folder / "heard").open("a") as file:
        file.write(f"{text}\n")


def commit(folder, acknowledge):
    """Announce what was not announced, then commit step by step; acknowledge each commit that was flushed."""
    (folder / "root").mkdir(exist_ok=True)
    store = dtedask.open(folder / "root")
    with listening(listeners(folder)):
        catch_up(store.root)
        records = store.list() if store.cubes() else []
        step = 1 + max((int(record.keys["step"]) for record in records), default=-1)
        for number in itertools.count(step):
            archive(store, number)
            store.flush()
            acknowledge([[number, CUBE]])


def archive(store, step):
    array = xr.DataArray(
        np.full((3, 4), float(step), "float32"),
        dims=("latitude", "longitude"),
        coords={"latitude": np.array([10.0, 0.0, -10.0]), "longitude": np.arange(4) * 10.0},
    )
    fixed = {"class": "rd", "stream": "enfo", "expver": "test", "type": "pf", "levtype": "sfc", "number": "1"}
    store.archive(array, {**fixed, "date": "20240101", "time": "0000", "param": "2t", "step": str(step)})


def serve(folder, acknowledge):
    """Serve what is sent and the commits of a root, at the port that a file names; acknowledge the URL."""
    streams = open_streams(folder / "root", TYPES)
    port = int((folder / "port").read_text())
    dtedask.serve.notify.serve(
        streams, root=str(folder / "root"), port=port, on_ready=lambda url: acknowledge([[0, url]])
    )


def forked(write, folder, seconds):
    """Run a writer in a fork that is killed after some seconds; gives what it acknowledged."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            write(folder, lambda rows: os.write(writing, json.dumps(rows).encode() + b"\n"))
            threading.Event().wait()
        except BaseException:  # noqa: BLE001
            traceback.print_exc()
        finally:
            os._exit(2)
    os.close(writing)
    lines = [os.read(reading, 1 << 16)]  # the clock runs from the first one on
    number = os.pidfd_open(child)
    timer = threading.Timer(seconds, signal.pidfd_send_signal, (number, signal.SIGKILL))
    timer.start()
    while select.select([reading], [], [])[0] and (data := os.read(reading, 1 << 16)):
        lines.append(data)
    timer.join()
    os.close(number)
    os.close(reading)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return [row for line in b"".join(lines).splitlines() for row in json.loads(line)], code


def import_what_is_needed(work):
    """Import all that some work imports, so that forks need not; a store that was used cannot be forked."""

    def modules(folder, tell):
        begun = threading.Event()
        if work is serve:
            with running(open_streams(folder, TYPES), root=str(folder)) as url, NotifyClient(url) as client:
                client.send("flight", {"n": "1"})
        else:
            threading.Thread(target=work, args=(folder, lambda _: begun.set()), daemon=True).start()
            begun.wait()
        tell(sorted(sys.modules))

    with tempfile.TemporaryDirectory() as folder:
        names, _ = forked(modules, pathlib.Path(folder), 0)
    for name in names:
        with contextlib.suppress(Exception):
            importlib.import_module(name)


def main():
    kind, folder, seconds = sys.argv[1], pathlib.Path(sys.argv[2]), map(float, sys.argv[3].split(","))
    work = {"sent": send, "committed": commit, "served": serve}[kind]
    import_what_is_needed(work)
    for one in seconds:
        print(json.dumps(forked(work, folder, one)), flush=True)
        sys.stdin.readline()


if __name__ == "__main__":
    main()
