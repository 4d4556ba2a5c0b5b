"""A plan on datasets: what its pipelines would write, as lazy datasets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
from dask._task_spec import Task, TaskRef
from dask.base import tokenize
from dask.highlevelgraph import HighLevelGraph

from dtedask.core.errors import FieldError, PlanError
from dtedask.pipeline.graph.collect import tasks_of
from dtedask.pipeline.graph.compute import Graph
from dtedask.pipeline.graph.datasets import messages_of_dataset
from dtedask.pipeline.graph.symbolic import results_of
from dtedask.pipeline.sinks.cube import described
from dtedask.pipeline.sources.order import with_flushes
from dtedask.store.unwritten import Unwritten, datasets_of

if TYPE_CHECKING:
    import xarray as xr

    from dtedask.pipeline.message import Message
    from dtedask.pipeline.plan import Plan

__all__ = ["apply"]


def apply(
    plan: Plan, data: xr.DataArray | xr.Dataset | xr.DataTree, keys: Mapping[str, Any]
) -> xr.Dataset | xr.DataTree:
    """See `Plan.apply`."""
    graph = Graph()
    fields = [message for one in _datasets(data) for message in messages_of_dataset(one, graph, **keys)]
    results = results_of(plan, with_flushes(fields), graph)
    found = {name: _datasets_of(messages, graph) for name, messages in results.items()}
    return _shaped(found)


def _datasets(data: xr.DataArray | xr.Dataset | xr.DataTree) -> Iterator[xr.DataArray | xr.Dataset]:
    import xarray as xr

    if isinstance(data, xr.DataTree):
        yield from (leaf.to_dataset() for leaf in data.leaves)
    else:
        yield data


def _shaped(found: Mapping[str, Mapping[str, xr.Dataset]]) -> xr.Dataset | xr.DataTree:
    """One dataset where there is one, else a tree: pipelines where there are several, below them cubes and groups."""
    import xarray as xr

    filled = {name: datasets for name, datasets in found.items() if datasets}
    if not filled:
        raise PlanError(
            "The plan gives nothing for these data.",
            hint="Windows that are not complete give nothing; `Plan.explain` says which fields a plan takes.",
        )
    if len(found) > 1:
        return xr.DataTree.from_dict(
            {
                (name if len(datasets) == 1 else f"{name}/{group}"): dataset
                for name, datasets in filled.items()
                for group, dataset in datasets.items()
            }
        )
    (datasets,) = filled.values()
    return next(iter(datasets.values())) if len(datasets) == 1 else xr.DataTree.from_dict(dict(datasets))


def _datasets_of(messages: Iterable[Message], graph: Graph) -> Mapping[str, xr.Dataset]:
    fields = [_unwritten(message, graph) for message in messages]
    tasks = tasks_of(field.value for field in fields)
    shared = f"plan-{tokenize(sorted(field.value.key for field in fields))}"
    return datasets_of(fields, _Arrays(graph, tasks, shared).array)


def _unwritten(message: Message, graph: Graph) -> Unwritten:
    if message.values is None:
        raise FieldError(f"The {message} has no values.")
    return Unwritten(described(message), graph.node(message.values), message.coordinates or {})


class _Arrays:
    """Makes the arrays of variables, which share one graph.

    Parameters
    ----------
    graph : Graph
        Where the nodes are from.
    tasks : mapping
        All tasks.
    shared : str
        Name of the layer that they are.
    """

    def __init__(self, graph: Graph, tasks: Mapping[Any, Any], shared: str) -> None:
        self._shared = shared
        self._layers: dict[str, Any] = {shared: dict(tasks)}
        self._dependencies: dict[str, set[str]] = {shared: {one.name for one in graph.arrays}}
        for one in graph.arrays:
            self._layers |= one.dask.layers
            self._dependencies |= {name: set(found) for name, found in one.dask.dependencies.items()}

    def array(self, name: str, shape: tuple[int, ...], fields: Mapping[tuple[int, ...], Unwritten]) -> da.Array:
        """The values of a variable: one block a field."""
        grid = next(iter(fields.values())).description.grid.shape
        leading, zeros = shape[: len(shape) - len(grid)], (0,) * len(grid)
        token = tokenize(shape, sorted((place, field.value.key) for place, field in fields.items()))
        own, block = f"{name}-{token}", (*(1 for _ in leading), *grid)
        layer: dict[Any, Any] = {}
        for place in np.ndindex(leading):
            key, known = (own, *place, *zeros), fields.get(place)
            what = (np.full, block, np.nan) if known is None else (as_block, TaskRef(known.value.key), block)
            layer[key] = Task(key, *what)
        graph = HighLevelGraph({**self._layers, own: layer}, {**self._dependencies, own: {self._shared}})
        chunks = (*((1,) * size for size in leading), *((size,) for size in grid))
        return da.Array(graph, own, chunks, dtype=np.float64)


def as_block(values: Any, shape: tuple[int, ...]) -> np.ndarray:
    """A field as a block of its variable."""
    return np.asarray(values, dtype=np.float64).reshape(shape)
