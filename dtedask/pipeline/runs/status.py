"""What a run leaves beside its output while it goes on, so that others can look at it."""

from __future__ import annotations

import json
import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from dtedask.core.errors import NotFoundError
from dtedask.pipeline.runs.places import FOLDER

if TYPE_CHECKING:
    from distributed import Client

    from dtedask.pipeline.plan import Plan
    from dtedask.pipeline.run import Run

__all__ = ["RunStatus", "StatusFile", "find_status"]
FILE = "status.json"
_EVERY_S = 1.0


class StatusFile:
    """Writes the status of a run, at most once a second, and at its end. Used in a ``with`` block.

    Parameters
    ----------
    folder : Path, optional
        Where; nothing is written without one.
    plan : Plan
        What is done.
    source : mapping
        What it reads.
    run : str
        What the run is called; a new name by default.
    total : callable
        Says how many fields there are; None where nobody knows.
    client : distributed.Client, optional
        Shows the status on the dashboard of its cluster, too.
    clock : callable
        Gives seconds that never go back.
    """

    def __init__(
        self,
        folder: Path | None,
        plan: Plan,
        source: Mapping[str, Any],
        *,
        run: str = "",
        total: Callable[[], int | None] = lambda: None,
        client: Client | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._head = {
            "version": 1,
            "plan": plan.document.title,
            "plan_hash": plan.digest,
            "file": str(plan.document.path.absolute()) if plan.document.path is not None else "",
            "run": run or secrets.token_hex(6),
            "source": dict(source),
            "output": plan.output,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "process": process_start(os.getpid()),
            "begin": _now(),
        }
        self._total = total
        self._client = client
        self._clock = clock
        self._next = 0.0
        self._run: Run | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        status = "done" if kind is None else "failed" if issubclass(kind, Exception) else "interrupted"
        self._write(status, "" if error is None else str(error) or type(error).__name__)

    def watch(self, run: Run) -> None:
        """Hear of the run whose status it is."""
        self._run = run
        if self._client is not None:
            from dtedask.cluster.watching.plans import start_page

            start_page(self._client)
        self._write("running", "")

    def tick(self) -> None:
        """Write, if it is time to."""
        if self._clock() >= self._next:
            self._write("running", "")

    def _write(self, status: str, error: str) -> None:
        self._next = self._clock() + _EVERY_S
        if self._folder is None and self._client is None:
            return
        said = self._run.status() if self._run is not None else {}
        ended = {} if status == "running" else {"end": _now()}
        document = {**self._head, "status": status, "error": error, "updated": _now(), "total": self._total(), **said}
        self._show({**document, **ended})

    def _show(self, document: Mapping[str, Any]) -> None:
        if self._client is not None:
            from dtedask.cluster.watching.plans import show_plan

            show_plan(self._client, document)
        if self._folder is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        partial = self._folder / f"{FILE}.{os.getpid()}.partial"
        partial.write_text(json.dumps(document, default=str))
        partial.replace(self._folder / FILE)


@dataclass(frozen=True, slots=True)
class RunStatus:
    """A run as its file shows it.

    Parameters
    ----------
    path : Path
        The file.
    document : dict
        What it says; `docs/how-to/restart-a-plan.md` tells the keys.
    """

    path: Path
    document: dict[str, Any]

    @property
    def state(self) -> str:
        """``running``, ``done``, ``failed``, ``interrupted``, or ``lost``: its process is gone without a word."""
        said = str(self.document["status"])
        if said == "running" and self.document["host"] == socket.gethostname():
            is_there = process_start(int(self.document["pid"])) == self.document["process"]
            return "running" if is_there else "lost"
        return said

    def to_dict(self) -> dict[str, Any]:
        """All of it, as JSON can hold it."""
        return {**self.document, "status": self.state}


def find_status(where: str | os.PathLike[str]) -> list[RunStatus]:
    """Find the runs of a root, or that of a folder of runs.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    path = Path(where).expanduser()
    found = list(_files(path))
    if not found:
        raise NotFoundError(
            f"No plan has run into {str(where)!r}.", hint="Name the root that was given with --output, or --folder."
        )
    return [RunStatus(one, json.loads(one.read_text())) for one in found]


def process_start(pid: int) -> str:
    """When a process began, in the words of this system; empty where there is none, or nobody knows.

    A number that another process has by now is not taken for the one that had it.
    """
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[-1].split()[19]
    except (OSError, IndexError):
        pass
    try:
        os.kill(pid, 0)
    except OSError:
        return ""
    return "there"


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    elif (path / FILE).is_file():
        yield path / FILE
    else:
        yield from sorted((path / FOLDER).glob(f"*/{FILE}"))


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
