"""From what products need to nodes: every value that several of them share is one node."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import dtedask
from dtedask.core.errors import DtedaskError, ProductError
from dtedask.products.format import Format, FormatOptions, make_format
from dtedask.products.node import Nodes
from dtedask.products.planning.coordinates import Coordinates
from dtedask.products.planning.make import Make
from dtedask.products.requirement import PostProcessing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dtedask.products.node import Node
    from dtedask.products.planning.needs import Need
    from dtedask.products.product import Product

__all__ = ["Building"]

_AS_IT_IS = PostProcessing()


class Building:
    """Makes the nodes of products; what was made for one of them is there for the others.

    Parameters
    ----------
    nodes : Nodes
        Makes the nodes.
    """

    def __init__(self, nodes: Nodes) -> None:
        self.nodes = nodes
        self._coordinates = Coordinates()
        self._formats: dict[str, Format] = {}
        self._identities: dict[int, tuple[FormatOptions, str]] = {}
        self._encoded: dict[tuple[str, int], Node] = {}

    def make(self, product: Product, needs: Sequence[Need]) -> Make:
        """What is made of a product, all inputs of which exist.

        Raises
        ------
        DtedaskError
            If it cannot be made so, or its format cannot hold it.
        """
        identity, form = self._format(product.requirement.format)
        made = [self._field(need, product.requirement.how) for need in needs]
        form.check(product, [node.description for node in made])
        nodes = tuple(self._encoding(node, identity, form) for node in made)
        for node in made:
            self._coordinates.note(node)
        return Make(_digest(nodes, identity), (product,), nodes, form, self._coordinates)

    def _field(self, need: Need, how: PostProcessing) -> Node:
        if need.available is None:
            raise ProductError(f"There is no field {need.keys}.")
        node = self.nodes.make(need.available.read)
        if how != _AS_IT_IS:
            raise ProductError("Fields cannot be post-processed.")
        return node

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
            self._encoded[place] = node if operation is None else self.nodes.make(operation, node)
        return self._encoded[place]


def _digest(nodes: Sequence[Node], identity: str) -> str:
    parts = "\n".join((dtedask.__version__, identity, *(node.key for node in nodes)))
    return hashlib.sha256(parts.encode()).hexdigest()


def named(error: Exception) -> DtedaskError:
    """An error as one of ours."""
    if isinstance(error, DtedaskError):
        return error
    return ProductError(f"{type(error).__name__}: {error}", hint="This is an error of dtedask or of a plug-in.")
