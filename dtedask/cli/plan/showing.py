"""How runs of plans are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dtedask.cli.console import emit, emit_json, emit_table, plural, say, show_warning, size

if TYPE_CHECKING:
    from dtedask.pipeline import Plan
    from dtedask.pipeline.runs.summary import RunSummary


def show_plan(plan: Plan, fields: int | None, *, as_json: bool, **more: Any) -> None:
    """Show what a run would do that is not begun; `more` is for JSON only."""
    actions = {one.name: [action.options.type for action in one.actions] for one in plan.pipelines}
    if as_json:
        emit_json({"plan": plan.document.title, "pipelines": actions, "fields": fields, "output": plan.output, **more})
        return
    for name, types in actions.items():
        emit(f"{name}: {' -> '.join(types)}")
    say(f"Nothing was done: {plural(fields or 0, 'field')} would come in.")


def show_summary(summary: RunSummary, *, as_json: bool) -> None:
    """Show what a run did."""
    if as_json:
        emit_json(summary.to_dict())
        return
    emit(f"{plural(summary.fields, 'field')} came in, {plural(summary.written, 'field')} went out.")
    if len(summary.pipelines) > 1:
        show_pipelines(summary.to_dict()["pipelines"])
    for one in summary.failures:
        if one.outcome != "propagate":
            show_warning(f"{one.pipeline}, action {one.position + 1} ({one.action}): {one.error} ({one.outcome})")


def show_pipelines(pipelines: Sequence[Mapping[str, Any]]) -> None:
    """Show pipelines as a table."""
    columns = ("pipeline", "in", "out", "written", "skipped", "dead letters", "lag", "waiting", "checkpoint", "state")
    emit_table(columns, map(_row, pipelines), right=columns[1:8])


def show_actions(pipelines: Sequence[Mapping[str, Any]]) -> None:
    """Show the time of each action as a table."""
    columns = ("pipeline", "action", "fields", "seconds", "errors")
    rows = (
        (one["name"], action["type"], f"{action['fields']:,}", f"{action['seconds']:.3f}", action["errors"])
        for one in pipelines
        for action in one["actions"]
    )
    emit_table(columns, rows, right=columns[2:])


def _row(one: Mapping[str, Any]) -> tuple[object, ...]:
    return (
        one["name"],
        f"{one['fields_in']:,}",
        f"{one['fields_out']:,}",
        f"{one['written']:,}",
        one["skipped"],
        one["dead_letters"],
        f"{one['lag_s'] * 1000:.0f} ms",
        size(one["waiting_bytes"]),
        one["last_checkpoint"][:19],
        "failed" if one["failed"] else "",
    )
