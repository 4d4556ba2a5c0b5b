"""Follows a root in processes that kill themselves at a given moment; a program, spoken to in JSON lines.

Each line is a run, ``{"folder": ..., "kill": 17}``. It happens in a fork, which is quick, for everything is imported by
then, and ends with SIGKILL at the moment of that number, if one is given: before or after a plan, a change of the
ledger, a delivery, or a file that gets its name. The answer is ``{"status": -9 or 0, "moments": ..., "error": ...}``.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
import traceback
from pathlib import Path

from dtedask.products.deliveries.folder import FolderDelivery
from dtedask.products.ledger import Ledger
from dtedask.products.live.following import Following
from tests.products.live.runs import Desk, requirement

STEPS = ("0", "6", "12", "18")
ALL = "/".join(STEPS)
REQUIREMENTS = (
    requirement("a", step=ALL, grid="5x5"),
    requirement("same", step=ALL, grid="5x5", owner="you"),
    requirement("area", step=ALL, grid="5x5", area=(50.0, 0.0, 10.0, 40.0), form="csv"),
    requirement("wind", step=ALL, param="ws"),
    requirement("pair", step="6/12", param="t/u", file_name="{name}{suffix}"),
)
"""Products for two owners that are equal, of several fields, derived, and of several steps."""


class Moments:
    """Counts moments, from any thread, and ends the process at one of them."""

    def __init__(self, kill):
        self._kill, self._numbers, self.count = kill, itertools.count(), 0

    def pass_by(self):
        self.count = next(self._numbers) + 1
        if self.count - 1 == self._kill:
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self, owner, name):
        original = getattr(owner, name)

        def watched(*arguments, **options):
            self.pass_by()
            found = original(*arguments, **options)
            self.pass_by()
            return found

        setattr(owner, name, watched)


def run(folder, kill):
    moments = Moments(kill)
    for owner, names in {
        Following: ("_plan", "_committed"),
        Ledger: ("running", "made", "record_all", "waiting"),
        FolderDelivery: ("deliver",),
        os: ("replace", "rename", "link"),
    }.items():
        for name in names:
            moments.watch(owner, name)
    Desk(Path(folder)).follow(*REQUIREMENTS)
    return moments.count


def answer(job):
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            said = {"moments": run(job["folder"], job["kill"])}
        except BaseException:  # noqa: BLE001 - the test tells of it
            said = {"error": traceback.format_exc()}
        os.write(writer, json.dumps(said).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        text = pipe.read()
    _, status = os.waitpid(child, 0)
    return {"status": os.waitstatus_to_exitcode(status), **json.loads(text or "{}")}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
