"""`dtedask products explain`."""

from __future__ import annotations

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit, emit_json
from dtedask.cli.options import Json
from dtedask.cli.products.options import Cycles, Files, Inputs, Names, Output, Owners, State, opened


def add_to(group: typer.Typer) -> None:
    """Add the command."""
    add(
        group,
        "explain",
        explain,
        "dtedask products explain requirements.yaml --input data --output out",
        "dtedask products explain requirements.yaml --input data --output out --cycle 20240603T00 --json",
    )


def explain(
    files: Files,
    inputs: Inputs,
    *,
    output: Output = "products",
    state: State = None,
    cycles: Cycles = None,
    owners: Owners = None,
    names: Names = None,
    as_json: Json = False,
) -> None:
    """Say what a run would do, before anything is read: fields, bytes, work, what sharing saves, what is missing."""
    with opened(files, inputs, output, state, owners=owners, names=names) as products:
        found = products.explain(cycles)
    if as_json:
        emit_json(found.to_dict())
    else:
        emit(str(found))
