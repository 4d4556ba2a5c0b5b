"""`dtedask plan status`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit, emit_json, emit_mapping, size
from dtedask.cli.options import JsonLines
from dtedask.cli.plan.showing import show_actions, show_pipelines

if TYPE_CHECKING:
    from dtedask.pipeline.runs.status import RunStatus

_EVERY_S = 2.0


def add_to(group: typer.Typer) -> None:
    """Add the command."""
    add(group, "status", status, "dtedask plan status data", "dtedask plan status data --json")


def status(
    where: Annotated[str, typer.Argument(help="Root that plans write to, or the folder of a run.", metavar="ROOT")],
    *,
    watch: Annotated[bool, typer.Option("--watch", help="Show it every two seconds while a run goes on.")] = False,
    as_json: JsonLines = False,
) -> None:
    """Show the runs of plans into a root: fields, lag, queues, time of each action, errors, last checkpoint.

    A run is running, done, failed, interrupted, or lost: its process is gone without a word.
    """
    from dtedask.pipeline.runs.status import find_status

    while True:
        found = find_status(where)
        for one in found:
            emit_json(one.to_dict()) if as_json else _show(one)
        if not watch or all(one.state != "running" for one in found):
            return
        time.sleep(_EVERY_S)


def _show(one: RunStatus) -> None:
    said = one.document
    total = said.get("total")
    emit_mapping(
        {
            "plan": f"{said['plan']} ({said['plan_hash'][:12]})",
            "run": f"{one.state} since {said['begin'][:19]}Z on {said['host']}, process {said['pid']}",
            "updated": f"{said['updated'][:19]}Z",
            "fields": f"{said.get('fields', 0):,}" + (f" of {total:,}" if total else ""),
            "queue": size(said.get("queue_bytes", 0)),
            **({"error": said["error"]} if said["error"] else {}),
        }
    )
    emit()
    show_pipelines(said.get("pipelines", []))
    emit()
    show_actions(said.get("pipelines", []))
