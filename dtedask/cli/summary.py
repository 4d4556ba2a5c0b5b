"""Plans before, and summaries after: how they are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dtedask.cli.console import emit, emit_json, emit_mapping, size

if TYPE_CHECKING:
    from dtedask.ingest import IngestPlan, Summary


def show_plan(plan: IngestPlan, root: str, *, as_json: bool) -> None:
    """Show what would be done: fields, bytes, chunks, tasks and memory."""
    if as_json:
        emit_json({"root": root, **plan_object(plan)})
    else:
        emit_mapping({"root": root, **plan_texts(plan)})


def plan_object(plan: IngestPlan) -> dict[str, Any]:
    """Numbers of a plan, ready for JSON."""
    return {name: int(getattr(plan, name)) for name in ("fields", "bytes", "chunks", "tasks", "memory_bytes")}


def plan_texts(plan: IngestPlan) -> dict[str, str]:
    """Numbers of a plan for people."""
    return {
        "fields": f"{plan.fields:,}",
        "bytes": f"{size(plan.bytes)} of GRIB",
        "chunks": f"{plan.chunks:,}",
        "tasks": f"{plan.tasks:,}",
        "memory": size(plan.memory_bytes),
    }


def show_summary(summary: Summary, root: str, *, as_json: bool) -> None:
    """Show what was done."""
    if as_json:
        emit_json({"root": root, **summary.to_dict()})
    else:
        emit(f"{root}: {summary}")
