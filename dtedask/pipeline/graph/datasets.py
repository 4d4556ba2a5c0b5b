"""The fields of datasets as messages whose values are nodes of a graph."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from dask._task_spec import Task, TaskRef
from dask.base import tokenize

from dtedask.pipeline.graph.node import IsOwn, Node
from dtedask.pipeline.message import Message
from dtedask.store.arrays import arrays_of, grib_attributes, parts_of_array
from dtedask.store.presence import fields_present

if TYPE_CHECKING:
    import xarray as xr

    from dtedask.grib import FieldDescription
    from dtedask.pipeline.graph.compute import Graph
    from dtedask.store.arrays import ArrayPart

__all__ = ["messages_of_dataset"]


class Block(Node):
    """A field in a block of a Dask array.

    Parameters
    ----------
    key : str
        Name of the task.
    block : tuple
        Key of the block.
    place : tuple of int
        Where in it the field is.
    """

    __slots__ = ("_block", "_place")

    def __init__(self, key: str, block: tuple[Any, ...], place: tuple[int, ...]) -> None:
        super().__init__(key)
        self._block, self._place = block, place

    def task(self, is_own: IsOwn = lambda _: False) -> Task:  # noqa: ARG002 - it needs no node
        """See `Node`."""
        return Task(self.key, field_in, TaskRef(self._block), self._place)


def messages_of_dataset(data: xr.DataArray | xr.Dataset, graph: Graph, **keys: Any) -> Iterator[Message]:
    """Give the fields of a dataset, none of them read; those that a store knows not to exist are left out.

    Parameters
    ----------
    data : DataArray or Dataset
        As `Store.retrieve` or the xarray engine gives it; with Dask chunks or without.
    graph : Graph
        Makes the nodes.
    **keys
        MARS keys that the data does not say itself.
    """
    for array in arrays_of(data):
        yield from _messages(array, graph, keys)


def _messages(array: xr.DataArray, graph: Graph, keys: dict[str, Any]) -> Iterator[Message]:
    present = fields_present(array.variable)
    nodes: _Nodes | None = None
    for part in parts_of_array(array, keys):
        place = tuple(part.place.values())
        if present is not None and not present[place]:
            continue
        nodes = nodes or _Nodes(graph, part)
        origin = f"{array.name}[{', '.join(f'{name}={index}' for name, index in part.place.items())}]"
        yield Message.of_field(_described(part), nodes.at(place), coordinates=part.coordinates, origin=origin)


def _described(part: ArrayPart) -> FieldDescription:
    attributes = part.whole.attrs
    edition = int(attributes.get("GRIB_edition", part.description.edition))
    return replace(part.description, edition=edition, attributes=grib_attributes(attributes))


class _Nodes:
    """Makes the nodes of the fields of one array."""

    def __init__(self, graph: Graph, part: ArrayPart) -> None:
        self._graph, self._name = graph, str(part.whole.name or "field")
        self._leading = len(part.place)
        variable = part.whole.variable
        self._variable = variable
        self._chunks: list[list[tuple[int, int]]] | None = None
        if variable.chunks is not None:
            whole = dict.fromkeys(variable.dims[self._leading :], -1)
            self._data = variable.chunk(whole).data
            graph.depends_on(self._data)
            self._chunks = [_blocks(sizes) for sizes in self._data.chunks[: self._leading]]
            self._token = self._data.name
        else:
            self._token = tokenize(getattr(variable, "_data", variable))

    def at(self, place: tuple[int, ...]) -> Node:
        """The node of a field."""
        token = tokenize(self._token, place)
        if self._chunks is None:
            return self._graph.source(f"read-{self._name}", field_of, self._variable[place], token=token)
        blocks = [sizes[index] for sizes, index in zip(self._chunks, place, strict=True)]
        grid = (0,) * (self._data.ndim - self._leading)
        key = (self._data.name, *(block for block, _ in blocks), *grid)
        return self._graph.add(Block(f"read-{self._name}-{token}", key, tuple(offset for _, offset in blocks)))


def _blocks(sizes: tuple[int, ...]) -> list[tuple[int, int]]:
    """Block, and place in it, of each index along a dimension."""
    return list(itertools.chain.from_iterable([(n, k) for k in range(size)] for n, size in enumerate(sizes)))


def field_of(variable: xr.Variable) -> np.ndarray:
    """Read a field."""
    return np.asarray(variable.to_numpy(), dtype=np.float64)


def field_in(block: Any, place: tuple[int, ...]) -> np.ndarray:
    """Take a field out of a block."""
    return np.asarray(block[place], dtype=np.float64)
