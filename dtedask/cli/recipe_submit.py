"""`dtedask recipe submit`, `status` and `follow`: a recipe in one batch job."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit, emit_json, emit_mapping, emit_table, say, show_error
from dtedask.cli.options import DryRun, Json, JsonLines

if TYPE_CHECKING:
    from dtedask.cluster.batch import BatchRun

_LOOK_S = 0.25
_INTERRUPTED = 130

File = Annotated[str, typer.Argument(help="The recipe, a YAML file.", metavar="FILE")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Replace a value of the recipe, as in input.unit=file."),
]
JobId = Annotated[
    str | None, typer.Argument(help="Number of the job; by default the one that was submitted last.", metavar="[JOBID]")
]


def add_to(group: typer.Typer) -> None:
    """Add the commands."""
    add(
        group,
        "submit",
        submit,
        "dtedask recipe submit recipes/demo.yaml --dry-run",
        "dtedask recipe submit recipes/demo.yaml --workers 4 --walltime 00:10:00 --wait",
    )
    add(group, "status", status, "dtedask recipe status", "dtedask recipe status 123 --json")
    add(group, "follow", follow, "dtedask recipe follow 123")


def submit(  # noqa: PLR0913 - each is an option of the command
    file: File,
    overrides: Set = None,
    *,
    cluster: Annotated[
        str | None,
        typer.Option("--cluster", metavar="PROFILE", help="Profile of kind slurm that says what a worker needs."),
    ] = None,
    workers: Annotated[int | None, typer.Option("--workers", min=1, help="Worker processes in all.")] = None,
    nodes: Annotated[int | None, typer.Option("--nodes", min=1, help="Nodes to spread them over.")] = None,
    walltime: Annotated[str | None, typer.Option("--walltime", metavar="TIME", help="As in 01:30:00.")] = None,
    partition: Annotated[str | None, typer.Option("--partition", help="Partition to run in.")] = None,
    account: Annotated[str | None, typer.Option("--account", help="Account to charge.")] = None,
    dependency: Annotated[
        str | None, typer.Option("--dependency", metavar="WHEN", help="Start after other jobs, as in afterok:123.")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="Name of the job; by default that of the recipe.")] = None,
    requeue: Annotated[
        bool | None, typer.Option("--requeue/--no-requeue", help="Whether SLURM may start it again; by default it may.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Show its state and log, and end as it ends.")] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Submit a recipe as one batch job, whose allocation becomes scheduler, driver and workers.

    Prints the number of the job. The recipe is checked before; it and all settings are taken as they are now. With
    --dry-run, the script exactly as sbatch would get it. With --wait, Ctrl-C leaves the job running.
    """
    from dtedask.cli.recipe import load
    from dtedask.recipe import recipe_job

    asked: dict[str, Any] = {"workers": workers, "nodes": nodes, "walltime": walltime, "queue": partition}
    asked |= {"account": account, "dependency": dependency, "requeue": requeue}
    made = recipe_job(load(file, overrides), cluster=cluster, name=name, **asked)
    if dry_run:
        emit_json({"script": made.script()}) if as_json else emit(made.script().rstrip("\n"))
        return
    run = made.submit()
    say(f"Submitted with profile {run.profile}; log: {run.log}")
    emit_json(_object(run)) if as_json else emit(run.job_id)
    if wait:
        _follow(run, say)


def status(
    job_id: Annotated[str | None, typer.Argument(help="Number of a job; without it all.", metavar="[JOBID]")] = None,
    as_json: JsonLines = False,
) -> None:
    """Show recipes that were submitted: state, time, exit status, and why they wait or failed."""
    from dtedask.cluster.batch import batch_run, batch_runs

    runs = batch_runs() if job_id is None else [batch_run(job_id)]
    if as_json:
        for run in runs:
            emit_json(_object(run))
    elif job_id is not None:
        emit_mapping(_texts(runs[0]))
    else:
        columns = ("job", "recipe", "status", "starts", "time", "exit", "report")
        emit_table(columns, (_row(run) for run in runs), right=("starts", "time", "exit"))


def follow(job_id: JobId = None) -> None:
    """Show the log of a submitted recipe as it is written, and end as it ends. Ctrl-C leaves the job running."""
    from dtedask.cluster.batch import batch_run, newest_run

    _follow(newest_run() if job_id is None else batch_run(job_id), emit)


def _follow(run: BatchRun, write: Callable[[str], None]) -> None:
    """Write lines of the log, and states to standard error, until the run is over."""
    import sys

    from dtedask.cluster.batch import Follower, LogLine

    follower = Follower(run)
    sys.stdout.flush()
    try:
        while not follower.is_over:
            for found in follower.look(time.monotonic()):
                if isinstance(found, LogLine):
                    write(found.text)
                elif not found.has_ended:
                    say(found.reason or f"Job {run.job_id} is {found.status}.")
            sys.stdout.flush()
            time.sleep(0 if follower.is_over else _LOOK_S)
    except KeyboardInterrupt:
        say(f"The job goes on. Follow it again by: dtedask recipe follow {run.job_id}")
        raise
    _tell_end(follower.run)


def _tell_end(run: BatchRun) -> None:
    after = f" after {run.seconds:.0f} s" if run.seconds is not None else ""
    if run.status == "done":
        say(f"Job {run.job_id} is done{after}.")
        return
    code = f" with exit status {run.exit_status}" if run.exit_status is not None else ""
    error = run.error or {}
    why = error.get("message") or run.reason or _quote(run)
    show_error(f"Job {run.job_id} {_VERBS.get(run.status, 'failed')}{code}{after}: {why}", error.get("hint", ""))
    raise typer.Exit(run.exit_status or (_INTERRUPTED if run.status in ("cancelled", "interrupted") else 1))


_VERBS = {"cancelled": "was cancelled", "interrupted": "was interrupted", "timed out": "reached its walltime"}


def _quote(run: BatchRun) -> str:
    """What the log of a run says of its end."""
    from dtedask.cluster.slurm.job_logs import quote_logs

    return "\n  ".join(quote_logs([run.log])) or "it wrote no log"


def _object(run: BatchRun) -> dict[str, Any]:
    names = ("job_id", "recipe", "root", "profile", "status", "reason", "starts", "exit_status", "error", "report")
    moments = ("submitted", "begun", "ended")
    found = {name: getattr(run, name) for name in names}
    found |= {name: moment.isoformat() if (moment := getattr(run, name)) else None for name in moments}
    return found | {"seconds": run.seconds, "folder": str(run.folder), "log": str(run.log)}


def _row(run: BatchRun) -> tuple[object, ...]:
    return run.job_id, run.recipe, run.status, run.starts or "", _time(run), run.exit_status, run.report


def _texts(run: BatchRun) -> dict[str, object]:
    error = run.error or {}
    found: dict[str, object] = {
        "job": run.job_id,
        "recipe": run.recipe,
        "root": run.root,
        "profile": run.profile,
        "status": run.status,
        "reason": run.reason,
        "starts": run.starts,
        "time": _time(run),
        "exit status": run.exit_status,
        "error": f"{error.get('message', '')}\n{error.get('hint', '')}".strip(),
        "report": run.report,
        "log": run.log,
    }
    return {name: value for name, value in found.items() if value not in (None, "")}


def _time(run: BatchRun) -> str:
    if run.seconds is None:
        return ""
    minutes, seconds = divmod(int(run.seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"
