"""`dtedask products`: what was ordered, made of model fields and delivered; one module for each command."""

from __future__ import annotations

import typer

from dtedask.cli.products import check, explain, forget, listing, run, schema, status


def add_to(group: typer.Typer) -> None:
    """Add the commands."""
    check.add_to(group)
    explain.add_to(group)
    forget.add_to(group)
    listing.add_to(group)
    run.add_to(group)
    schema.add_to(group)
    status.add_to(group)
