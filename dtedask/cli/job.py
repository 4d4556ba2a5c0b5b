"""What the script of a batch job runs: ``python -m dtedask.cli.job FOLDER [--ended STATUS]``."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dtedask.cli.console import say, show_error
from dtedask.cli.ending import Ending
from dtedask.cli.entry import DONE, INTERRUPTED, guarded
from dtedask.core.errors import DtedaskError

if TYPE_CHECKING:
    from dtedask.cluster.folder import ClusterFolder
    from dtedask.recipe import Recipe


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the recipe of a folder in the allocation of this job; with ``--ended``, tell how its driver ended."""
    from dtedask.cluster.folder import ClusterFolder

    words = list(sys.argv[1:] if arguments is None else arguments)
    folder = ClusterFolder(Path(words[0]))
    if "--ended" in words:
        return _tell_end(folder, int(words[-1]))
    ending = Ending(_seconds_left)
    raised: list[BaseException] = []
    with ending.heard(), ExitStack() as stack:
        status = guarded(lambda: _in_allocation(folder, ending, stack), on_error=raised.append)
        # Before the workers are waited for: who follows the run need not wait for them.
        _record(folder, status, ending, raised[0] if raised else None)
    return status


def _in_allocation(folder: ClusterFolder, ending: Ending, stack: ExitStack) -> int:
    from dtedask.cluster.batch.allocation import Allocation

    ending.allocation = stack.enter_context(Allocation(folder))
    _record_begin(folder)
    from dtedask.cluster.batch.folder import RECIPE, read_job
    from dtedask.recipe import load_recipe

    recipe, job = load_recipe(folder.path / RECIPE), read_job(folder.path)
    ending.finishes = recipe.input.watch or recipe.input.demo is not None
    ending.grace_s = job["grace_s"]
    try:
        status = _run(recipe, job["profile"], ending, folder)
    except KeyboardInterrupt:
        if ending.allocation.lost is not None:
            raise ending.allocation.lost from None
        raise
    is_whole = not ending.reason or (ending.reason == "walltime" and recipe.input.watch)
    return status if is_whole else INTERRUPTED


def _run(recipe: Recipe, profile: str, ending: Ending, folder: ClusterFolder) -> int:
    import typer

    from dtedask.cli.recipe import run_and_show

    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    begin = datetime.now(UTC)
    try:
        run_and_show(recipe, profile, stopping=ending.stopping())
    except typer.Exit as end:
        return end.exit_code
    finally:
        sys.stdout.flush()
        folder.update(report=_report_of(recipe, begin))
    return DONE


def _report_of(recipe: Recipe, begin: datetime) -> str | None:
    """The page of the report that the run has left, however it ended."""
    from dtedask.recipe.report.files import list_reports, report_folder

    place = report_folder(recipe)
    newest = next(iter(list_reports(place, recipe.name)), None) if place is not None else None
    return str(newest.page) if newest is not None and newest.begin >= begin.replace(microsecond=0) else None


def _seconds_left() -> float | None:
    """How long this job may still run, as SLURM says; None if it does not."""
    from dtedask.cluster.slurm.commands import seconds_left
    from dtedask.core.errors import ClusterError

    try:
        return seconds_left(os.environ.get("SLURM_JOB_ID", ""))
    except ClusterError:
        return None


def _record_begin(folder: ClusterFolder) -> None:
    attempt, job_id = int(os.environ.get("SLURM_RESTART_COUNT", "0")), os.environ.get("SLURM_JOB_ID", "")
    place = {"job_id": job_id, "node": os.environ.get("SLURMD_NODENAME") or socket.gethostname()}
    folder.update(
        status="running", begun=_now(), attempt=attempt, ended=None, stopped=None, exit_status=None, error=None, **place
    )
    if attempt:
        say(f"Start {attempt + 1} of job {job_id}: what was committed before stays as it is.")


def _record(folder: ClusterFolder, status: int, ending: Ending, raised: BaseException | None) -> None:
    name = "done" if status == DONE else "interrupted" if status == INTERRUPTED else "failed"
    found = {"status": name, "exit_status": status, "error": _error_object(raised, ending)}
    if ending.reason == "terminated":  # it may be started again, and its folder must stay until then
        folder.update(stopped=_now(), **found)
    else:
        folder.end(**found)


def _tell_end(folder: ClusterFolder, status: int) -> int:
    """Record the end of a driver that could not do so itself, and return its exit status."""
    state = folder.state()
    if state.get("status") != "running":
        return int(state.get("exit_status") or status)
    name = signal.Signals(status - 128).name if status - 128 in set(signal.Signals) else f"signal {status - 128}"
    error = {
        "code": "cluster",
        "message": f"The driver of job {state.get('job_id', '')} was ended by {name}.",
        "hint": "If nobody did so, it had too little memory: raise 'driver-memory' in the section 'batch' of the "
        "profile. Submitting the recipe again does only what is missing.",
    }
    show_error(error["message"], error["hint"])
    folder.end(status="failed", exit_status=status, error=error)
    return status


def _error_object(error: BaseException | None, ending: Ending) -> dict[str, str] | None:
    if error is None and not ending.reason:
        return None
    if error is None or isinstance(error, KeyboardInterrupt):
        why = "at its walltime" if ending.reason == "walltime" else "by SLURM"
        again = "Submitting the recipe again does only what is missing."
        return {"code": "interrupted", "message": f"The run was ended {why}.", "hint": again}
    if isinstance(error, DtedaskError):
        return {"code": error.code, "message": error.message, "hint": error.hint}
    return {"code": "error", "message": f"{type(error).__name__}: {error}".rstrip(": "), "hint": ""}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


if __name__ == "__main__":
    sys.exit(main())
