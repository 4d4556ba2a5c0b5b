"""`dtedask plan run`."""

from __future__ import annotations

from typing import Annotated

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit, emit_json, plural
from dtedask.cli.options import Json


def add_to(group: typer.Typer) -> None:
    """Add the command."""
    add(group, "run", run, "dtedask plan run plan.yaml --input in.grib2 --output data")


def run(
    file: Annotated[str, typer.Argument(help="The plan, a YAML file.", metavar="FILE")],
    inputs: Annotated[list[str], typer.Option("--input", metavar="PATH", help="A GRIB file; may be repeated.")],
    *,
    output: Annotated[
        str, typer.Option("--output", metavar="ROOT", help="Root that sinks of the type cube write to.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Send the fields of the input through a plan."""
    from dtedask.pipeline import Plan
    from dtedask.pipeline.sources import messages_of_files

    summary = Plan.from_yaml(file, output=output).run(messages_of_files(inputs))
    written = sum(len(notice.values) for notice in summary.notices)
    if as_json:
        emit_json({"fields": summary.fields, "written": written})
    else:
        emit(f"{plural(summary.fields, 'field')} came in, {plural(written, 'field')} went out.")
