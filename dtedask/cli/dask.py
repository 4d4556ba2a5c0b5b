"""`dask dtedask ...`: the same commands below Dask's own."""

from __future__ import annotations

import sys

import click

from dtedask.cli.entry import main


@click.command(
    "dtedask",
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    help="GRIB in, an announced Zarr cube out (the command dtedask).",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def dtedask_group(arguments: tuple[str, ...]) -> None:
    """Hand the command line on: typer's commands are no commands of the click that Dask uses."""
    sys.exit(main(arguments))
