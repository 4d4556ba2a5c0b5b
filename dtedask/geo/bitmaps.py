"""Bitmaps: texts that say which points of a grid are left out, as in dissemination."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import GridError
from dtedask.geo.grid import Grid

__all__ = ["read_bitmap"]

_FORM = "It is text such as size=ROWS:COLUMNS,points=ROW:FIRST-LAST/COLUMN,ROW:..., as in dissemination."


def read_bitmap(path: str, grid: Grid | None = None) -> NDArray[np.bool_]:
    """Read which points are kept.

    Parameters
    ----------
    path : str
        A text as dissemination has it: ``size=ROWS:COLUMNS``, ``points=`` and for rows, counted from 1, the columns
        that it names; rows between two that are given are as the one before. Points that are named are kept; with
        ``values=on`` they are left out. Blanks, ends of lines and capitals do not matter.
    grid : Grid, optional
        The grid that it is for.

    Returns
    -------
    numpy.ndarray of bool, shape (rows, columns)

    Raises
    ------
    GridError
        If it cannot be read, or has another number of points than the grid; says what is wrong.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise GridError(f"The bitmap {path} cannot be read: {error}", hint=_FORM) from error
    kept = _parsed(text, path)
    if grid is not None and kept.size != grid.size:
        raise GridError(
            f"The bitmap {path} has {' x '.join(map(str, kept.shape))} points, and {grid.label} has {grid.size}.",
            hint="A bitmap has as many rows and columns as the grid in the area that is wanted.",
        )
    return kept


@lru_cache(64)
def _parsed(text: str, path: str) -> NDArray[np.bool_]:
    plain = re.sub(r"\s", "", text).lower()
    size, points = re.search(r"size=(\d+):(\d+)", plain), re.search(r"points=([\d:/,\-]*)", plain)
    if size is None or points is None:
        raise GridError(f"The bitmap {path} has no {'size' if size is None else 'points'}.", hint=_FORM)
    rows, columns = int(size[1]), int(size[2])
    named = np.zeros((rows, columns), bool)
    before = -1
    for row, spans in _rows(points[1], path):
        if not 0 <= row < rows:
            raise GridError(f"The bitmap {path} of {rows} rows names row {row + 1}.", hint=_FORM)
        if before >= 0:
            named[before + 1 : row] = named[before]
        for first, last in spans:
            if not 0 <= first <= last < columns:
                raise GridError(f"The bitmap {path} of {columns} columns names {first + 1} to {last + 1}.", hint=_FORM)
            named[row, first : last + 1] = True
        before = row
    named[before + 1 :] = named[before] if before >= 0 else False
    kept: NDArray[np.bool_] = ~named if "values=on" in plain else named
    kept.flags.writeable = False
    return kept


def _rows(text: str, path: str) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    for part in filter(None, text.split(",")):
        row, _, columns = part.partition(":")
        try:
            spans = [_span(span) for span in columns.split("/") if span not in ("", "0")]
            yield int(row) - 1, spans
        except ValueError:
            raise GridError(f"The bitmap {path} says {part!r}, which names no points.", hint=_FORM) from None


def _span(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    return int(first) - 1, int(last or first) - 1
