"""Pure functions that bring values to halos, and back to their owners.

Arrays are NumPy's or Dask's, with the points last: those of Dask stay lazy. A part sends to another no more than the
points that this one needs, in a task of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import GridError
from dtedask.geo.halo.lists import Halos, Integers
from dtedask.geo.halo.tasks import assembled, sent

Values = TypeVar("Values", bound=Any)
"""An array of NumPy or Dask, shape (..., points)."""


def split(halos: Halos, field: Values) -> list[Values]:
    """Cut an array of shape (..., points) into each part's own points; ranges of points are cut out as they lie."""
    _check([field], [halos.points])
    return [field[..., _range(part.own)] for part in halos.parts]


def join(halos: Halos, parts: Sequence[Values]) -> Values:
    """Put each part's own points back into one array of shape (..., points)."""
    _check(parts, [part.own.size for part in halos.parts])
    place = np.argsort(np.concatenate([part.own for part in halos.parts]))
    whole: Any = np.concatenate(list(parts), axis=-1)
    found: Values = whole[..., _range(place)]
    return found


def exchange(halos: Halos, parts: Sequence[Values]) -> list[Values]:
    """Add their halos to the parts.

    Parameters
    ----------
    halos : Halos
    parts : sequence of arrays, shapes (..., own points)

    Returns
    -------
    list of arrays, shapes (..., own points + halo points)

    Raises
    ------
    GridError
        If a part has not as many points as it owns.
    """
    _check(parts, [part.own.size for part in halos.parts])
    found = []
    for number, part in enumerate(halos.parts):
        pieces = [sent(parts[owner], places, f"{owner}-to-{number}") for owner, _, places in part.sources()]
        found.append(assembled(_with_halo, [parts[number], *pieces], part.points.size))
    return found


def accumulate(halos: Halos, parts: Sequence[Values]) -> list[Values]:
    """Add the values in halos to those of their owners, and drop the halos: the adjoint of `exchange`.

    Sums go in the order of the parts, so that they do not depend on which task ends first.

    Parameters
    ----------
    halos : Halos
    parts : sequence of arrays, shapes (..., own points + halo points)

    Returns
    -------
    list of arrays, shapes (..., own points)

    Raises
    ------
    GridError
        If a part has not as many points as it owns and borrows.
    """
    _check(parts, [part.points.size for part in halos.parts])
    pieces: list[list[Values]] = [[] for _ in halos.parts]
    places: list[list[Integers]] = [[] for _ in halos.parts]
    for number, part in enumerate(halos.parts):
        for owner, span, at in part.sources():
            where = np.arange(span.start, span.stop) + part.own.size
            pieces[owner].append(sent(parts[number], where, f"{number}-back-to-{owner}"))
            places[owner].append(at)
    return [
        assembled(_with_sums, [parts[number], *pieces[number]], part.own.size, own=part.own.size, places=places[number])
        for number, part in enumerate(halos.parts)
    ]


def _range(places: Integers) -> Integers | slice:
    """The places, as a slice if they follow each other."""
    if places.size and (np.diff(places) == 1).all():
        return slice(int(places[0]), int(places[-1]) + 1)
    return places


def _with_halo(own: NDArray[Any], *halo: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate([own, *halo], axis=-1)


def _with_sums(whole: NDArray[Any], *halo: NDArray[Any], own: int, places: list[Integers]) -> NDArray[Any]:
    found = whole[..., :own].copy()
    for values, at in zip(halo, places, strict=True):
        found[..., at] += values
    return found


def _check(arrays: Sequence[Any], sizes: Sequence[int]) -> None:
    for array in arrays:
        if not (isinstance(array, np.ndarray) or hasattr(array, "rechunk")):
            raise GridError(
                f"Halos are of arrays of NumPy or Dask, not of a {type(array).__name__}.",
                hint="Give the data of an xarray.DataArray, `field.data`, with the points last.",
            )
    found = [array.shape[-1] for array in arrays]
    if found != list(sizes):
        raise GridError(
            f"Arrays have {found} points, not {list(sizes)}.",
            hint="The last dimension must be the points, in the order of the halos' lists.",
        )
