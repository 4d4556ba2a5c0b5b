"""`dtedask plan`: plans of actions on streams of fields; one module for each command."""

from __future__ import annotations

import typer

from dtedask.cli.plan import run


def add_to(group: typer.Typer) -> None:
    """Add the commands."""
    run.add_to(group)
