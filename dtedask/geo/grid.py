"""A grid as a value: its description, its shape, and the name that follows from them."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

# The first 16 digits of the sha256 of the row lengths (as JSON) of ECMWF's original reduced Gaussian grids.
_ORIGINAL_REDUCED = {
    32: "644d16c7efc8b7d6",
    48: "b8ee780109e988d8",
    64: "d600eaf7b93fd3a6",
    80: "fc5a4e22e39777ab",
    96: "175220440e941512",
    128: "135270c66d9bb2d5",
    160: "a0f71ca37f801095",
    200: "ad8f9b95185b29c2",
    256: "a1e54df54398df01",
    320: "fd37b5b49770b32d",
    400: "3413624370d2800c",
    512: "de98d73f309f046f",
    640: "40eb46e2a6fef57f",
    1024: "2f556134df888302",
    1280: "c5f3f5e93108ac6d",
    2000: "214b0324143ebb58",
}


@dataclass(frozen=True, slots=True)
class Grid:
    """Where the points of a field lie, in our order: rows north to south, columns west to east.

    Two grids with the same points in the same order are equal, whatever the edition or scan order of the messages.

    Parameters
    ----------
    kind : str
        ``regular_ll``, ``regular_gg``, ``reduced_gg``, ``rotated_ll``, ``lambert``, ``healpix``, ``sh``, ...
    spec : str
        The complete description as JSON with sorted keys and no spaces.
    dims : tuple of str
        ``("latitude", "longitude")``, ``("y", "x")`` or ``("values",)``.
    shape : tuple of int
        Length of each dimension.

    Examples
    --------
    >>> grid = Grid.of("healpix", {"nside": 8, "ordering": "ring"}, ("values",), (768,))
    >>> grid.label
    'H8'
    """

    kind: str
    spec: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]

    @classmethod
    def of(cls, kind: str, description: dict[str, Any], dims: tuple[str, ...], shape: tuple[int, ...]) -> Grid:
        """Make a grid from a description that JSON can hold."""
        spec = json.dumps({"kind": kind, **description}, sort_keys=True, separators=(",", ":"))
        return cls(kind, spec, dims, shape)

    @property
    def size(self) -> int:
        """Number of points."""
        return math.prod(self.shape)

    @property
    def uid(self) -> str:
        """sha256 of the description, in hexadecimal."""
        return hashlib.sha256(self.spec.encode()).hexdigest()

    @property
    def description(self) -> dict[str, Any]:
        """The description as a new dictionary."""
        described: dict[str, Any] = json.loads(self.spec)
        return described

    @property
    def label(self) -> str:
        """Short name, such as ``O320``, ``0.25x0.25`` or ``lambert-1a2b3c4d``; never contains a slash."""
        return _label(self)


@lru_cache(maxsize=1024)
def _label(grid: Grid) -> str:
    name = _NAMES[grid.kind](grid.description) if grid.kind in _NAMES else ""
    return name or f"{grid.kind}-{grid.uid[:8]}"


def _reduced_gaussian(grid: dict[str, Any]) -> str:
    number, rows = grid["n"], grid["pl"]
    if "rows" in grid:
        return ""
    octahedral = [20 + 4 * row for row in range(number)]
    if rows == octahedral + octahedral[::-1]:
        return f"O{number}"
    digest = hashlib.sha256(json.dumps(rows, separators=(",", ":")).encode()).hexdigest()
    return f"N{number}" if _ORIGINAL_REDUCED.get(number) == digest[:16] else ""


def _regular_gaussian(grid: dict[str, Any]) -> str:
    return f"F{grid['n']}" if "rows" not in grid and grid["ni"] == 4 * grid["n"] else ""


def _regular_latlon(grid: dict[str, Any]) -> str:
    is_global = grid["north"] == 90 and grid["south"] == -90 and grid["west"] == 0 and grid["periodic"]
    return f"{grid['dx']:.10g}x{grid['dy']:.10g}" if is_global else ""


def _healpix(grid: dict[str, Any]) -> str:
    if grid.get("first_longitude", 45.0) != 45.0:
        return ""
    return f"H{grid['nside']}" if grid["ordering"] == "ring" else f"H{grid['nside']}-{grid['ordering']}"


def _spectral(grid: dict[str, Any]) -> str:
    return f"T{grid['truncation']}" if "truncation" in grid else ""


_NAMES: dict[str, Callable[[dict[str, Any]], str]] = {
    "opaque": lambda _grid: "opaque",
    "reduced_gg": _reduced_gaussian,
    "regular_gg": _regular_gaussian,
    "regular_ll": _regular_latlon,
    "healpix": _healpix,
    "sh": _spectral,
}
