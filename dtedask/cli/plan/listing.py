"""`dtedask plan list`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit_json, emit_table
from dtedask.cli.options import JsonLines
from dtedask.core.errors import DocumentError


def add_to(group: typer.Typer) -> None:
    """Add the command."""
    add(group, "list", list_plans, "dtedask plan list plans")


def list_plans(
    folder: Annotated[str, typer.Argument(help="Where to look.", metavar="FOLDER")] = "plans",
    as_json: JsonLines = False,
) -> None:
    """List the plans in a folder."""
    from dtedask.pipeline.documents.document import read_plan

    if not Path(folder).is_dir():
        raise DocumentError(f"There is no folder {folder!r}.", hint="Name the folder that holds plans.")
    rows = []
    for path in sorted(Path(folder).glob("*.y*ml")):
        document = read_plan(path)
        pipelines = sum(len(plans) for _, plans in document.lists_of_plans())
        rows.append(
            {"file": str(path), "name": document.title, "pipelines": pipelines, "description": document.description}
        )
    if as_json:
        for row in rows:
            emit_json(row)
    else:
        emit_table(
            ("file", "name", "pipelines", "description"), (tuple(row.values()) for row in rows), right=("pipelines",)
        )
