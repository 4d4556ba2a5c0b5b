"""`dtedask products forget`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit, emit_json, plural, say
from dtedask.cli.options import DryRun, Json
from dtedask.cli.products.options import Output, State


def add_to(group: typer.Typer) -> None:
    """Add the command."""
    add(
        group,
        "forget",
        forget,
        "dtedask products forget --output out --older-than 30d",
        "dtedask products forget --output out --older-than 30d --doit",
    )


def forget(
    older_than: Annotated[
        str, typer.Option("--older-than", metavar="DURATION", help="What nothing was heard of for so long: 30d, 12h.")
    ],
    *,
    output: Output = "products",
    state: State = None,
    doit: Annotated[bool, typer.Option("--doit", help="Do it; without, only what would be done is shown.")] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Forget old products, and what was made of them and never got to where it goes; only with --doit.

    What was delivered stays where it is. A product that is forgotten is made and delivered again, if it is still
    ordered and its input is still there: keep it for longer than the input.
    """
    if doit and dry_run:
        raise typer.BadParameter("take --doit or --dry-run, not both.", param_hint="'--doit'")
    from dtedask.products.forgetting import forget as forget_products
    from dtedask.products.ledger.place import state_folder

    before = datetime.now(UTC) - _duration(older_than)
    done = forget_products(state if state is not None else state_folder(output), before, doit=doit)
    if as_json:
        emit_json(done.to_dict())
    else:
        said = f"{plural(done.products, 'product')} and {plural(done.staged, 'staged content')}"
        emit(f"{said} {'forgotten' if doit else 'would be forgotten'}")
    if not doit:
        say("Nothing was done: --doit does it.")


def _duration(text: str) -> timedelta:
    import dask.utils

    try:
        found = timedelta(seconds=float(dask.utils.parse_timedelta(text)))
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise typer.BadParameter(f"{text!r} is no duration; write 30d or 12h.", param_hint="'--older-than'") from error
    if found < timedelta(0):
        raise typer.BadParameter(f"{text!r} lies in the future.", param_hint="'--older-than'")
    return found
