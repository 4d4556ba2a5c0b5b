"""`dtedask store`: a root and what is in it."""

from __future__ import annotations

import typer

from dtedask.cli.store import control, keeping, reading, upkeep, verification

__all__ = ["add_to"]


def add_to(group: typer.Typer) -> None:
    """Add the commands of all modules."""
    for module in (reading, keeping, control, upkeep, verification):
        module.add_to(group)
