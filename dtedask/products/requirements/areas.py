"""Areas by name: ECMWF's domains of verification, and the letters of MARS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from dtedask.core.errors import DocumentError, GridError
from dtedask.core.nearest import did_you_mean
from dtedask.geo.area import Area, read_area

__all__ = ["area_names", "area_of"]

_LETTERS: dict[str, Area] = {"e": (73.5, -27.0, 33.0, 45.0), "g": (90.0, 0.0, -90.0, 360.0)}
"""As MARS documents them. Its `e` is larger than the domain that is called `europe`."""
_NO_NAMES: Mapping[str, Sequence[float]] = {}


@cache
def area_names() -> Mapping[str, Area]:
    """North, west, south and east of every area that has a name, in degrees."""
    lines = Path(__file__).with_name("areas.tsv").read_text("utf-8").splitlines()[1:]
    rows = [line.split("\t") for line in lines]
    return {name: read_area([float(edge) for edge in edges]) for name, *edges in rows} | _LETTERS


def area_of(value: str | Sequence[float], *, own: Mapping[str, Sequence[float]] = _NO_NAMES) -> Area:
    """Find an area by its name, or read it as numbers.

    Parameters
    ----------
    value : str or sequence of float
        A name, blind to case, spaces and underscores; or north, west, south and east in degrees.
    own : mapping of str to sequence of float
        Names that a document has beside the known ones; they go first.

    Returns
    -------
    tuple of float
        North, west, south, east.

    Raises
    ------
    DocumentError
        If there is no such area.
    """
    try:
        if not isinstance(value, str) or value[:1] in "+-.0123456789":
            return read_area(value)
        word = _plain(value)
        named = {_plain(name): edges for name, edges in own.items()}
        if word in named:
            return read_area(named[word])
    except GridError as error:
        raise DocumentError(error.message, hint=error.hint) from error
    if word not in area_names():
        hint = did_you_mean(word, [*named, *area_names()])
        raise DocumentError(f"There is no area of the name {value!r}.", hint=hint)
    return area_names()[word]


def _plain(name: str) -> str:
    return "-".join(name.lower().replace("_", " ").split())
