"""`dtedask grid mesh`: the mesh of a grid, for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit_json, emit_mapping, say
from dtedask.cli.grid.show import Name
from dtedask.cli.options import DryRun, Json

if TYPE_CHECKING:
    from dtedask.geo import Mesh

To = Annotated[
    Path | None,
    typer.Option("--to", metavar="FILE", help="Write the mesh: .nc by the UGRID conventions, .msh for Gmsh."),
]
Kind = Annotated[
    Literal["structured", "delaunay", "healpix"] | None,
    typer.Option("--kind", help="Which elements; without it those of the grid."),
]
Poles = Annotated[
    Literal["patch", "open"],
    typer.Option("--poles", help="Whether the holes that rows leave at the poles are closed.", show_default=True),
]
Version = Annotated[
    Literal["4.1", "2.2"], typer.Option("--gmsh-version", help="Version of Gmsh's format.", show_default=True)
]
_SUFFIXES = (".nc", ".msh")


def add_to(group: typer.Typer) -> None:
    """Add the command."""
    add(
        group,
        "mesh",
        mesh,
        "dtedask grid mesh O32",
        "dtedask grid mesh O32 --to O32.msh",
        "dtedask grid mesh H8 --kind delaunay --to H8.nc --json",
    )


def mesh(
    name: Name,
    to: To = None,
    *,
    kind: Kind = None,
    poles: Poles = "patch",
    gmsh_version: Version = "4.1",
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Show the mesh of a grid, or write it: its points, joined by triangles and quadrilaterals."""
    if to is not None and to.suffix not in _SUFFIXES:
        raise typer.BadParameter(f"{to} ends neither in .nc nor in .msh.", param_hint="--to")
    from dtedask.geo import Grid
    from dtedask.geo import mesh as mesh_of

    found = mesh_of(Grid(name), kind=kind, poles=poles)
    if to is not None and not dry_run:
        _write(found, to, gmsh_version)
    if as_json:
        emit_json(_facts(found) | ({} if to is None else {"file": str(to), "done": not dry_run}))
    elif to is None:
        emit_mapping(_facts(found))
    else:
        say(f"{'Would write' if dry_run else 'Wrote'} {found} to {to}.")


def _write(found: Mesh, to: Path, version: Literal["4.1", "2.2"]) -> None:
    if to.suffix == ".msh":
        from dtedask.geo.meshes import write_gmsh

        write_gmsh(found, to, version=version)
    else:
        found.to_ugrid().to_netcdf(to, engine="h5netcdf")


def _facts(found: Mesh) -> dict[str, Any]:
    return {
        "mesh": found.name,
        "nodes": found.nodes,
        "points": found.points,
        "edges": len(found.edges.nodes),
        "elements": len(found.elements),
        "is_closed": found.is_closed,
        "smallest_cell_m2": float(found.dual_areas.min()),
        "largest_cell_m2": float(found.dual_areas.max()),
        "uid": found.uid,
    }
