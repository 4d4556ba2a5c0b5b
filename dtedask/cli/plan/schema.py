"""`dtedask plan schema`."""

from __future__ import annotations

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit_json


def add_to(group: typer.Typer) -> None:
    """Add the command."""
    add(group, "schema", schema, "dtedask plan schema > plan.schema.json")


def schema() -> None:
    """Print the JSON schema of plans, for editors, with all actions and sinks that are installed."""
    from dtedask.pipeline.documents.document import plan_schema

    emit_json(plan_schema(), indent=2)
