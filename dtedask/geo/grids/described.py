"""All that makes a grid, and what follows from its kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from dtedask.core.errors import GridError

LATLON = ("latitude", "longitude")
PLANE = ("y", "x")
VALUES = ("values",)


class Described(NamedTuple):
    """All that makes a grid: its kind, description, dimensions and shape."""

    kind: str
    description: dict[str, Any]
    dims: tuple[str, ...]
    shape: tuple[int, ...]

    @property
    def place(self) -> dict[str, Any]:
        """The description with its kind, as `Grid.description` is."""
        return {"kind": self.kind, **self.description}


def of_description(said: Mapping[str, Any]) -> Described:
    """Bring back a grid from its own description, whose `kind` says what it holds.

    Raises
    ------
    GridError
        If dimensions and shape do not follow from the description.
    """
    description = dict(said)
    kind = str(description.pop("kind"))
    try:
        dims, shape = _shape(kind, description)
    except (KeyError, TypeError, ValueError):
        raise GridError(
            f"The description of a grid of kind {kind!r} does not say how many points it has.",
            hint="Give it as `Grid.spec` says it.",
        ) from None
    return Described(kind, description, dims, shape)


def _shape(kind: str, said: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    if "size" in said:
        return VALUES, (int(said["size"]),)
    if "pl" in said:
        return VALUES, (sum(said["pl"]),)
    if "ni" in said:
        rows = said["nj"] if "nj" in said else said.get("rows", (0, 2 * said["n"]))[1]
        return (LATLON if kind.startswith("regular") else PLANE), (int(rows), int(said["ni"]))
    if "nx" in said:
        return PLANE, (int(said["ny"]), int(said["nx"]))
    if kind == "healpix":
        return VALUES, (12 * int(said["nside"]) ** 2,)
    if kind == "cubed_sphere":
        return VALUES, (6 * int(said["n"]) ** 2,)
    truncation = int(said["truncation"])
    return VALUES, ((truncation + 1) * (truncation + 2),)
