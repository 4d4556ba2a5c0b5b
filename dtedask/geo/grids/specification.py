"""Grids by specification: a mapping in the words of MIR and eckit, or a grid's own description."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from dtedask.core.errors import GridError
from dtedask.core.nearest import did_you_mean
from dtedask.geo.grids.angles import CIRCLE, tidy
from dtedask.geo.grids.described import LATLON, PLANE, Described, of_description
from dtedask.geo.grids.latlon import global_latlon, latlon
from dtedask.geo.grids.named import distances_of, from_name
from dtedask.geo.grids.points import MOVED_KINDS
from dtedask.geo.grids.sub_area import cut

_MOVABLE = frozenset({"regular_ll", "regular_gg", "reduced_ll", "reduced_gg", *MOVED_KINDS})
_KEYS = frozenset(
    {"area", "first", "grid", "order", "ordering", "pl", "projection", "reference", "rotation", "shape", "stretching"}
)


def described(said: str | Sequence[float] | Mapping[str, Any]) -> Described:
    """Describe a grid that is given by name, by the distances of its points, or by a specification.

    Raises
    ------
    GridError
        If there is no such grid.
    """
    if isinstance(said, str):
        return described(_mapping_of(said)) if said.lstrip().startswith("{") else from_name(said)
    if not isinstance(said, Mapping):
        return latlon(*_pair(said))
    if "kind" in said:
        return of_description(said)
    for key in said:
        if key not in _KEYS:
            raise GridError(f"A grid has no key {key!r}.", hint=did_you_mean(str(key), _KEYS))
    return _from_keys(said)


def _from_keys(said: Mapping[str, Any]) -> Described:
    if "projection" in said:
        from dtedask.geo.grids.projected import on_map

        return _in_area(on_map(said), said)
    found = _base(said)
    for words, add in (("stretching", _stretching), ("rotation", _rotation)):
        found = add(found, said[words]) if words in said else found
    return found if _is_by_distance(said) else _in_area(found, said)


def _base(said: Mapping[str, Any]) -> Described:
    """The grid without what is done to it."""
    if "pl" in said:
        return of_description({"kind": "reduced_gg", "n": len(said["pl"]) // 2, "pl": [int(one) for one in said["pl"]]})
    if "grid" not in said:
        if "shape" in said:
            rows, columns = (int(length) for length in said["shape"])
            return global_latlon(columns, rows)
        raise GridError(f"The specification {dict(said)} names no grid.", hint="Give it as {'grid': ...}.")
    if _is_by_distance(said):
        reference = tuple(float(one) for one in said["reference"]) if "reference" in said else None
        return latlon(*_pair(said["grid"]), area=said.get("area"), reference=reference)  # type: ignore[arg-type]
    name = str(said["grid"])
    order = said.get("order", said.get("ordering"))
    if order is not None and not _is_usual(order):
        name = f"{name}-{order}"
    return from_name(name)


def _is_usual(order: str) -> bool:
    """Whether an order is that in which points always are here."""
    return order in ("ring", "i+j-")


def _is_by_distance(said: Mapping[str, Any]) -> bool:
    given = said.get("grid")
    return given is not None and (not isinstance(given, str) or distances_of(given) is not None)


def _pair(said: str | Sequence[float]) -> tuple[float, float]:
    found = distances_of(said) if isinstance(said, str) else said
    try:
        dx, dy = (float(value) for value in found or ())
    except (TypeError, ValueError):
        raise GridError(
            f"The grid {said!r} is no pair of distances.", hint="Give degrees, such as [0.25, 0.25]."
        ) from None
    return dx, dy


def _in_area(found: Described, said: Mapping[str, Any]) -> Described:
    if "area" not in said:
        return found
    from dtedask.geo.grid import Grid

    return cut(Grid.of(*found), said["area"]).described


def _rotation(found: Described, said: Sequence[float]) -> Described:
    """Turn a grid: latitude and longitude of the south pole of its system, and the angle around the new axis."""
    try:
        latitude, longitude, *rest = (float(one) for one in said)
        (angle,) = rest or [0.0]
    except (TypeError, ValueError):
        raise GridError(
            f"The rotation {said!r} is none.", hint="Give latitude and longitude of the south pole, and maybe an angle."
        ) from None
    moved = {"south_pole_latitude": tidy(latitude), "south_pole_longitude": tidy(longitude % CIRCLE)}
    return _moved(found, "rotated", moved | {"angle": tidy(angle)})


def _stretching(found: Described, said: Sequence[float]) -> Described:
    """Stretch a grid by a factor about a pole, by default the north pole of its system."""
    try:
        factor, *pole = (float(one) for one in said)
        latitude, longitude = pole or [90.0, 0.0]
    except (TypeError, ValueError):
        raise GridError(f"The stretching {said!r} is none.", hint="Give the factor, and maybe its pole.") from None
    if not factor > 0:
        raise GridError(f"The stretching factor {factor:g} cannot be.", hint="It is more than 0.")
    pole_of = {"stretching_pole_latitude": tidy(latitude), "stretching_pole_longitude": tidy(longitude % CIRCLE)}
    return _moved(found, "stretched", pole_of | {"stretching_factor": tidy(factor)})


def _moved(found: Described, how: str, description: dict[str, float]) -> Described:
    if found.kind not in _MOVABLE:
        raise GridError(f"A grid of kind {found.kind!r} cannot be {how}.", hint="Regular and Gaussian grids can.")
    if found.kind.startswith("reduced_"):
        kind = f"reduced_{_added(found.kind.removeprefix('reduced_'), how)}"
    else:
        kind = _added(found.kind.removeprefix("regular_"), how)
    dims = PLANE if found.dims == LATLON else found.dims
    return Described(kind, found.description | description, dims, found.shape)


def _added(kind: str, how: str) -> str:
    """Put a word into a kind, in ecCodes' order: stretched, rotated, then the rest."""
    *words, last = kind.split("_")
    return "_".join([*(word for word in ("stretched", "rotated") if word in {how, *words}), last])


def _mapping_of(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise GridError(
            f"The specification {text!r} is no JSON: {error}.", hint="Give it as `Grid.spec` is."
        ) from error
    return dict(found)
