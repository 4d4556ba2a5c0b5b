"""`dtedask plan explain`."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit, emit_json
from dtedask.cli.options import Json, Section


def add_to(group: typer.Typer) -> None:
    """Add the command."""
    add(
        group,
        "explain",
        explain,
        "dtedask plan explain plan.yaml",
        "dtedask plan explain plan.yaml --input forecast.grib2",
        "dtedask plan explain plan.yaml --graph mermaid",
    )


def explain(
    file: Annotated[str, typer.Argument(help="The plan, a YAML file.", metavar="FILE")],
    inputs: Annotated[
        list[str] | None,
        typer.Option("--input", metavar="PATH", help="A file, folder, root or cube of fields; may be repeated."),
    ] = None,
    *,
    section: Section = "",
    graph: Annotated[
        Literal["mermaid", "dot"] | None, typer.Option("--graph", help="Write the graph alone, to be drawn.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say what a plan does: its graph, each action in one line, and what has no effect here.

    With --input also which fields each pipeline takes, as few requests, and how much memory the states take at most;
    the values of the fields are not read, and nothing is run.
    """
    from dtedask.pipeline import Plan
    from dtedask.pipeline.sources import open_source

    found = Plan.from_yaml(file, section=section).explain(open_source(inputs) if inputs else None)
    if as_json:
        emit_json(found.to_json())
    elif graph is not None:
        emit((found.mermaid if graph == "mermaid" else found.dot).rstrip())
    else:
        emit(found.text)
