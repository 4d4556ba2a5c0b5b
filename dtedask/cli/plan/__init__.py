"""`dtedask plan`: plans of actions on streams of fields; one module for each command."""

from __future__ import annotations

import typer

from dtedask.cli.plan import check, explain, feed, hammer, listing, replay, run, schema, status


def add_to(group: typer.Typer) -> None:
    """Add the commands."""
    check.add_to(group)
    explain.add_to(group)
    feed.add_to(group)
    hammer.add_to(group)
    listing.add_to(group)
    replay.add_to(group)
    run.add_to(group)
    schema.add_to(group)
    status.add_to(group)
