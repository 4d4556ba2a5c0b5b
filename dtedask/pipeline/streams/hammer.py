"""A made model run that hammers a plan, to see how many fields a second it takes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from threading import Barrier, BrokenBarrierError
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from dtedask.core.errors import PlanError
from dtedask.pipeline.streams.stream import Client, Stream

if TYPE_CHECKING:
    from dtedask.pipeline.plan import Plan
    from dtedask.pipeline.runs.summary import RunSummary

__all__ = ["Hammered", "MadeRun", "hammer"]

PARAMS = (129, 130, 131, 132, 133, 135, 138, 155, 203, 246, 247, 248)
_DIFFERENT = 8  # fields of random numbers, which are used again and again: making them is not what is measured
_DOMAIN = "made"


@dataclass(frozen=True)
class MadeRun:
    """A model run that is made up: the same numbers for the same seed.

    Parameters
    ----------
    clients : int
        Sources that write side by side, each from a thread of its own.
    members, levels, params, steps : int
        How many of each; steps are hourly from 1 on.
    shape : tuple of int
        Rows and columns of each field, a global regular grid.
    domains : {"none", "unstructured", "structured"}
        Whether each client writes its part of every field: points dealt out at random, or bands of rows with a halo
        of one row. Else each writes the whole fields of its members.
    dtype : {"float64", "float32"}
        What the model computes in.
    seed : int
        Of the random numbers.
    """

    clients: int = 1
    members: int = 1
    levels: int = 1
    params: int = 1
    steps: int = 24
    shape: tuple[int, int] = (181, 360)
    domains: Literal["none", "unstructured", "structured"] = "none"
    dtype: Literal["float64", "float32"] = "float64"
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("clients", "members", "levels", "params", "steps"):
            if getattr(self, name) < 1:
                raise PlanError(f"A made run needs at least one of {name}, not {getattr(self, name)}.")
        if min(self.shape) < 2:
            raise PlanError(f"A grid has at least 2 rows and columns, not {self.shape[0]}x{self.shape[1]}.")
        if self.params > len(PARAMS):
            raise PlanError(f"A made run has at most {len(PARAMS)} params, not {self.params}.")
        if self.domains != "none" and self.clients > self.shape[0]:
            raise PlanError(f"{self.clients} clients cannot share {self.shape[0]} rows.")

    @property
    def fields(self) -> int:
        """How many fields the run has in all."""
        return self.members * self.levels * self.params * self.steps

    @property
    def field_bytes(self) -> int:
        """Size of one of them, as the model has it."""
        return self.shape[0] * self.shape[1] * np.dtype(self.dtype).itemsize

    @cached_property
    def numbers(self) -> np.ndarray:
        """A few whole fields, of which those of the run are copies."""
        random = np.random.default_rng(self.seed)
        return random.standard_normal((_DIFFERENT, *self.shape)).astype(self.dtype)

    @cached_property
    def dealt(self) -> np.ndarray:
        """All points in random order, for unstructured domains."""
        return np.random.default_rng(self.seed + 1).permutation(self.shape[0] * self.shape[1])

    def whole(self, member: int, param: int, level: int, step: int) -> np.ndarray:
        """Return a field of the run."""
        found: np.ndarray = self.numbers[(member + 3 * param + 5 * level + 7 * step) % _DIFFERENT]
        return found

    def members_of(self, client: int) -> range:
        """Members that a client writes."""
        return range(self.members) if self.domains != "none" else range(client, self.members, self.clients)

    def definition(self, client: int) -> np.ndarray:
        """Describe the domain of a client, as MultIO does."""
        if self.domains == "unstructured":
            mine: np.ndarray = self.dealt[client :: self.clients]
            return mine
        (first, rows), (nj, ni) = self._band(client), self.shape
        return np.array([ni, nj, 0, ni, first, rows, 2, 0, ni, -1, rows + 2])

    def part(self, whole: np.ndarray, client: int) -> np.ndarray:
        """Return what a client holds of a field."""
        if self.domains == "none":
            return whole
        if self.domains == "unstructured":
            dealt: np.ndarray = whole.ravel()[self.definition(client)]
            return dealt
        first, rows = self._band(client)
        held: np.ndarray = np.take(whole, range(first - 1, first + rows + 1), axis=0, mode="clip")
        return held

    def _band(self, client: int) -> tuple[int, int]:
        first, last = (self.shape[0] * one // self.clients for one in (client, client + 1))
        return first, last - first


@dataclass(frozen=True, slots=True)
class Hammered:
    """How fast it went.

    Parameters
    ----------
    fields : int
        Whole fields that the model wrote.
    size_bytes : int
        Of them, as the model had them.
    seconds : float
        From the first field to the end of the last flush.
    summary : RunSummary
        What the plan did.
    """

    fields: int
    size_bytes: int
    seconds: float
    summary: RunSummary

    @property
    def fields_per_s(self) -> float:
        """Whole fields a second."""
        return self.fields / self.seconds

    @property
    def mb_per_s(self) -> float:
        """Million bytes a second."""
        return self.size_bytes / self.seconds / 1e6


def hammer(plan: Plan, run: MadeRun) -> Hammered:
    """Write a made run into a plan, from as many threads as it has clients, which go step by step together.

    Raises
    ------
    PlanError
        If fields come in parts and the plan has no `aggregate` in each pipeline.
    """
    _check_whole(plan, run)
    grid = _grid(run.shape)
    run.numbers, run.dealt  # noqa: B018 - made before the clock starts
    start = perf_counter()
    with (
        Stream(plan, grids={_DOMAIN: grid}, sources=run.clients) as stream,
        ThreadPoolExecutor(run.clients, "hammer") as pool,
    ):
        together = Barrier(run.clients)
        clients = [pool.submit(_write, stream.client(one), run, one, together) for one in range(run.clients)]
        _wait(clients)
    return Hammered(run.fields, run.fields * run.field_bytes, perf_counter() - start, stream.summary)


def _wait(clients: list[Future[None]]) -> None:
    """Wait for all; the error that counts is not that of those who waited for the one that failed."""
    errors = [error for error in (one.exception() for one in clients) if error is not None]
    for error in errors:
        if not isinstance(error, BrokenBarrierError):
            raise error


def _write(client: Client, run: MadeRun, number: int, together: Barrier) -> None:
    try:
        _write_steps(client, run, number, together)
    except BaseException:
        together.abort()
        raise


def _write_steps(client: Client, run: MadeRun, number: int, together: Barrier) -> None:
    place = {"grid": _DOMAIN}
    if run.domains != "none":
        place = {"domain": _DOMAIN}
        size = {"globalSize": run.shape[0] * run.shape[1], "domainCount": run.clients}
        client.write_domain({"name": _DOMAIN, "representation": run.domains, **size}, run.definition(number))
    for step in range(1, run.steps + 1):
        for keys, values in _fields(run, number, step):
            client.write_field({**keys, **place}, values)
        client.flush({"date": _KEYS["date"], "time": _KEYS["time"], "step": step})
        together.wait()


_KEYS: dict[str, Any] = {"class": "rd", "expver": "made", "levtype": "ml", "date": 20240601, "time": 0}


def _fields(run: MadeRun, client: int, step: int) -> Iterator[tuple[dict[str, Any], np.ndarray]]:
    kind = {"stream": "enfo", "type": "pf"} if run.members > 1 else {"stream": "oper", "type": "fc"}
    for member, param, level in itertools.product(run.members_of(client), range(run.params), range(run.levels)):
        number = {"number": member + 1} if run.members > 1 else {}
        keys = {**_KEYS, **kind, **number, "param": PARAMS[param], "levelist": level + 1, "step": step}
        yield keys, run.part(run.whole(member, param, level, step), client)


def _grid(shape: tuple[int, int]) -> Any:
    import xarray as xr

    import_module("dtedask.store.arrays")  # which the first field needs: before the clock starts

    latitude, longitude = np.linspace(90, -90, shape[0]), np.arange(shape[1]) * (360 / shape[1])
    coordinates = {"latitude": latitude, "longitude": longitude}
    return xr.DataArray(np.broadcast_to(np.float32(0), shape), coordinates, ("latitude", "longitude"))


def _check_whole(plan: Plan, run: MadeRun) -> None:
    for pipeline in plan.pipelines:
        types = [action.options.type for action in pipeline.actions]
        if run.domains != "none" and not pipeline.upstream and "aggregate" not in types:
            raise PlanError(
                f"The pipeline {pipeline.name!r} has no aggregate, and fields come in parts.",
                hint="Add {type: aggregate}, or take --domains none.",
            )
