"""`plot.map`: a field on a map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakKeyDictionary

import numpy as np

from dtedask.core.errors import FieldError, GridError
from dtedask.plot.fields import Wind, area_of, field_of, values_of
from dtedask.plot.figure import new_axes
from dtedask.plot.frame import Frame, frame_of
from dtedask.plot.furniture import draw_coastlines, draw_graticule, prepare, within_outline
from dtedask.plot.library import Axes
from dtedask.plot.lines import draw_lines
from dtedask.plot.projection import ProjectionName
from dtedask.plot.sampling import Sampler, sampler_of
from dtedask.plot.shading import Picture, draw_legend, draw_shading
from dtedask.plot.style import Conversion, Style, conversion, default_style, style_of
from dtedask.plot.style.choose import StyleLike
from dtedask.plot.title import joined, title_lines
from dtedask.plot.wind import draw_wind

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Framing", "draw", "map"]

_LINES_EVERY = 2  # pixels between the points that isolines are drawn through


@dataclass(slots=True)
class _Map:
    """What axes show already."""

    frame: Frame
    titles: list[list[str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Framing:
    """What a map shall show; each as `map` takes it.

    Parameters
    ----------
    area, projection, center
        See `map`.
    width : int, optional
        Width of the picture in pixels.
    """

    area: str | Sequence[float] | None = None
    projection: ProjectionName | None = None
    center: tuple[float, float] | None = None
    width: int | None = None


_maps: WeakKeyDictionary[Axes, _Map] = WeakKeyDictionary()


def map(  # noqa: A001 - plot.map is what it is called by
    field: xr.DataArray | xr.Dataset,
    ax: Axes | None = None,
    *,
    style: StyleLike = None,
    area: str | Sequence[float] | None = None,
    projection: ProjectionName | None = None,
    center: tuple[float, float] | None = None,
    title: str | None = None,
    coastlines: bool = True,
    legend: bool = True,
) -> Axes:
    """Draw a field on a map.

    Every pixel shows the nearest point of the field's grid, whichever kind of grid that is; isolines run through values
    between points. The field is read; nothing is shown or saved.

    Parameters
    ----------
    field : xarray.DataArray or xarray.Dataset
        One field: over ``latitude, longitude``, over ``y, x`` or over ``values``; dimensions of one label do not
        matter. A dataset holds one variable, or the two components of a wind (`u` and `v`, `10u` and `10v`), which are
        drawn as arrows on the colours of its speed.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default. Axes that show a map keep its projection and area, so that isolines can
        be drawn on colours.
    style : Style, str, os.PathLike or mapping, optional
        How to draw it: the name of a style, the path of a document of styles, or what a style says. By default the one
        for the field's parameter, and where there is none, colours over the range of what the map shows.
    area : str or sequence of float, optional
        North, west, south, east in degrees, also as ``"75/-30/30/50"``; by default all of the field.
    projection : str, optional
        ``plate-carree`` (the default), ``mercator``, ``lambert``, ``robinson``, ``orthographic``, ``north-polar`` or
        ``south-polar``; of the sphere.
    center : tuple of float, optional
        Latitude and longitude of the middle of the projection; by default the middle of the area.
    title : str, optional
        In place of the one that the field's metadata gives; "" for none.
    coastlines : bool
        Whether to draw coast lines, meridians and parallels.
    legend : bool
        Whether to draw the colour bar.

    Returns
    -------
    matplotlib.axes.Axes
        The axes of the map.

    Raises
    ------
    FieldError
        If there are several fields, or a style's units do not fit.
    GridError
        If the field does not say where its points are, or the projection cannot show the area.
    DocumentError
        If there is no such style.

    Examples
    --------
    >>> import dtedask.plot
    >>> ax = dtedask.plot.map(field, area="75/-30/30/50", projection="lambert")  # doctest: +SKIP
    >>> ax.figure.savefig("map.png")  # doctest: +SKIP
    """
    framing = Framing(area, projection, center)
    return draw(field, ax, framing, style=style, title=title, coastlines=coastlines, legend=legend)


def draw(
    field: xr.DataArray | xr.Dataset,
    ax: Axes | None,
    framing: Framing,
    *,
    style: StyleLike,
    title: str | None,
    coastlines: bool = True,
    legend: bool = True,
) -> Axes:
    """Draw as `map` does."""
    found = field_of(field)
    scalar = found.speed() if isinstance(found, Wind) else found
    sampler = sampler_of(scalar)
    ax, shown = _axes(ax, sampler, framing, has_bar=legend and _has_bar(found, scalar, style))
    if isinstance(found, Wind):
        units = _draw_wind(ax, shown.frame, sampler, found, style, legend=legend)
    else:
        units = _draw_field(ax, shown.frame, sampler, scalar, style, legend=legend)
    if coastlines and not any(line.get_gid() == "coastlines" for line in ax.lines):
        draw_graticule(ax, shown.frame)
        draw_coastlines(ax, shown.frame)
    shown.titles.append(title_lines(scalar, units) if title is None else title.splitlines())
    ax.set_title("\n".join(joined(shown.titles)), loc="left", fontsize="small")
    return ax


def _has_bar(found: xr.DataArray | Wind, scalar: xr.DataArray, wanted: StyleLike) -> bool:
    style = style_of(scalar, wanted)
    return style is None or style.draw == "shading" or (wanted is None and isinstance(found, Wind))


def _axes(ax: Axes | None, sampler: Sampler, framing: Framing, *, has_bar: bool) -> tuple[Axes, _Map]:
    """Axes that show a map: as they are, or made so."""
    if ax is not None and ax in _maps:
        if framing != Framing():
            raise GridError(
                "The axes show a map already, whose area and projection stay.",
                hint="Leave them out, or give other axes.",
            )
        return ax, _maps[ax]
    name = framing.projection or "plate-carree"
    frame = frame_of(name, area_of(framing.area), framing.center, sampler.area)
    ax = new_axes(frame, framing.width, has_bar=has_bar) if ax is None else ax
    box = ax.get_window_extent()
    shown = _Map(frame.fitted(box.width, box.height))
    prepare(ax, shown.frame)
    _maps[ax] = shown
    return ax, shown


def _draw_field(ax: Axes, frame: Frame, sampler: Sampler, field: xr.DataArray, wanted: Any, *, legend: bool) -> str:
    """Draw a field; return the units that the picture does not say."""
    style = style_of(field, wanted)
    if style is not None and style.draw in ("arrows", "barbs"):
        raise FieldError(
            f"Arrows and barbs need both components of a wind; '{field.name}' is one field.",
            hint="Give a dataset of both, as data[['10u', '10v']].",
        )
    shown = _conversion(field, style)
    values = shown(values_of(field))
    if style is not None and style.draw == "contours":
        lines = draw_lines(ax, _line_picture(frame, sampler, values), style)
        if lines is not None:
            lines.set_clip_path(within_outline(ax, frame) or ax.patch)
        return shown.units
    picture = _picture(frame, sampler, values, style.sampling if style is not None else "nearest")
    style = style or default_style(picture.values)
    drawn = draw_shading(ax, picture, style)
    for image in ax.images:
        image.set_clip_path(within_outline(ax, frame) or ax.patch)
    if legend:
        draw_legend(ax, drawn, frame, style, shown.units)
    return "" if legend else shown.units


def _draw_wind(ax: Axes, frame: Frame, sampler: Sampler, wind: Wind, wanted: Any, *, legend: bool) -> str:
    """Draw arrows or barbs as they are asked for, else arrows on the colours of the speed; return units not said."""
    speed = wind.speed()
    asked = style_of(speed, wanted)
    if asked is None or asked.draw not in ("arrows", "barbs"):
        _draw_field(ax, frame, sampler, speed, wanted, legend=legend)
        asked = Style(draw="arrows")
    shown = _conversion(speed, asked)
    parts = shown(values_of(wind.east)), shown(values_of(wind.north))
    draw: Literal["arrows", "barbs"] = "barbs" if asked.draw == "barbs" else "arrows"
    draw_wind(ax, frame, sampler, parts, draw=draw, units=shown.units, colour=asked.line_colour)
    return shown.units if draw == "barbs" else ""


def _conversion(field: xr.DataArray, style: Style | None) -> Conversion:
    units = str(field.attrs.get("units", ""))
    return conversion(units, style.units if style is not None else None) or Conversion(1.0, 0.0, units)


def _picture(frame: Frame, sampler: Sampler, values: np.ndarray, sampling: str) -> Picture:
    """The pixels of a frame."""
    latitude, longitude = frame.places()
    is_on_map = np.isfinite(latitude)
    found = sampler.nearest(latitude[is_on_map], longitude[is_on_map])
    pixels, is_covered = np.full(latitude.shape, np.nan), np.zeros(latitude.shape, bool)
    is_covered[is_on_map] = found >= 0
    pixels[is_on_map] = np.where(found >= 0, values[found], np.nan)
    if sampling == "linear":
        between = sampler.linear(values, latitude[is_on_map], longitude[is_on_map])
        pixels[is_on_map] = np.where(np.isfinite(between), between, pixels[is_on_map])
    return Picture(frame, pixels, is_covered)


def _line_picture(frame: Frame, sampler: Sampler, values: np.ndarray) -> Picture:
    """Values between points on a mesh of every second pixel, edges included."""
    coarse = frame.fitted(frame.columns / _LINES_EVERY, frame.rows / _LINES_EVERY)
    latitude, longitude = coarse.places()
    is_on_map = np.isfinite(latitude)
    found = np.full(latitude.shape, np.nan)
    found[is_on_map] = sampler.linear(values, latitude[is_on_map], longitude[is_on_map])
    return Picture(coarse, found, np.isfinite(found))
