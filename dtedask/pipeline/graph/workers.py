"""Where the graph of a plan is computed: threads of this process, or the workers of a client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import dask
from dask.delayed import Delayed
from dask.highlevelgraph import HighLevelGraph
from dask.optimization import cull

from dtedask.core.cores import cores

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["Computed", "Runner", "runner_for"]

_PART_OF_MEMORY = 0.7  # the rest is for libraries, and for results that wait to be fetched


@dataclass(frozen=True, slots=True)
class Computed:
    """What a graph gave.

    Parameters
    ----------
    values : mapping
        What was wanted here, by name; empty where something failed.
    states : mapping
        What is kept for later: values, or futures of workers.
    error : Exception, optional
        Why it failed.
    """

    values: Mapping[str, Any]
    states: Mapping[str, Any]
    error: Exception | None


class Runner(Protocol):
    """Computes graphs."""

    @property
    def memory_bytes(self) -> int | None:
        """What each thread may take; None where that is not known."""

    def compute(
        self, graph: Mapping[Any, Any], values: Sequence[str], states: Sequence[str], *, again: bool = False
    ) -> Computed:
        """Compute what is wanted and what is kept.

        Parameters
        ----------
        graph : mapping
            Tasks by their names.
        values, states : sequence of str
            What is wanted here, and what is kept where it is.
        again : bool
            Whether a failure is raised; else it is what comes back.
        """


def runner_for(client: Client | None, threads: int | None = None) -> Runner:
    """Where to compute: on the workers of a client, or in threads of this process."""
    return Threads(threads or cores()) if client is None else Workers(client)


class Threads:
    """Threads of this process.

    Parameters
    ----------
    count : int
        How many.
    """

    def __init__(self, count: int) -> None:
        self._count = count

    @property
    def memory_bytes(self) -> int | None:
        """See `Runner`."""
        available = int(_available_bytes())
        return None if not available else int(available * _PART_OF_MEMORY) // self._count

    def compute(
        self, graph: Mapping[Any, Any], values: Sequence[str], states: Sequence[str], *, again: bool = False
    ) -> Computed:
        """See `Runner`."""
        keys = [*values, *states]
        needed, _ = cull(graph, keys)
        try:
            found = dict(zip(keys, dask.threaded.get(needed, keys, num_workers=self._count), strict=True))
        except Exception as error:
            if again:
                raise
            return Computed({}, {}, error)
        return Computed({key: found[key] for key in values}, {key: found[key] for key in states}, None)


class Workers:
    """The workers of a client; states stay on them.

    Parameters
    ----------
    client : distributed.Client
        Their client.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def memory_bytes(self) -> int | None:
        """See `Runner`."""
        from dtedask.store.runners import Workers as StoreWorkers

        room = StoreWorkers(self._client).room()
        if room.memory_bytes is None:
            return None
        return int(room.memory_bytes * _PART_OF_MEMORY) * room.places // room.threads

    def compute(
        self, graph: Mapping[Any, Any], values: Sequence[str], states: Sequence[str], *, again: bool = False
    ) -> Computed:
        """See `Runner`."""
        layer = HighLevelGraph.from_collections("plan", dict(graph))
        lazy = {key: Delayed(key, layer, layer="plan") for key in (*values, *states)}
        futures = dict(zip(lazy, self._client.compute(list(lazy.values()), optimize_graph=False), strict=True))
        try:
            found = self._client.gather({key: futures[key] for key in values})
        except Exception as error:
            if again:
                raise
            return Computed({}, {}, error)
        return Computed(found, {key: futures[key] for key in states}, None)


def _available_bytes() -> float:
    """Memory that this machine can give now; 0 where it does not say."""
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:  # noqa: PTH123 - a file of the system
            found = dict(line.split(":", 1) for line in lines)
        return float(found["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return 0.0
