"""Whole runs of products, from a cube to every kind of place, in forks of one process that are killed at given moments.

``python whole_runs.py FOLDER URL PART,PART... ...`` runs all of it once in FOLDER/clean, and for each group of parts in
a folder of its own, again and again, each run killed after a part of the time that the clean one took, but the last.
Behind each it writes a line, and waits for one before it goes on: whoever started it looks at what lies there.
"""

from __future__ import annotations

import json
import os
import pathlib
import select
import signal
import sys
import time

from dtedask.notify.log import close_logs
from dtedask.products.run import Products
from dtedask.testing.fields import KEYS

STEPS = ("0", "6", "12")
PARAMS = ("t", "u")


def requirements(place, url):
    """Every format and place, several owners, equal products of two of them."""
    request = {key: value for key, value in KEYS.items() if key not in ("param", "date", "time")}
    every = {"request": {**request, "param": list(PARAMS), "step": list(STEPS)}}
    one = {**every, "file": "{name}/{step}{suffix}"}
    return {
        "requirements": [
            {"name": "grib", "owner": "a", **one, "delivery": [str(place / "a"), str(place / "b" / "more")]},
            {"name": "same", "owner": "b", **one, "delivery": str(place / "b")},
            {"name": "area", "owner": "b", "area": "50/-20/0/60", **one, "format": "netcdf",
             "delivery": str(place / "b")},
            {"name": "tree", "owner": "a", **one, "format": "zarr", "delivery": str(place / "a")},
            {"name": "sent", "owner": "c", **one, "format": "csv",
             "delivery": {"type": "http", "url": f"{url}/{place.name}", "method": "PUT"}},
            {"name": "cube", "owner": "c", **every, "format": "cube", "file": "cube-{step}",
             "delivery": {"type": "cube", "url": str(place / "root")}},
        ]
    }  # fmt: skip


def run(place, url):
    """Do what is left; True if nothing failed."""
    document = requirements(place, url)
    with Products.open(document, str(place.parent / "fields"), state=place / "state") as products:
        assert not products.requirements.broken, products.requirements.broken
        report = products.run(threads=2)
    close_logs()
    (place / "report.txt").write_text(str(report))
    return report


def forked(place, url, seconds):
    """Run in a fork that is killed after some seconds; returns how it ended."""
    child = os.fork()
    if child == 0:
        try:
            report = run(place, url)
            os._exit(0 if not report.failed else 1)
        finally:
            os._exit(2)
    number = os.pidfd_open(child)
    if not select.select([number], [], [], seconds)[0]:
        os.kill(child, signal.SIGKILL)
    os.close(number)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main():
    folder, url, *parts = sys.argv[1:]
    folder = pathlib.Path(folder)
    for name in ("warm", "clean"):
        (folder / name).mkdir()
    forked(folder / "warm", url, None)
    begin = time.monotonic()
    print(json.dumps(["clean", None, forked(folder / "clean", url, None)]), flush=True)
    took = time.monotonic() - begin
    for number, group in enumerate(parts):
        name = f"killed-{number}"
        (folder / name).mkdir()
        for part in [*map(float, group.split(",")), None]:
            code = forked(folder / name, url, None if part is None else part * took)
            print(json.dumps([name, part, code]), flush=True)
            sys.stdin.readline()


if __name__ == "__main__":
    main()
