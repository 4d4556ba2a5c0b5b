"""From the nodes of a product to what is made once for all products that are equal."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import dtedask
from dtedask.products.format import Format, FormatOptions, make_format
from dtedask.products.planning.coordinates import Coordinates
from dtedask.products.planning.lineage import Lineage
from dtedask.products.planning.make import Make

if TYPE_CHECKING:
    from dtedask.products.node import Node, Nodes
    from dtedask.products.product import Product

__all__ = ["Makes"]


class Makes:
    """Makes what is made once, and knows which products it is.

    Parameters
    ----------
    nodes : Nodes
        Makes the nodes.
    """

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self._coordinates = Coordinates()
        self._formats: dict[str, Format] = {}
        self._identities: dict[int, tuple[FormatOptions, str]] = {}
        self._encoded: dict[tuple[str, int], Node] = {}

    def of(self, product: Product, fields: Sequence[Node]) -> Make:
        """What is made of a product.

        Raises
        ------
        DtedaskError
            If its format cannot hold the fields.
        """
        identity, form = self._format(product.requirement.format)
        form.check(product, [node.description for node in fields])
        nodes = tuple(self._encoding(node, identity, form) for node in fields)
        for node in (*fields, *nodes):
            self._coordinates.note(node)
        return Make(_digest(nodes, identity), (product,), nodes, form, self._coordinates, Lineage(nodes, identity))

    def _format(self, options: FormatOptions) -> tuple[str, Format]:
        """The format of some options and its identity, made once for equal ones."""
        known = self._identities.get(id(options))
        if known is not None:
            return known[1], self._formats[known[1]]
        form = make_format(options)
        identity = f"{options.type} {form.identity}"
        self._identities[id(options)] = options, identity
        return identity, self._formats.setdefault(identity, form)

    def _encoding(self, node: Node, identity: str, form: Format) -> Node:
        """The field as far as the format takes it by itself."""
        place = (identity, id(node))
        if place not in self._encoded:
            operation = form.encoding(node.description)
            self._encoded[place] = node if operation is None else self._nodes.make(operation, node, is_checked=True)
        return self._encoded[place]


def _digest(nodes: Sequence[Node], identity: str) -> str:
    parts = "\n".join((dtedask.__version__, identity, *(node.key for node in nodes)))
    return hashlib.sha256(parts.encode()).hexdigest()
