"""Cubed spheres: six faces of a cube, each with as many rows as columns, blown up to the sphere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import GridError
from dtedask.geo.grids.angles import CIRCLE
from dtedask.geo.grids.described import VALUES, Described
from dtedask.geo.grids.rows import Points

Spacing = Literal["equiangular", "equidistant"]
Faces = Literal["fv3", "lfric"]

# Of each face: its middle, the way in which points follow each other, and the way in which its rows do.
_FACES: dict[str, tuple[tuple[tuple[int, int, int], ...], ...]] = {
    "fv3": (
        ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
        ((0, 1, 0), (-1, 0, 0), (0, 0, 1)),
        ((0, 0, 1), (-1, 0, 0), (0, -1, 0)),
        ((-1, 0, 0), (0, 0, -1), (0, -1, 0)),
        ((0, -1, 0), (0, 0, -1), (1, 0, 0)),
        ((0, 0, -1), (0, 1, 0), (1, 0, 0)),
    ),
    "lfric": (
        ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
        ((0, 1, 0), (-1, 0, 0), (0, 0, 1)),
        ((-1, 0, 0), (0, 0, 1), (0, 1, 0)),
        ((0, -1, 0), (0, 0, 1), (-1, 0, 0)),
        ((0, 0, 1), (0, 1, 0), (-1, 0, 0)),
        ((0, 0, -1), (-1, 0, 0), (0, 1, 0)),
    ),
}
_NAMES: dict[str, tuple[Spacing, Faces]] = {
    "EA": ("equiangular", "fv3"),
    "ED": ("equidistant", "fv3"),
    "LFR": ("equiangular", "lfric"),
}


def cubed_sphere(name: str, number: int) -> Described:
    """Describe a cubed sphere by Atlas' name for it.

    Parameters
    ----------
    name : str
        ``EA``, ``ED`` or ``LFR``: equal angles, equal distances on the cube, or equal angles with LFRic's faces.
    number : int
        Cells along the side of a face.
    """
    if not 0 < number <= 20_000:
        raise GridError(f"A cubed sphere of {number} cells a side cannot be.", hint="It has 1 to 20000.")
    spacing, faces = _NAMES[name.upper()]
    return Described("cubed_sphere", {"n": number, "spacing": spacing, "faces": faces}, VALUES, (6 * number**2,))


def label_of(place: Mapping[str, Any]) -> str:
    """Return Atlas' name of a cubed sphere."""
    for name, known in _NAMES.items():
        if known == (place["spacing"], place["faces"]):
            return f"CS-{name}-{place['n']}"
    return ""


def cube_points(place: Mapping[str, Any]) -> Points:
    """Return the middles of all cells, face after face."""
    number = int(place["n"])
    along = _on_face(place, (np.arange(number) + 0.5) / number)
    vectors = [_face(face, along, along).reshape(-1, 3) for face in _FACES[place["faces"]]]
    x, y, z = np.concatenate(vectors).T
    return Points(np.rad2deg(np.arctan2(z, np.hypot(x, y))), np.rad2deg(np.arctan2(y, x)) % CIRCLE)


def cube_corners(place: Mapping[str, Any]) -> NDArray[np.float64]:
    """Return the corners of cells as vectors of length 1, shape (6, n + 1, n + 1, 3): faces, rows, columns."""
    number = int(place["n"])
    along = _on_face(place, np.arange(number + 1) / number)
    vectors = np.stack([_face(face, along, along) for face in _FACES[place["faces"]]])
    found: NDArray[np.float64] = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return found


def _on_face(place: Mapping[str, Any], part: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where parts of a side, 0 to 1, are on a cube from -1 to 1."""
    if place["spacing"] == "equidistant":
        return 2.0 * part - 1.0
    found: NDArray[np.float64] = np.tan(np.pi / 2.0 * (part - 0.5))
    return found


def _face(
    face: tuple[tuple[int, int, int], ...], along: NDArray[np.float64], across: NDArray[np.float64]
) -> NDArray[np.float64]:
    middle, columns, rows = (np.array(one, np.float64) for one in face)
    found: NDArray[np.float64] = middle + along[None, :, None] * columns + across[:, None, None] * rows
    return found
