"""`dtedask grid show`: what a grid is, and where its points are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit, emit_json, emit_mapping
from dtedask.cli.options import Json

if TYPE_CHECKING:
    from dtedask.geo import Grid

Name = Annotated[
    str,
    typer.Argument(
        metavar="GRID",
        help="Its name, such as O320, N320, F160, L360x181, 0.25/0.25, H64 or CS-LFR-16, or a specification in JSON.",
    ),
]
Area = Annotated[
    str | None,
    typer.Option("--area", metavar="N/W/S/E", help="Only the points in an area, in degrees, edges included."),
]
Points = Annotated[
    bool, typer.Option("--points", help="Write latitude and longitude of all points, one point a line, and no more.")
]


def add_to(group: typer.Typer) -> None:
    """Add the command."""
    add(
        group,
        "show",
        show,
        "dtedask grid show O320",
        "dtedask grid show 0.25/0.25 --area 60/-10/40/20 --json",
        "dtedask grid show H4 --points",
    )


def show(name: Name, area: Area = None, points: Points = False, as_json: Json = False) -> None:
    """Show a grid: its kind, size, box and uid, or where its points are."""
    from dtedask.geo import Grid

    said: dict[str, Any] | str = name
    if area is not None:
        said = {"grid": name, "area": _edges(area)}
    grid = Grid(said) if area is None or not name.lstrip().startswith("{") else Grid(name).within(_edges(area))
    if points:
        _show_points(grid, as_json=as_json)
    elif as_json:
        emit_json(_facts(grid))
    else:
        from dtedask.geo.grids.shown import facts

        emit_mapping(facts(grid))


def _facts(grid: Grid) -> dict[str, Any]:
    from dtedask.geo.grids.shown import box_of

    box = box_of(grid)
    return {
        "grid": grid.label,
        "kind": grid.kind,
        "points": grid.size,
        "dims": list(grid.dims),
        "shape": list(grid.shape),
        "bounding_box": None if box is None else list(box),
        "uid": grid.uid,
        "spec": grid.description,
    }


def _show_points(grid: Grid, *, as_json: bool) -> None:
    for latitude, longitude in zip(*(one.tolist() for one in grid.points()), strict=True):
        if as_json:
            emit_json({"latitude": latitude, "longitude": longitude})
        else:
            emit(f"{latitude:.12g} {longitude:.12g}")


def _edges(area: str) -> tuple[float, ...]:
    from dtedask.core.errors import GridError
    from dtedask.geo import read_area

    try:
        return read_area(area)
    except GridError as error:
        raise typer.BadParameter(str(error), param_hint="--area") from None
