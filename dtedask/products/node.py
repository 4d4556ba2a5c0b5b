"""A value on the way to products: an operation and what goes into it. Equal values are one node."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dtedask.products.operation import Operation

if TYPE_CHECKING:
    from dtedask.grib import FieldDescription

__all__ = ["Node", "Nodes", "inputs_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One value: compared by identity, since `Nodes` makes equal ones once.

    Parameters
    ----------
    operation : Operation
        What makes it. Of a field that is read, `dtedask.products.planning.Read`.
    inputs : tuple of Node
        What the operation takes.
    """

    operation: Operation
    inputs: tuple[Node, ...]
    _key: list[str] = field(default_factory=list, repr=False)
    _description: list[FieldDescription] = field(default_factory=list, repr=False)

    @property
    def description(self) -> FieldDescription:
        """What it is; raises as the operation's `describe`."""
        if not self._description:
            self._description.append(self.operation.describe(*(node.description for node in self.inputs)))
        return self._description[0]

    @property
    def key(self) -> str:
        """Name of its task: the operation's, and a digest of all that the value depends on."""
        if not self._key:
            parts = "\n".join((self.operation.identity, *(node.key for node in self.inputs)))
            self._key.append(f"{self.operation.name}-{hashlib.sha256(parts.encode()).hexdigest()[:32]}")
        return self._key[0]

    @property
    def size(self) -> int:
        """Number of points."""
        return self.description.grid.size

    def __dask_tokenize__(self) -> str:
        return self.key


class Nodes:
    """Makes nodes; the same operation on the same inputs gives the same node."""

    def __init__(self) -> None:
        self._known: dict[tuple[Operation, tuple[int, ...]], Node] = {}
        self.asked = 0
        """How many nodes were asked for: what there would be if nothing was shared."""

    def make(
        self,
        operation: Operation,
        *inputs: Node,
        is_checked: bool = False,
        described: FieldDescription | None = None,
    ) -> Node:
        """Return the node of an operation on some inputs.

        Parameters
        ----------
        operation : Operation
            What is done.
        *inputs : Node
            To what.
        is_checked : bool
            Whether the operation can be done with them for sure, so that what comes out is made out later.
        described : FieldDescription, optional
            What comes out, where that is known already.

        Raises
        ------
        DtedaskError
            If the operation cannot be done with them.
        """
        self.asked += 1
        place = (operation, tuple(map(id, inputs)))
        known = self._known.get(place)
        if known is None:
            known = Node(operation, inputs, _description=[] if described is None else [described])
            if not is_checked:
                _ = known.description  # what cannot be done is an error now
            self._known[place] = known
        return known

    def __iter__(self) -> Iterator[Node]:
        return iter(self._known.values())

    def __len__(self) -> int:
        return len(self._known)


def inputs_of(nodes: Iterable[Node]) -> list[Node]:
    """All nodes behind some, themselves included, each once: what goes in comes before what is made of it."""
    found: dict[int, Node] = {}
    waiting = [(node, False) for node in reversed(list(nodes))]
    while waiting:
        node, is_ready = waiting.pop()
        if id(node) in found:
            continue
        if is_ready:
            found[id(node)] = node
        else:
            waiting.append((node, True))
            waiting += [(one, False) for one in reversed(node.inputs) if id(one) not in found]
    return list(found.values())
