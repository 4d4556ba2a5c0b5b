"""How grids are shown: on a line, and as HTML that needs no network."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

from dtedask.core.errors import GridError

if TYPE_CHECKING:
    from dtedask.geo.grid import Grid
    from dtedask.geo.grids.extent import BoundingBox

_MANY = 2_000_000  # points of which a box is not searched for a notebook
_LONG = 400  # characters of a description


def text(grid: Grid) -> str:
    """Return ``Grid('O320')``, or kind, digits of the uid and shape of a grid without a name."""
    if has_name(grid):
        return f"Grid({grid.label!r})"
    return f"<Grid {grid.label}: {' x '.join(map(str, grid.shape))} points>"


def has_name(grid: Grid) -> bool:
    """Whether the grid's label is a name that makes it."""
    return not re.fullmatch(r".+-[0-9a-f]{8}", grid.label) and grid.label != "opaque"


def facts(grid: Grid) -> dict[str, str]:
    """Return what people want to know of a grid, a word or two each."""
    shape = ", ".join(f"{name} {length}" for name, length in zip(grid.dims, grid.shape, strict=True))
    found = {"grid": grid.label, "kind": grid.kind, "points": f"{grid.size:,}", "shape": shape}
    box = box_of(grid)
    if box is not None:
        found["north/west/south/east"] = "/".join(f"{edge:.6g}" for edge in box)
    return found | {"uid": grid.uid}


def page(grid: Grid) -> str:
    """Return a table of the facts, a sketch of the box, and the description, as HTML."""
    rows = "".join(
        f"<tr><th style='text-align:left'>{escape(name)}</th><td style='text-align:left'>{escape(value)}</td></tr>"
        for name, value in facts(grid).items()
    )
    spec = grid.spec if len(grid.spec) <= _LONG else f"{grid.spec[:_LONG]}…"
    box = box_of(grid)
    return (
        f"<div><table>{rows}</table>{'' if box is None else _sketch(box)}"
        "<details><summary>description</summary>"
        f"<code style='word-break:break-all'>{escape(spec)}</code></details></div>"
    )


def box_of(grid: Grid) -> BoundingBox | None:
    """Return the box of a grid's points; None if it has none, nobody knows them, or it would take long."""
    try:
        if grid.kind == "sh" or (grid.structure() is None and grid.size > _MANY):
            return None
        return grid.bounding_box
    except GridError:
        return None


def _sketch(box: BoundingBox) -> str:
    """The box on a map of the globe, half a pixel to a degree; what is east of the date line comes in from the west."""
    west = (box.west + 180.0) % 360.0
    parts = [(west, min(box.east - box.west, 360.0 - west))]
    if west + box.east - box.west > 360.0:
        parts.append((0.0, west + box.east - box.west - 360.0))
    drawn = "".join(
        f"<rect x='{left:.1f}' y='{90.0 - box.north:.1f}' width='{max(width, 1.0):.1f}' "
        f"height='{max(box.north - box.south, 1.0):.1f}' fill='#4477aa' fill-opacity='0.5'/>"
        for left, width in parts
    )
    return (
        "<svg width='180' height='90' viewBox='0 0 360 180' role='img' aria-label='where the points are'>"
        "<rect width='360' height='180' fill='none' stroke='#888888' stroke-width='2'/>"
        f"<path d='M0 90H360M180 0V180' stroke='#cccccc'/>{drawn}</svg>"
    )
