"""Follow a folder that a model writes into."""

from __future__ import annotations

import logging
import os
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event as StopEvent
from typing import TYPE_CHECKING, Any, Literal

from dtedask.core.errors import (
    ConflictError,
    FieldError,
    GribCutError,
    GribError,
    LockedError,
    NotFoundError,
    PlanError,
)
from dtedask.core.settings import setting
from dtedask.grib import arrivals
from dtedask.grib.arrivals import Arrivals, CommitFile, CommitStep
from dtedask.grib.files import SourceFile
from dtedask.grib.folder import Folder
from dtedask.ingest.commit import Committer
from dtedask.ingest.plan import Room, make_plan
from dtedask.ingest.summary import Summary
from dtedask.ingest.survey import FileSurvey, OnError, Unit, step_of, step_text, survey

if TYPE_CHECKING:
    from distributed import Client

    from dtedask.grib import Message
    from dtedask.store import Store

logger = logging.getLogger(__name__)
_LOOK_AT_STOP_S = 0.1


def watch(  # noqa: PLR0913 - each says something else of the same watch
    folder: str | os.PathLike[str],
    store: Store,
    *,
    unit: Literal["file", "step"] = "file",
    stop: StopEvent | None = None,
    on_event: Callable[[Summary], None] | None = None,
    on_error: OnError = "raise",
    client: Client | None = None,
    message: str = "",
    poll: bool | None = None,
    idle_s: float = 30.0,
    refers: bool = False,
) -> Summary:
    """Ingest what stands in a folder and what arrives there, until told to stop.

    A file is taken as a whole when nobody writes to it any more and its last message is whole. Hidden files, ``*.part``
    and ``*.tmp`` are left alone. Files that the history has already with the same name, size and time are passed over,
    so that a restart goes on where the watch was.

    Parameters
    ----------
    folder : str or path
        The folder; everything below it counts.
    store : Store
        Where to.
    unit : {"file", "step"}
        What is committed at once. A step is committed when a later step of its run has come, when nothing of it has
        come for `idle_s` seconds, and when the watch stops; what comes for it later is one more commit.
    stop : threading.Event, optional
        Set it to stop: what is complete by then is committed.
    on_event : callable, optional
        Called with the summary of each commit, and of each file that cannot be taken.
    on_error : {"raise", "skip"}
        What a bad message does: spoil its file, which is reported and left out, or only be counted and listed.
    client : distributed.Client, optional
        Run on its workers; threads of this process by default.
    message : str
        What to say of the commits in the history.
    poll : bool, optional
        True looks at the folder again and again (setting ``dtedask.ingest.poll-interval``), False relies on events of
        the system; by default events, but on network file systems, which have none.
    idle_s : float
        See `unit`.
    refers : bool
        Whether the fields are only referred to, and the files stay where they are; see `Store.virtualize`.

    Returns
    -------
    Summary
        Everything since the start, without what single commits changed. Files that never became whole are among the
        failed ones.

    Raises
    ------
    NotFoundError
        If there is no such folder.
    StoreError
        If the store cannot be written. A cube that is held by another writer is only waited for.
    """
    path = os.path.abspath(folder)
    if not Path(path).is_dir():
        raise NotFoundError(f"There is no folder {os.fspath(folder)!r}.", hint="Make it before the watch begins.")
    settle_s, interval_s = setting("ingest.settle-time"), setting("ingest.poll-interval")
    machine = Arrivals(unit, settle_s=settle_s, retry_s=interval_s, idle_s=idle_s)
    options: Any = {"on_error": on_error, "client": client, "message": message, "on_event": on_event}
    watcher = _Watcher(store, machine, refers=refers, **options)
    with Folder(path, poll=poll, interval_s=interval_s) as source:
        watcher.run(source, stop or StopEvent())
    return watcher.total


class _Watcher:
    """Does what the state machine says."""

    def __init__(
        self,
        store: Store,
        machine: Arrivals,
        *,
        on_error: OnError,
        client: Client | None,
        message: str,
        on_event: Callable[[Summary], None] | None,
        refers: bool,
    ) -> None:
        self._machine = machine
        self._on_error, self._on_event = on_error, on_event
        self._room = Room.of(client)
        self._committer = Committer(
            store, on_error=on_error, client=client, threads=self._room.threads, message=message, refers=refers
        )
        self._surveys: dict[str, FileSurvey] = {}
        self._errors: dict[str, Exception | None] = {}
        self._begin = time.monotonic()
        self.total = Summary()

    def run(self, source: Folder, stop: StopEvent) -> None:
        """Go on until told to stop."""
        while not stop.is_set():
            deadline = self._machine.deadline
            left = _LOOK_AT_STOP_S if deadline is None else min(deadline - time.monotonic(), _LOOK_AT_STOP_S)
            for event in source.changes(left):
                self._feed(event, source)
                if stop.is_set():
                    break
            self._feed(arrivals.Tick(), source)
        self._feed(arrivals.Stopped(), source)

    def _feed(self, event: arrivals.Event, source: Folder) -> None:
        events = deque([event])
        while events:
            for instruction in self._machine.handle(events.popleft(), time.monotonic()):
                answer = self._do(instruction, source)
                if answer is not None:
                    events.append(answer)

    def _do(self, instruction: arrivals.Instruction, source: Folder) -> arrivals.Event | None:
        match instruction:
            case arrivals.Look():
                return source.look(instruction.path)
            case arrivals.Scan():
                return self._scan(instruction, source)
            case arrivals.Report():
                self._report(instruction.path)
                return None
            case _:
                return self._commit(instruction)

    def _scan(self, instruction: arrivals.Scan, source: Folder) -> arrivals.Event | None:
        path = instruction.path
        size, mtime_ns = instruction.stamp
        found = survey(SourceFile(path, size, mtime_ns, path), self._on_error)
        now = source.look(path)
        if not isinstance(now, arrivals.Seen) or now.stamp != instruction.stamp:
            return now or arrivals.Gone(path)
        self._errors[path] = found.error
        if _is_cut(found):
            logger.info("%s waits: its last message is not whole", path)
            return arrivals.Scanned(path, "growing")
        if found.error is not None:
            return arrivals.Scanned(path, "bad")
        if self._committer.known.has_whole(found):
            logger.info("%s is in the cube already", path)
            return arrivals.Scanned(path, "known")
        self._surveys[path] = found
        del self._errors[path]
        steps = {_step_of(message) for message in found.messages}
        return arrivals.Scanned(path, "whole", tuple(sorted(steps)))

    def _commit(self, instruction: CommitFile | CommitStep) -> arrivals.Event | None:
        unit = self._unit(instruction)
        try:
            self._tell(self._flush(unit))
        except (LockedError, ConflictError) as error:
            logger.warning("cannot commit now, trying again later: %s", error)
            return arrivals.Refused(instruction)
        except (GribError, FieldError, PlanError, FileNotFoundError) as error:
            self._commit_single_files(unit, error)
        for file in unit.complete:
            self._surveys.pop(file.path, None)
        return None

    def _unit(self, instruction: CommitFile | CommitStep) -> Unit:
        if isinstance(instruction, CommitFile):
            found = self._surveys[instruction.path]
            return Unit.of_files([found], message=Path(instruction.path).name)
        surveys = [self._surveys[path] for path in (*instruction.complete, *instruction.partial)]
        whole = Unit.of_files(surveys)
        of_step = [n for n, message in enumerate(whole.messages) if _step_of(message) == instruction.step]
        return replace(
            whole.part(of_step),
            complete=tuple(self._surveys[path].file for path in instruction.complete),
            partial=tuple(self._surveys[path].file for path in instruction.partial),
            message=step_text(step_of(whole.messages[of_step[0]])),
        )

    def _flush(self, unit: Unit) -> Summary:
        files = (*unit.complete, *unit.partial)
        surveys = [self._surveys[file.path] for file in files]
        room = self._room.fitted(surveys)
        make_plan(surveys, "all", room).check()
        self._committer.threads = room.threads
        done = self._committer.commit(unit)
        skipped = tuple(part for file in unit.complete for part in self._surveys[file.path].skipped)
        return done + Summary(files=len(unit.complete), skipped=skipped)

    def _commit_single_files(self, unit: Unit, error: Exception) -> None:
        """One bad file must not spoil a step of many: each for itself, and the bad ones are reported."""
        files = (*unit.complete, *unit.partial)
        if len(files) == 1:
            self._tell(Summary(failed=((files[0].name, error),), files=1))
            return
        for file in files:
            is_complete = file in unit.complete
            part = replace(
                unit.part([n for n, message in enumerate(unit.messages) if message.location == file.path]),
                complete=(file,) if is_complete else (),
                partial=() if is_complete else (file,),
            )
            try:
                self._tell(self._flush(part))
            except (GribError, FieldError, PlanError, FileNotFoundError) as reason:
                self._tell(Summary(failed=((file.name, reason),), files=1))

    def _report(self, path: str) -> None:
        error = self._errors.pop(path, None) or GribError(f"{path}: was still written to when the watch ended.")
        self._tell(Summary(failed=((path, error),), files=1))

    def _tell(self, summary: Summary) -> None:
        self.total = replace(self.total + summary.brief(), seconds=time.monotonic() - self._begin)
        for line in str(summary).splitlines():
            logger.log(logging.WARNING if summary.failed or summary.skipped else logging.INFO, "%s", line)
        if self._on_event is not None:
            self._on_event(summary)


def _step_of(message: Message) -> arrivals.Step:
    keys = message.field.keys
    cube = "/".join(keys.get(key, "") for key in ("class", "stream", "expver", "model"))
    moment, seconds = step_of(message)
    return (cube, moment), seconds


def _is_cut(found: FileSurvey) -> bool:
    """Whether the last message is not whole: the file is still being written, whatever is wrong before it."""
    if found.error is not None:
        return isinstance(found.error, GribCutError)
    last = found.skipped[-1] if found.skipped else None
    return last is not None and "source ends" in last.reason and last.offset + last.length >= found.file.size
