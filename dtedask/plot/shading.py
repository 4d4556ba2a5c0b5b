"""Colours of a field on a map, and the bar that explains them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dtedask.plot.figure import figure_of, is_wide
from dtedask.plot.frame import Frame
from dtedask.plot.library import Axes, colors, mpl, patches
from dtedask.plot.style import Style, unit_text
from dtedask.plot.style.default import levels_in

__all__ = ["Picture", "draw_legend", "draw_shading"]

_CLEAR = (0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A field as the pixels of a frame.

    Parameters
    ----------
    frame : Frame
        The frame.
    values : numpy.ndarray, shape (rows, columns)
        In the units of the picture, NaN where there are none.
    is_covered : numpy.ndarray of bool, shape (rows, columns)
        Where the grid reaches: values that are NaN there are missing.
    """

    frame: Frame
    values: NDArray[np.float64]
    is_covered: NDArray[np.bool_]

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Edges of the picture as matplotlib wants them."""
        return self.frame.left, self.frame.right, self.frame.bottom, self.frame.top


def draw_shading(ax: Axes, picture: Picture, style: Style) -> Any:
    """Draw the pixels of a field, missing ones in their own colour; return what a colour bar explains."""
    levels = style.fixed_levels() or levels_in(picture.values, is_diverging=style.is_diverging)
    colour_map, norm = _colours(style, levels)
    options: Any = {"extent": picture.extent, "origin": "upper", "interpolation": "nearest", "aspect": "equal"}
    is_missing = picture.is_covered & np.isnan(picture.values)
    if is_missing.any():
        shown = np.ma.masked_where(~is_missing, np.zeros(is_missing.shape))
        ax.imshow(shown, cmap=colors.ListedColormap([style.missing]), zorder=0.9, **options)
        handle = patches.Patch(facecolor=style.missing, edgecolor="#808080", label="missing")
        ax.legend(handles=[handle], loc="lower left", fontsize="small", framealpha=0.9).set_zorder(6)
    return ax.imshow(np.ma.masked_invalid(picture.values), cmap=colour_map, norm=norm, zorder=1, **options)


def _colours(style: Style, levels: list[float]) -> tuple[Any, Any]:
    """A colour for each gap between levels, and for what lies beyond them."""
    gaps = len(levels) - 1
    below, above = style.extend in ("min", "both"), style.extend in ("max", "both")
    if isinstance(style.colours, tuple) and len(style.colours) == gaps:
        inner = [colors.to_rgba(one) for one in style.colours]
        ends = inner[0], inner[-1]
    else:
        mixed = mpl.colormaps[style.colours or "viridis"] if not isinstance(style.colours, tuple) else None
        mixed = mixed or colors.LinearSegmentedColormap.from_list("style", list(style.colours or ()))
        every = [mixed(place) for place in np.linspace(0.0, 1.0, gaps + below + above)]
        inner, ends = every[int(below) : int(below) + gaps], (every[0], every[-1])
    under, over = ends[0] if below else _CLEAR, ends[1] if above else _CLEAR
    found = colors.ListedColormap(inner).with_extremes(under=under, over=over, bad=_CLEAR)
    # The highest level itself belongs to the gap below it.
    last = levels[-1] if above else levels[-1] + 1e-6 * (levels[-1] - levels[-2])
    return found, colors.BoundaryNorm([*levels[:-1], last], gaps)


def draw_legend(ax: Axes, drawn: Any, frame: Frame, style: Style, units: str) -> Any:
    """Draw the colour bar: below wide maps, to the right of high ones; units beside it."""
    levels = [float(f"{level:.9g}") for level in drawn.norm.boundaries]
    bar_is_below = is_wide(frame)
    ax.apply_aspect()
    box = np.asarray(ax.get_window_extent().size) / figure_of(ax).dpi
    depth = (0.42 if ax.xaxis.get_visible() else 0.22) / box[1]  # inches below the map
    place = (
        (0.0, -depth - 0.14 / box[1], 1.0, 0.14 / box[1])
        if bar_is_below
        else (1.0 + 0.15 / box[0], 0.0, 0.17 / box[0], 1.0)
    )
    bar = figure_of(ax).colorbar(
        drawn,
        cax=ax.inset_axes(place),
        orientation="horizontal" if bar_is_below else "vertical",
        extend=style.extend,
        spacing="uniform",
        drawedges=len(levels) <= 24,
    )
    bar.outline.set_linewidth(0.6)
    bar.dividers.set_linewidth(0.4)
    bar.ax.tick_params(labelsize="small", length=2)
    if style.labels:
        middles = (np.array(levels[1:]) + np.array(levels[:-1])) / 2
        bar.set_ticks(middles, labels=list(style.labels))
    else:
        longest = max(len(f"{level:g}") for level in levels)
        room = box[0] / (0.09 * longest + 0.06) if bar_is_below else box[1] / 0.2
        every = max(1, int(np.ceil(len(levels) / room)))
        bar.set_ticks(levels[::every], labels=[f"{level:g}" for level in levels[::every]])
    bar.minorticks_off()
    bar.set_label("" if style.labels else unit_text(units), fontsize="small", labelpad=2)
    return bar
