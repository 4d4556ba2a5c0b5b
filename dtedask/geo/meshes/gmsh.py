"""Meshes in the format of Gmsh."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Literal

import numpy as np

from dtedask.core.errors import GridError
from dtedask.geo.meshes.connectivity import Integers, sizes
from dtedask.geo.meshes.sphere import EARTH_RADIUS_M, Array
from dtedask.geo.meshes.value import Mesh

Version = Literal["2.2", "4.1"]
_TYPES = {3: 2, 4: 3}
"""Gmsh's types of elements: 2 is a triangle of three nodes, 3 a quadrilateral of four."""


def write_gmsh(
    mesh: Mesh, path: str | Path, *, version: Version = "4.1", coordinates: Literal["xyz", "lonlat"] = "xyz"
) -> None:
    """Write a mesh to a file of Gmsh, in its ASCII format (https://gmsh.info/doc/texinfo/gmsh.html#MSH-file-format).

    Nodes and elements are counted from 1, in the mesh's order: quadrilaterals first, then triangles.

    Parameters
    ----------
    mesh : Mesh
    path : str or pathlib.Path
        Usually ends in ``.msh``; replaced if it exists.
    version : {"4.1", "2.2"}
        Of the format. Many other programs read 2.2 only.
    coordinates : {"xyz", "lonlat"}
        Metres from the centre of the Earth, or degrees with 0 as the third; the latter leaves out elements that reach
        over half the globe in longitude, as those over a pole and those where longitudes begin again do.

    Raises
    ------
    GridError
        If the version is not known, or an element has more than four nodes.
    """
    if version not in ("2.2", "4.1"):
        raise GridError(f"Version {version!r} of Gmsh's format is not written.", hint="Use '4.1' or '2.2'.")
    if sizes(mesh.elements).max() > 4:
        raise GridError(
            f"An element of {mesh!r} has more than four nodes.", hint="Gmsh's format has triangles and quadrilaterals."
        )
    is_flat = coordinates == "lonlat"
    nodes = np.stack([mesh.longitude, mesh.latitude, np.zeros(mesh.nodes)], axis=1) if is_flat else None
    places = mesh.xyz * EARTH_RADIUS_M if nodes is None else nodes
    elements = mesh.elements if nodes is None else mesh.elements[~_crosses(mesh)]
    blocks = [(kind, elements[sizes(elements) == kind][:, :kind] + 1) for kind in (4, 3)]
    blocks = [(kind, block) for kind, block in blocks if len(block)]
    text = StringIO()
    text.write(f"$MeshFormat\n{version} 0 8\n$EndMeshFormat\n")
    (_version_2 if version == "2.2" else _version_4)(text, places, blocks)
    Path(path).write_text(text.getvalue(), encoding="ascii")


def _crosses(mesh: Mesh) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Whether an element's longitudes are more than half the globe or more apart."""
    longitude = np.where(mesh.elements < 0, np.nan, mesh.longitude[mesh.elements])
    found: np.ndarray[tuple[int], np.dtype[np.bool_]] = (
        np.ptp(np.where(np.isnan(longitude), longitude[:, :1], longitude), axis=1) >= 180.0
    )
    return found


def _version_2(text: StringIO, places: Array, blocks: list[tuple[int, Integers]]) -> None:
    text.write(f"$Nodes\n{len(places)}\n")
    number = np.arange(1, len(places) + 1)
    np.savetxt(text, np.column_stack([number, places]), fmt="%d %.17g %.17g %.17g")
    text.write(f"$EndNodes\n$Elements\n{sum(len(block) for _, block in blocks)}\n")
    first = 1
    for kind, block in blocks:
        lead = np.tile([_TYPES[kind], 2, 1, 1], (len(block), 1))
        np.savetxt(text, np.column_stack([np.arange(first, first + len(block)), lead, block]), fmt="%d")
        first += len(block)
    text.write("$EndElements\n")


def _version_4(text: StringIO, places: Array, blocks: list[tuple[int, Integers]]) -> None:
    low, high = (" ".join(f"{value:.17g}" for value in bound) for bound in (places.min(axis=0), places.max(axis=0)))
    text.write(f"$Entities\n0 0 1 0\n1 {low} {high} 0 0\n$EndEntities\n")
    count, elements = len(places), sum(len(block) for _, block in blocks)
    text.write(f"$Nodes\n1 {count} 1 {count}\n2 1 0 {count}\n")
    np.savetxt(text, np.arange(1, count + 1), fmt="%d")
    np.savetxt(text, places, fmt="%.17g")
    text.write(f"$EndNodes\n$Elements\n{len(blocks)} {elements} 1 {elements}\n")
    first = 1
    for kind, block in blocks:
        text.write(f"2 1 {_TYPES[kind]} {len(block)}\n")
        np.savetxt(text, np.column_stack([np.arange(first, first + len(block)), block]), fmt="%d")
        first += len(block)
    text.write("$EndElements\n")
