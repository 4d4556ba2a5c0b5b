"""`dtedask cluster`: places where work can run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dtedask.cli.cluster import profiles, running

if TYPE_CHECKING:
    import typer


def add_to(group: typer.Typer) -> None:
    """Add the commands, module by module."""
    profiles.add_to(group)
    running.add_to(group)
