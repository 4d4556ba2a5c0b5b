"""Time series while a recipe runs: of each run, once it is complete."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, field_validator

if TYPE_CHECKING:
    from distributed import Client

    from dtedask.recipe.document import Recipe
    from dtedask.store import Rechunk


class TimeSeries(BaseModel):
    """Of which runs time series are made, and when a run is complete."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    request: dict[str, Any] = {}
    """Fields that get time series; all by default."""
    steps: str | list[int | str] | None = None
    """Steps that a complete run has, such as `0/to/240/by/6`; by default all that another of its time of day has."""
    memory: str = "1GB"
    """What a process may take."""

    @field_validator("steps")
    @classmethod
    def _are_steps(cls, value: str | list[int | str] | None) -> str | list[int | str] | None:
        if value is not None:
            from dtedask.request import Request

            Request.parse({"step": value})
        return value

    @field_validator("memory")
    @classmethod
    def _is_a_size(cls, value: str) -> str:
        from dask.utils import parse_bytes

        parse_bytes(value)
        return value

    @property
    def whole_request(self) -> dict[str, Any]:
        """What `Store.rechunk` is asked for."""
        return self.request if self.steps is None else {**self.request, "step": self.steps}

    def __str__(self) -> str:
        runs = f"runs with the steps {self.steps}" if self.steps is not None else "complete runs"
        return f"of {runs}" + (f" of {self.request}" if self.request else "")


@contextmanager
def making_series(recipe: Recipe, client: Client | None) -> Iterator[list[Rechunk]]:
    """Make time series in the background, and at the end of what was committed until then.

    Yields
    ------
    list of Rechunk
        What was made; complete after the end.
    """
    made: list[Rechunk] = []
    if recipe.series is None:
        yield made
        return
    stop, errors = threading.Event(), []

    def work() -> None:
        try:
            _keep_up(recipe, client, stop, made)
        except Exception as error:  # noqa: BLE001 - raised where the recipe ends
            errors.append(error)

    thread = threading.Thread(target=copy_context().run, args=(work,), name="time-series")
    thread.start()
    try:
        yield made
    finally:
        stop.set()
        thread.join()
    if errors:
        raise errors[0]


def _keep_up(recipe: Recipe, client: Client | None, stop: threading.Event, made: list[Rechunk]) -> None:
    from dtedask.store import Execution
    from dtedask.store import open as open_store
    from dtedask.store.series.follow import keep_up

    assert recipe.series is not None
    options: dict[str, Any] = {"memory": recipe.series.memory, "execution": Execution(client=client)}
    store = open_store(recipe.root, schema=recipe.store_schema)
    made.extend(keep_up(store, recipe.series.whole_request, stop=stop, **options))
