"""`plot.panels`: several maps in one picture, which looks the same wherever it is drawn."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from dtedask.plot.drawing import Framing, draw
from dtedask.plot.fields import Wind, area_of, field_of, values_of
from dtedask.plot.figure import Layout, layout_of
from dtedask.plot.frame import frame_of
from dtedask.plot.library import Figure, mpl
from dtedask.plot.projection import ProjectionName
from dtedask.plot.sampling import sampler_of
from dtedask.plot.style import Style, conversion, default_style, style_of
from dtedask.plot.style.choose import StyleLike
from dtedask.plot.style.default import levels_in

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Panel", "panels"]

_ALONE, _BESIDE = 1200, 640  # pixels
_ALONE_IN, _BESIDE_IN = 9.0, 5.2  # inches
_drawing = threading.Lock()  # matplotlib draws in one thread at a time


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """One map of several.

    Parameters
    ----------
    field : xarray.DataArray or xarray.Dataset
        As `dtedask.plot.map` takes it.
    over : tuple of xarray.DataArray or xarray.Dataset
        Fields that are drawn over it, each in the style of its parameter: isolines.
    """

    field: xr.DataArray | xr.Dataset
    over: tuple[xr.DataArray | xr.Dataset, ...] = ()


def panels(
    shown: Sequence[Panel],
    to: str | os.PathLike[str] | IO[bytes],
    *,
    columns: int | None = None,
    style: StyleLike = None,
    area: str | Sequence[float] | None = None,
    projection: ProjectionName | None = None,
    center: tuple[float, float] | None = None,
    title: str | None = None,
    width: int | None = None,
) -> None:
    """Draw maps side by side and write the picture as PNG; equal fields give equal bytes.

    Settings of matplotlib that a user made do not count. Maps of one parameter have the same levels and colours.

    Parameters
    ----------
    shown : sequence of Panel
        The maps, row by row.
    to : str, os.PathLike or binary stream
        Where it is written.
    columns : int, optional
        Maps in a row; by default as many as make a picture about as wide as high.
    style, area, projection, center
        As `map` takes them, for all maps; a style only where its units fit.
    title : str, optional
        Stands above all of them. Each has its own title by its metadata as well; one map alone has this in its place.
    width : int, optional
        Width of the picture in pixels; 1200 for one map, by default 640 a column for several.

    Raises
    ------
    FieldError, GridError, DocumentError
        As `map` does.
    """
    with _drawing, _untouched_settings():
        cells = _cells(shown, Framing(area, projection, center), style)
        figure = _figure(cells, columns, width, title)
        _draw(figure, cells, title)
        figure.savefig(to, format="png")


@dataclass(frozen=True, slots=True, eq=False)
class _Cell:
    """A map, and what is known of it before it is drawn."""

    panel: Panel
    framing: Framing
    style: StyleLike
    layout: Layout


@contextmanager
def _untouched_settings() -> Iterator[None]:
    """Matplotlib as it was shipped."""
    with mpl.rc_context():
        mpl.rcdefaults()
        yield


def _cells(shown: Sequence[Panel], framing: Framing, wanted: StyleLike) -> list[_Cell]:
    found = [field_of(panel.field) for panel in shown]
    scalars = [one.speed() if isinstance(one, Wind) else one for one in found]
    styles = _shared(scalars) if wanted is None else {}
    longest = _ALONE_IN if len(shown) == 1 else _BESIDE_IN
    cells = []
    for panel, one, scalar in zip(shown, found, scalars, strict=True):
        frame = frame_of(
            framing.projection or "plate-carree", area_of(framing.area), framing.center, sampler_of(scalar).area
        )
        style = wanted if wanted is not None else styles.get(_called(scalar))
        drawn = style_of(scalar, style)
        has_bar = drawn is None or drawn.draw == "shading" or (wanted is None and isinstance(one, Wind))
        cells.append(_Cell(panel, framing, style, layout_of(frame, has_bar=has_bar, longest=longest)))
    return cells


def _shared(scalars: Sequence[xr.DataArray]) -> Mapping[str, Style]:
    """Levels for parameters that several maps show, and that no style has levels for."""
    groups: dict[str, list[xr.DataArray]] = {}
    for one in scalars:
        groups.setdefault(_called(one), []).append(one)
    return {
        name: _one_for(fields, style_of(fields[0]))
        for name, fields in groups.items()
        if len(fields) > 1 and _has_no_levels(style_of(fields[0]))
    }


def _has_no_levels(style: Style | None) -> bool:
    return style is None or (style.draw == "shading" and style.fixed_levels() is None)


def _one_for(fields: Sequence[xr.DataArray], style: Style | None) -> Style:
    units = str(fields[0].attrs.get("units", ""))
    convert = conversion(units, style.units if style is not None else None)
    values = np.concatenate([values_of(one) for one in fields])
    values = values if convert is None else convert(values)
    style = style or default_style(values)
    return style.model_copy(update={"levels": tuple(levels_in(values, is_diverging=style.is_diverging))})


def _called(field: xr.DataArray) -> str:
    return str(field.attrs.get("GRIB_shortName") or field.name or "")


def _figure(cells: Sequence[_Cell], columns: int | None, width: int | None, title: str | None) -> Figure:
    """A figure with room for all maps, whose cells are as large as the largest needs."""
    across, up = (max(getattr(cell.layout, name) for cell in cells) for name in ("width", "height"))
    columns = min(columns or max(1, round(math.sqrt(len(cells) * up / across))), len(cells))
    rows = -(-len(cells) // columns)
    head = 0.4 if title and len(cells) > 1 else 0.0
    inches = columns * across, rows * up + head
    pixels = width or (_ALONE if len(cells) == 1 else _BESIDE * columns)
    figure = Figure(figsize=inches, dpi=pixels / inches[0])
    heights = [head, rows * up] if head else [rows * up]
    below = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[-1, 0]
    below.subfigures(rows, columns, squeeze=False)
    return figure


def _draw(figure: Figure, cells: Sequence[_Cell], title: str | None) -> None:
    if len(cells) > 1 and title:
        figure.subfigs[0].text(0.5, 0.4, title, ha="center", va="center", fontsize="large")
    own = None if len(cells) > 1 else title
    places: list[Any] = list(figure.subfigs[-1].subfigs)
    dpi = figure.dpi
    for cell, place in zip(cells, places, strict=False):
        size = place.bbox.size / dpi
        ax = place.add_axes(cell.layout.within(*size))
        draw(cell.panel.field, ax, cell.framing, style=cell.style, title=own)
        for over in cell.panel.over:
            draw(over, ax, Framing(), style=None, title=None if own is None else "")
