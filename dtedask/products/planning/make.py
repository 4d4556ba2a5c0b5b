"""What is made once, for all products that are equal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dtedask.grib import Coordinate
    from dtedask.products.format import Format
    from dtedask.products.node import Node
    from dtedask.products.product import Product

__all__ = ["Make"]


@dataclass(frozen=True, slots=True, eq=False)
class Make:
    """One content, and the products that it is: they differ in name, owner, place and deadline only.

    Parameters
    ----------
    digest : str
        Of all that the content depends on: inputs, weights, requirement, format, code.
    products : tuple of Product
        The most urgent one first.
    nodes : tuple of Node
        The fields in order, each as far as the format's operation takes it.
    format : Format
        How they are written.
    coordinates : mapping of str to mapping
        Coordinates of the grids of the nodes, by the grids' uid.
    lineage : mapping of str to str
        What it is made of: inputs with their snapshots, weights, versions, requirement.
    """

    digest: str
    products: tuple[Product, ...]
    nodes: tuple[Node, ...]
    format: Format
    coordinates: Mapping[str, Mapping[str, Coordinate]] = field(default_factory=dict)
    lineage: Mapping[str, str] = field(default_factory=dict)

    @property
    def urgency(self) -> tuple[float, int, str]:
        """That of its most urgent product; the least goes first."""
        return self.products[0].urgency

    def __repr__(self) -> str:
        return f"<Make {self.digest[:12]}: {len(self.nodes)} fields for {', '.join(one.id for one in self.products)}>"
