"""The trigger `dask`: work on the data of an event, on a cluster."""

from __future__ import annotations

import logging
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from dtedask.core.errors import TriggerError
from dtedask.core.registry import Registry
from dtedask.notify.triggers.base import BaseTrigger, News
from dtedask.notify.triggers.function import NamedFunction, find_function
from dtedask.notify.triggers.news import event_of

if TYPE_CHECKING:
    from distributed import Client

    from dtedask.notify.event import Event

__all__ = ["DaskTrigger"]

logger = logging.getLogger(__name__)

_WORK = Registry(
    "work on data",
    "dtedask.trigger_work",
    {"plan": "dtedask.pipeline.on_event:apply_plan", "recipe": "dtedask.recipe.on_event:apply_recipe"},
    error=TriggerError,
)
_CONNECT_S = 10.0
_starting = threading.Lock()  # profiles set what all threads of the process see while their cluster runs


class DaskTrigger(BaseTrigger):
    """Work on the data of a commit, on a cluster; it succeeds when the work is done.

    The data are opened lazily, as they were at the commit, by the worker that works on them.
    """

    time_limit_s: ClassVar[float | None] = 3600.0

    type: Literal["dask"] = "dask"
    function: NamedFunction | None = None
    """`module:name`, or `file.py:name` with the file relative to the document: called with the data, a lazy xarray
    Dataset, and the event. What it returns is computed if it is lazy."""
    plan: str | None = None
    """File of a plan, relative to the document, that is applied to the data."""
    recipe: str | None = None
    """File of a recipe, relative to the document, whose `pipeline` is applied to the data."""
    output: str | None = None
    """Root that gets what the plan makes."""
    cluster: str | None = None
    """Kept cluster, or profile, to work on; by default the client of this process, or the setting `cluster`."""
    address: str | None = Field(default=None, pattern=r"^[a-z]+://.+")
    """Scheduler to work with, `tcp://host:8786`."""

    @field_validator("function")
    @classmethod
    def _can_be_called(cls, function: Any, info: ValidationInfo) -> Any:
        return None if function is None else find_function(function, info)

    @field_validator("plan", "recipe", "output")
    @classmethod
    def _is_relative_to_the_document(cls, text: str | None, info: ValidationInfo) -> str | None:
        path = (info.context or {}).get("path")
        if text is None or "://" in text or path is None:
            return text
        return str(Path(path).expanduser().absolute().parent / Path(text).expanduser())

    @model_validator(mode="after")
    def _says_one_work_and_one_place(self) -> DaskTrigger:
        given = [name for name in ("function", "plan", "recipe") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("it needs one of 'function', 'plan' and 'recipe'.")
        if (self.plan is not None) is not (self.output is not None):
            raise ValueError("'plan' and 'output' belong together: a plan makes fields, which go to a root.")
        if self.cluster is not None and self.address is not None:
            raise ValueError("'cluster' and 'address' both name a cluster; keep one of them.")
        return self

    def run(self, news: News) -> None:
        """Do the work and wait for it."""
        event = event_of(news)
        if event is None:
            raise TriggerError(
                f"{news.id} tells of no commit, so there are no data to work on.",
                hint="Listen to an event type of cubes, such as data.",
                is_lasting=True,
            )
        work = self._work()
        try:
            with self._client() as client:
                said = _in_threads(work, event, self.limit_s) if client is None else self._submit(client, work, event)
        except TimeoutError as error:
            raise TriggerError(
                f"the work on {event.id} was not done within {self.limit_s:g} s.",
                hint="`timeout` sets the time it may take.",
            ) from error
        logger.info("Work on %s: %s", event.id, said)

    def _work(self) -> Callable[[Event], str]:
        if self.plan is not None:
            return partial(_WORK.load("plan"), self.plan, self.output)
        if self.recipe is not None:
            return partial(_WORK.load("recipe"), self.recipe)
        return partial(_call, _pickled(self.function))

    def _submit(self, client: Client, work: Callable[[Event], str], event: Event) -> str:
        future = client.submit(work, event, key=f"trigger-{event.id}-{uuid.uuid4().hex[:8]}", pure=False)
        try:
            said: str = future.result(timeout=self.limit_s)
        except TimeoutError:
            if future.status == "error":  # it was the work itself that waited in vain
                raise TriggerError(f"the work on {event.id} failed: {future.exception()!r}.") from None
            future.cancel(force=True)
            raise
        return said

    @contextmanager
    def _client(self) -> Iterator[Client | None]:
        """Connect to where the work is done; None for threads of this process."""
        if self.address is not None:
            from distributed import Client

            try:
                client = Client(self.address, set_as_default=False, timeout=_CONNECT_S)
            except (OSError, TimeoutError) as error:
                raise TriggerError(
                    f"the cluster {self.address!r} cannot be reached: {error or type(error).__name__}.",
                    hint="Check the address of its scheduler.",
                ) from error
            with client:
                yield client
            return
        current = _current() if self.cluster is None else None
        if current is not None:
            yield current
            return
        from dtedask.cluster import client_for

        with _starting, client_for(self.cluster) as started:
            yield started


def _call(function: bytes, event: Event) -> str:
    """Call a pickled function with data and event, and compute what it returns; gives a short text of it."""
    import pickle

    from dask.base import compute, is_dask_collection

    found = pickle.loads(function)(event.open(), event)
    if is_dask_collection(found):
        (found,) = compute(found)
    return repr(found)[:200]


def _pickled(function: object) -> bytes:
    """Pickle a function; with its text where its module is a file that workers may not have."""
    import cloudpickle

    module = sys.modules.get(getattr(function, "__module__", ""))
    if module is not None and module.__name__.startswith("_dtedask_listener_"):
        cloudpickle.register_pickle_by_value(module)
    found: bytes = cloudpickle.dumps(function)
    return found


def _current() -> Client | None:
    """Client that this process works with already."""
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return None
    with suppress(ValueError):
        found: Client = distributed.get_client(timeout=1)
        return found
    return None


def _in_threads(work: Callable[[Event], str], event: Event, limit_s: float | None) -> str:
    """Work in this process; what takes too long goes on and is not waited for."""
    results: list[str] = []
    errors: list[BaseException] = []

    def do() -> None:
        try:
            results.append(work(event))
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            errors.append(error)

    thread = threading.Thread(target=do, name=f"trigger-{event.id}", daemon=True)
    thread.start()
    thread.join(limit_s)
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError
    return results[0]
