"""`dtedask products schema`."""

from __future__ import annotations

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit_json


def add_to(group: typer.Typer) -> None:
    """Add the command."""
    add(group, "schema", schema, "dtedask products schema > requirements.schema.json")


def schema() -> None:
    """Print the JSON schema of requirements, for editors, with all formats and deliveries that are installed."""
    from dtedask.products import Requirements

    emit_json(Requirements.json_schema(), indent=2)
