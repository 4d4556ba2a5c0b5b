"""`dtedask products check`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit, emit_json, plural
from dtedask.cli.options import Json
from dtedask.cli.products.options import Files, show_broken

if TYPE_CHECKING:
    from dtedask.products.requirements import Broken


def add_to(group: typer.Typer) -> None:
    """Add the command."""
    add(
        group,
        "check",
        check,
        "dtedask products check requirements.yaml",
        "dtedask products check requirements/ --json",
    )


def check(files: Files, *, as_json: Json = False) -> None:
    """Check requirements: every key and value. All that are broken are named, each with file and line."""
    from dtedask.products import load_requirements

    found = load_requirements(files)
    if as_json:
        emit_json(
            {
                "requirements": len(found.valid),
                "broken": [_row(one) for one in found.broken],
                "notes": list(map(str, found.notes)),
            }
        )
    else:
        show_broken(found)
        owners = {one.owner for one in found.valid}
        emit(f"{plural(len(found.valid), 'requirement')} of {plural(len(owners), 'owner')} good")
    if found.broken:
        raise typer.Exit(2)


def _row(one: Broken) -> dict[str, Any]:
    mistakes = [{"place": each.place, "message": each.message, "hint": each.hint} for each in one.mistakes]
    return {"requirement": one.name, "mistakes": mistakes}
