"""`dtedask products status`."""

from __future__ import annotations

import time
from enum import StrEnum
from typing import Annotated

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit, emit_json
from dtedask.cli.options import Json
from dtedask.cli.products.options import Cycles, Files, Inputs, Names, Output, Owners, State, opened

_EVERY_S = 5.0


class Shown(StrEnum):
    """What products can be asked for."""

    delivered = "delivered"
    outdated = "outdated"
    made = "made"
    running = "running"
    ready = "ready"
    waiting = "waiting"
    failed = "failed"
    late = "late"


def add_to(group: typer.Typer) -> None:
    """Add the command."""
    add(
        group,
        "status",
        status,
        "dtedask products status requirements.yaml --input data --output out",
        "dtedask products status requirements.yaml --input data --output out --show late",
    )


def status(
    files: Files,
    inputs: Inputs,
    *,
    output: Output = "products",
    state: State = None,
    cycles: Cycles = None,
    owners: Owners = None,
    names: Names = None,
    show: Annotated[
        list[Shown] | None,
        typer.Option("--show", help="Only products in this state; repeatable."),
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Show it again every five seconds.")] = False,
    as_json: Json = False,
) -> None:
    """Say of each product what became of it: delivered, waiting and for which input, late and why, failed."""
    with opened(files, inputs, output, state, owners=owners, names=names) as products:
        while True:
            found = products.status(cycles, states=[one.value for one in show or ()])
            if as_json:
                emit_json(found.to_dict())
            else:
                emit(str(found))
            if not watch:
                return
            time.sleep(_EVERY_S)
            products.refresh()
