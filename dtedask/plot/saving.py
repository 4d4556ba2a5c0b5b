"""`plot.save`: a map as a file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING

from dtedask.plot.drawing import Framing, draw
from dtedask.plot.figure import figure_of
from dtedask.plot.projection import ProjectionName
from dtedask.plot.style.choose import StyleLike

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["save"]


def save(
    field: xr.DataArray | xr.Dataset,
    to: str | os.PathLike[str] | IO[bytes],
    *,
    over: xr.DataArray | xr.Dataset | None = None,
    style: StyleLike = None,
    area: str | Sequence[float] | None = None,
    projection: ProjectionName | None = None,
    center: tuple[float, float] | None = None,
    title: str | None = None,
    width: int = 1200,
) -> None:
    """Draw a field on a map and write the picture; no figure stays open.

    Parameters
    ----------
    field, style, area, projection, center, title
        As `map` takes them.
    to : str, os.PathLike or binary stream
        A file, by its ending PNG, SVG, PDF or what else matplotlib writes; a stream takes PNG.
    over : xarray.DataArray or xarray.Dataset, optional
        A field that is drawn over it, in the style of its parameter: one of isolines.
    width : int
        Width of the picture in pixels.
    """
    framing = Framing(area, projection, center, width)
    ax = draw(field, None, framing, style=style, title=title)
    if over is not None:
        draw(over, ax, Framing(), style=None, title=None if title is None else "")
    figure = figure_of(ax)
    if isinstance(to, (str, os.PathLike)):
        figure.savefig(Path(to))
    else:
        figure.savefig(to, format="png")
