"""Runs a plan in processes that kill themselves at a given moment; a program, spoken to in JSON lines.

Each line is a run, ``{"folder": ..., "kill": 17, "every": 1, "threads": 1}``. It happens in a fork, which is quick, for
everything is imported by then, and ends with SIGKILL at the moment of that number, if one is given. The answer is
``{"status": -9 or 0, "moments": ..., "error": ...}``.
"""

import json
import os
import signal
import sys
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dtedask.notify.log import NoticeLog
from dtedask.pipeline import Message, Plan, Run
from dtedask.pipeline.actions.sink import SinkAction
from dtedask.pipeline.checkpoint import CheckpointOptions, Checkpoints
from dtedask.pipeline.runs.running import run_plan
from dtedask.pipeline.sources import Source
from dtedask.store import Store
from tests.pipeline.fields import field

STEPS = 12
PARAMS = ("167", "130")
PLAN = """
name: killed
plans:
  - name: daily
    actions:
      - {type: select, match: [{param: ["167"]}]}
      - {type: statistics, operations: [average, stddev, maximum], output-frequency: 5h}
      - {type: sink, sinks: [{type: cube}]}
  - name: raw
    actions:
      - {type: select, match: [{param: ["130"]}]}
      - {type: encode, template: "", format: grib}
      - {type: sink, sinks: [{type: file, path: all.grib2}, {type: notification}]}
"""


class Fields(Source):
    """Fields of some hours; a position is the number of messages before it."""

    def __init__(self) -> None:
        self._index = 0

    @property
    def identity(self) -> dict[str, Any]:
        return {"kind": "test"}

    @property
    def position(self) -> dict[str, Any]:
        return {"index": self._index}

    def messages(self, position: Mapping[str, Any] | None = None) -> Iterator[Message]:
        self._index = position["index"] if position else 0
        for message in list(_messages())[self._index :]:
            self._index += 1
            yield message


def _messages() -> Iterator[Message]:
    random = np.random.default_rng(7)
    for step in range(1, STEPS + 1):
        for param in PARAMS:
            values = random.normal(280.0, 10.0, (3, 4))
            yield field(values, param=param, step=str(step), described={"step_seconds": 3600 * step})
        yield Message.flush("step", date="20240601", time="0000", step=str(step))


class Killer:
    """Counts moments, before and after functions that leave something behind, and kills the process at one of them."""

    def __init__(self, at: int | None) -> None:
        self.moments = 0
        self._at = at

    def passes(self) -> None:
        if self.moments == self._at:
            os.kill(os.getpid(), signal.SIGKILL)
        self.moments += 1

    def watch(self, owner: Any, name: str) -> None:
        function = getattr(owner, name)

        def watched(*arguments: Any, **options: Any) -> Any:
            self.passes()
            try:
                return function(*arguments, **options)
            finally:
                self.passes()

        setattr(owner, name, watched)


def run(job: dict[str, Any], killer: Killer) -> None:
    folder = Path(job["folder"])
    for owner, name in (
        (Run, "feed"),
        (SinkAction, "handle"),
        (Store, "flush"),
        (Store, "archive_fields"),
        (Checkpoints, "write"),
        (Checkpoints, "_put"),
        (Checkpoints, "_prune"),
        (os, "fsync"),
        (os, "replace"),
        (Path, "replace"),
        (NoticeLog, "append_notices"),
        (NoticeLog, "append"),
    ):
        killer.watch(owner, name)
    os.chdir(folder)
    plan = Plan.from_yaml(folder / "plan.yaml", output=str(folder / "out"))
    run_plan(plan, Fields(), checkpoint=CheckpointOptions(every=job["every"], interval=0), threads=job["threads"])


def _child(job: dict[str, Any], answer: int) -> None:
    killer, error = Killer(job["kill"]), ""
    try:
        run(job, killer)
    except BaseException:  # noqa: BLE001 - it is told
        error = traceback.format_exc()
    os.write(answer, json.dumps({"moments": killer.moments, "error": error}).encode())
    os._exit(0)


def main() -> None:
    for line in sys.stdin:
        job = json.loads(line)
        reading, writing = os.pipe()
        pid = os.fork()
        if not pid:
            os.close(reading)
            _child(job, writing)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            said = pipe.read()
        _, status = os.waitpid(pid, 0)
        answer = json.loads(said) if said else {}
        sys.stdout.write(json.dumps({"status": os.waitstatus_to_exitcode(status), **answer}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
