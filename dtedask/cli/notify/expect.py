"""`dtedask notify expect`: what is complete, what waits and what is late."""

from __future__ import annotations

from typing import Annotated

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit_json, say
from dtedask.cli.options import JsonLines, Root, root_or_setting


def add_to(group: typer.Typer) -> None:
    """Add the command."""
    add(group, "expect", expect, "dtedask notify expect expect.yaml --root data --runs 2")


def expect(
    file: Annotated[str, typer.Argument(help="The expectations, a YAML file.", metavar="FILE", show_default=False)],
    *,
    root: Root = None,
    runs: Annotated[int, typer.Option("--runs", min=1, help="How many of the newest runs of each.")] = 4,
    as_json: JsonLines = False,
) -> None:
    """Say of the newest runs what is complete, what is waited for, and what is late and why.

    It looks at the cubes as they are; nothing is told and nothing is remembered. `dtedask notify serve --expect`, and
    the setting dtedask.notify.expect, tell of it as it happens.
    """
    from datetime import UTC, datetime

    from dtedask.notify.completeness import load_expectations
    from dtedask.notify.completeness.status import status_of

    document = load_expectations(file)
    found = status_of(document, root_or_setting(root), now=datetime.now(UTC), runs=runs)
    if not found:
        say("No run has begun yet.")
    for one in found:
        if as_json:
            emit_json(one.to_dict())
        else:
            typer.echo(str(one))
