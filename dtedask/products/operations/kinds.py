"""What parameters are to interpolation: numbers, indices that nothing lies between, angles, components of winds."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal, cast

from dtedask.products.operations.pairs import pair_of

__all__ = ["Kind", "kind_of"]

Kind = Literal["scalar", "wind", "index", "degrees", "radians"]
"""Components of winds turn with the grid; indices, such as types of soil, are those of the nearest point unless a
method is named; angles are interpolated as directions, degrees to [0, 360), radians to (-pi, pi]."""


def kind_of(param: str) -> Kind:
    """The kind of a parameter, by its paramId; by ECMWF's classes, as MIR has them."""
    return "wind" if pair_of(param) is not None else _kinds().get(param, "scalar")


@cache
def _kinds() -> dict[str, Kind]:
    lines = Path(__file__).with_name("kinds.tsv").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("\t") for line in lines if not line.startswith("#"))
    return {param: cast("Kind", kind) for param, kind in pairs}
