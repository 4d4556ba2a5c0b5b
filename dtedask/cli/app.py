"""The tree of commands."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any

import typer
from typer.main import get_command

from dtedask.cli import (
    catalog,
    cluster,
    config,
    demo,
    grid,
    info,
    ingest,
    listen,
    notify,
    plan,
    plot,
    products,
    recipe,
    regrid,
    store,
    weights,
)
from dtedask.cli.commands import NAMES, new_group


def _version(wanted: bool) -> None:
    if wanted:
        import dtedask

        typer.echo(f"dtedask {dtedask.__version__}")
        raise typer.Exit


def _root(
    _version_flag: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_version, is_eager=True)
    ] = False,
    _debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks and all logs.")] = False,
    _verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show logs.")] = False,
    _quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """GRIB in, an announced Zarr cube out.

    Data goes to standard output, everything else to standard error. --debug, --verbose and --quiet may stand anywhere.
    """


app = new_group(no_args_is_help=True)
app.callback(context_settings=NAMES)(_root)
for module in (ingest, listen, regrid, plot, info, config, demo):
    module.add_to(app)
for name, module, help_text in (
    ("store", store, "Look into a root: fields, axes, commits; get fields out."),
    ("recipe", recipe, "Run what a recipe (one YAML file) describes."),
    ("plan", plan, "Run plans: select, statistics, interpolation and sinks on a stream of fields."),
    ("products", products, "Make and deliver what is ordered: fields on other grids, areas, derived, as files."),
    ("notify", notify, "Serve notifications over HTTP, send them, and hear of them."),
    ("catalog", catalog, "Look into catalogs of cubes."),
    ("grid", grid, "Look at grids: their points, boxes and names."),
    ("weights", weights, "Make, list and remove weights of interpolation."),
    ("cluster", cluster, "Start, look at and stop the places where work can run."),
):
    group = new_group(no_args_is_help=True, help=help_text)
    module.add_to(group)
    app.add_typer(group, name=name)


@lru_cache(maxsize=1)
def command() -> Any:
    """Build the command line from the tree."""
    return get_command(app)
