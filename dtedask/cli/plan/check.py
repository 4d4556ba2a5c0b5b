"""`dtedask plan check`."""

from __future__ import annotations

from typing import Annotated

import typer

from dtedask.cli.commands import add


def add_to(group: typer.Typer) -> None:
    """Add the command."""
    add(group, "check", check, "dtedask plan check plans/daily.yaml plans/monthly.yaml")


def check(files: Annotated[list[str], typer.Argument(help="Plans.", metavar="FILE")]) -> None:
    """Check plans: every key and value, also deep in actions and sinks, and the files that actions need.

    Nothing of a plan is run: functions of the user are looked for, and not called.
    """
    from dtedask.cli.console import emit, show_error
    from dtedask.core.errors import DtedaskError
    from dtedask.pipeline.documents.checking import check_plan

    wrong = 0
    for file in files:
        try:
            emit(f"{file}: good, {check_plan(file)}")
        except DtedaskError as error:
            wrong = error.exit_status
            show_error(error.message, error.hint)
    if wrong:
        raise typer.Exit(wrong)
