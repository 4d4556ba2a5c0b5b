"""`dtedask products list`."""

from __future__ import annotations

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit_json, emit_table
from dtedask.cli.options import JsonLines
from dtedask.cli.products.options import Cycles, Files, Inputs, Names, Output, Owners, State, opened, show_unmakeable


def add_to(group: typer.Typer) -> None:
    """Add the command."""
    add(
        group,
        "list",
        list_,
        "dtedask products list requirements.yaml --input data",
        "dtedask products list requirements.yaml --input data --owner alice --json",
    )


def list_(
    files: Files,
    inputs: Inputs,
    *,
    output: Output = "products",
    state: State = None,
    cycles: Cycles = None,
    owners: Owners = None,
    names: Names = None,
    as_json: JsonLines = False,
) -> None:
    """List the products that the requirements give for the runs of the input, the most urgent first."""
    with opened(files, inputs, output, state, owners=owners, names=names) as products:
        planned = products.plan(cycles)
    show_unmakeable(one for one in planned.broken if one.product is None)
    rows = (
        {
            "product": one.id,
            "owner": one.requirement.owner,
            "fields": len(one.fields),
            "format": one.requirement.format.type,
            "due": f"{one.due:%Y-%m-%dT%H:%MZ}" if one.due else "",
            "priority": one.requirement.priority,
        }
        for one in planned.named
    )
    if as_json:
        for row in rows:
            emit_json(row)
        return
    columns = ("product", "owner", "fields", "format", "due", "priority")
    emit_table(columns, ([row[name] for name in columns] for row in rows), right=("fields", "priority"))
