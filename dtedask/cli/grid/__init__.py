"""`dtedask grid`: what a grid is; one module for each command."""

from __future__ import annotations

import typer

from dtedask.cli.grid import mesh, show


def add_to(group: typer.Typer) -> None:
    """Add the commands."""
    show.add_to(group)
    mesh.add_to(group)
