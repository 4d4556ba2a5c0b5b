"""Which way harmonics go to a grid, in MIR's words: where they are cut, and where they are summed up."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dtedask.core.errors import GridError
from dtedask.geo.grid import Grid

__all__ = ["Way", "way_of"]

_AUTOMATIC = ("", "auto", "automatic", "off")
_DEFAULT_NUMBER = 64  # MIR's, of grids that do not say how fine they are


@dataclass(frozen=True, slots=True)
class Way:
    """How harmonics come to a grid.

    Parameters
    ----------
    truncation : int
        Wave numbers above it are left out.
    between : Grid, optional
        The grid on which they are summed up, from where values are interpolated; None for the target itself.
    """

    truncation: int
    between: Grid | None


def way_of(known: int, target: Grid | None, *, truncation: str = "", intgrid: str = "", resol: str = "") -> Way:
    """Say how harmonics are treated.

    Parameters
    ----------
    known : int
        Truncation of the field.
    target : Grid, optional
        The grid that is wanted; None where the result is harmonics.
    truncation : str
        A number, ``none``, or ``auto`` (the default) for what a linear grid of as many rows carries.
    intgrid : str
        A Gaussian grid, ``none`` for the target itself, ``source`` for the octahedral grid of a cubic truncation, or
        ``auto`` (the default) for the regular Gaussian grid that is as fine as the target, at most as the source.
    resol : str
        The older word for both: a number is the truncation, a grid the intermediate one, and ``av`` (the archived
        value) is ``source`` without truncation.

    Raises
    ------
    GridError
        If a word means nothing.
    """
    truncation, intgrid = _words(truncation.lower(), intgrid, resol)
    if target is None:
        return Way(_number(truncation) if truncation not in (*_AUTOMATIC, "none") else known, None)
    number = min(_gaussian_number(target), known + 1)
    between = _between(intgrid, _number(truncation) if truncation.strip("tT").isdigit() else known, number)
    if between is not None:
        number = _gaussian_number(between)
    if truncation in _AUTOMATIC:
        cut = min(known, 2 * number - 1)
    else:
        cut = known if truncation == "none" else _number(truncation)
    return Way(cut, None if between == target else between)


def _words(truncation: str, intgrid: str, resol: str) -> tuple[str, str]:
    """`truncation` and `intgrid`, with what `resol` says where they say nothing."""
    if resol.lower() == "av":
        implied = ("none", "source")
    elif re.fullmatch(r"[tT]?\d+", resol):
        implied = (resol, "")
    else:
        implied = ("", resol if resol.lower() not in _AUTOMATIC else "")
    return truncation or implied[0].lower(), intgrid or implied[1]


def _between(intgrid: str, truncation: int, number: int) -> Grid | None:
    word = intgrid.lower()
    if word == "none":
        return None
    if word == "source":
        return Grid(f"O{truncation + 1}")
    if word in _AUTOMATIC:
        return Grid(f"F{number}")
    found = Grid(f"F{intgrid}" if intgrid.isdigit() else intgrid)
    if found.kind not in ("reduced_gg", "regular_gg"):
        raise GridError(
            f"The intermediate grid {intgrid!r} is not Gaussian.",
            hint="intgrid is such as F80, N320, O96, source, none.",
        )
    return found


def _number(truncation: str) -> int:
    if re.fullmatch(r"[tT]?\d+", truncation) is None:
        raise GridError(f"The truncation {truncation!r} is none.", hint="It is a number such as 63, none, or auto.")
    return int(truncation.strip("tT"))


def _gaussian_number(grid: Grid) -> int:
    """Rows between pole and equator of the Gaussian grid that is as fine from north to south."""
    place = grid.description
    if grid.kind == "part":
        return _gaussian_number(Grid(place["of"]))
    if "n" in place:
        return int(place["n"])
    if "nside" in place:
        return 2 * int(place["nside"])
    if place.get("dy") and "ni" in place:
        return max(int(90.0 / float(place["dy"]) + 1e-6), 1)
    return _DEFAULT_NUMBER
