"""Which fields of a product are drawn on which map: winds by their two components, isolines over colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dtedask.products.formats.moments import labelled
from dtedask.store.unwritten import Unwritten, datasets_of

if TYPE_CHECKING:
    import xarray as xr

    from dtedask.grib import FieldDescription
    from dtedask.products.product import Part

__all__ = ["Picture", "dataset_of", "pictures_of"]

_PAIRS = {"u": "v", "10u": "10v", "100u": "100v", "200u": "200v"}

Picture = tuple[tuple[int, ...], tuple[int, ...]]
"""Places among the fields of a product: what is drawn, one field or two components, and what is drawn over it."""


def pictures_of(fields: Sequence[FieldDescription], over: Sequence[str]) -> list[Picture]:
    """Say what the maps of a product show.

    Parameters
    ----------
    fields : sequence of FieldDescription
        Its fields.
    over : sequence of str
        Names of variables that are drawn over the others of their time and member: of those at the same level where
        there are some, else of all levels.
    """
    said = [labelled(field) for field in fields]
    lines = {place for place, one in enumerate(said) if one.variable in over}
    places = {(one.variable, one.labels): place for place, one in enumerate(said)}
    above: dict[Any, list[int]] = {}
    for place in sorted(lines):
        for labels in {said[place].labels, _without_level(said[place].labels)}:
            above.setdefault(labels, []).append(place)
    found: list[Picture] = []
    second: set[int] = set()
    for place, one in enumerate(said):
        if place in lines or place in second:
            continue
        other = _partner(one.variable, one.labels, places)
        shown = (place,) if other is None or other in lines else (place, other)
        second.update(shown)
        found.append((shown, tuple(above.get(one.labels) or above.get(_without_level(one.labels)) or ())))
    return found or [((place,), ()) for place in sorted(lines)]


def dataset_of(parts: Sequence[Part]) -> xr.Dataset:
    """The fields of a map as a dataset of xarray, with all that its title says."""
    fields = [Unwritten(one.description, one.payload, one.coordinates) for one in parts]
    (found,) = datasets_of(fields, _array).values()
    return found


def _array(name: str, shape: tuple[int, ...], fields: Mapping[tuple[int, ...], Unwritten]) -> np.ndarray:  # noqa: ARG001
    values = np.full(shape, np.nan)
    for place, one in fields.items():
        values[place] = np.asarray(one.value).reshape(values[place].shape)
    return values


def _partner(variable: str, labels: Any, places: Mapping[Any, int]) -> int | None:
    """The other component of a wind, whichever of the two comes first."""
    levels = variable.partition("_")
    for east, north in _PAIRS.items():
        if levels[0] in (east, north):
            other = north if levels[0] == east else east
            return places.get((f"{other}{levels[1]}{levels[2]}", labels))
    return None


def _without_level(labels: tuple[tuple[str, Any], ...]) -> tuple[tuple[str, Any], ...]:
    return tuple(one for one in labels if one[0] != "level")
