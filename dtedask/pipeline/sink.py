"""What a sink is: where fields leave a pipeline."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import field_validator

from dtedask.core.by_type import ByType
from dtedask.core.errors import DocumentError
from dtedask.core.registry import Registry
from dtedask.pipeline.action import ActionOptions, Context
from dtedask.pipeline.sinks.manifest import Manifest, Written

if TYPE_CHECKING:
    from dtedask.pipeline.message import Message

__all__ = [
    "ENTRY_POINTS",
    "AnySink",
    "Manifest",
    "Sink",
    "SinkOptions",
    "Written",
    "make_sink",
    "sink_class",
    "sink_types",
]

ENTRY_POINTS = "dtedask.sinks"
_OWN = {
    "cube": "dtedask.pipeline.sinks.cube:CubeSink",
    "fdb5": "dtedask.pipeline.sinks.fdb:FdbSink",
    "file": "dtedask.pipeline.sinks.file:FileSink",
    "memory": "dtedask.pipeline.sinks.memory:MemorySink",
    "netcdf": "dtedask.pipeline.sinks.netcdf:NetcdfSink",
    "notification": "dtedask.pipeline.sinks.notification:NotificationSink",
    "zarr": "dtedask.pipeline.sinks.zarr:ZarrSink",
}
_OLDER = {"debug-sink": "memory"}


class SinkOptions(ActionOptions):
    """What stands under a sink in a plan, its type included; unknown keys are refused."""

    @field_validator("on_error")
    @classmethod
    def _of_the_action(cls, value: Any) -> Any:
        if value is not None:
            raise DocumentError("A sink has no on-error.", hint="Write it under the action 'sink'.")
        return value

    def explain(self) -> str:
        """Say in a line what becomes of fields."""
        document = self.model_dump(exclude={"type"}, exclude_defaults=True, by_alias=True)
        said = ", ".join(f"{key}: {value}" for key, value in document.items())
        return self.type + (f" ({said})" if said else "")


class Sink(ABC):
    """Where fields go. It is opened by the first field, and told of every flush.

    Nothing that `take` was given is visible to others before `flush`, and what `flush` returned survives the end of
    the process, however it ends.

    Parameters
    ----------
    options : SinkOptions
        What the plan says, an object of the class's `Options`.
    context : Context
        Where the sink stands.
    """

    Options: ClassVar[type[SinkOptions]] = SinkOptions

    def __init__(self, options: Any, context: Context) -> None:
        self.options = options
        self.context = context

    @abstractmethod
    def take(self, message: Message) -> None:
        """Take a field, whose values are an array by now, or whose `data` is an encoded message."""

    @abstractmethod
    def flush(self, message: Message) -> Iterable[Written]:
        """Make durable what was taken, and return all of it: the sink acknowledges it.

        Called again after an error it must do what is left, and must not write anything twice. What stands there
        already is returned with `is_new` False.
        """

    def announce(self, manifest: Manifest) -> None:  # noqa: B027 - most of them tell nobody
        """Hear that all sinks beside this one have acknowledged a flush; called again after an error."""

    def save(self) -> dict[str, Any]:
        """Return what a run that goes on after a restart must know, as JSON can hold it; called after a flush."""
        return {}

    def load(self, saved: dict[str, Any]) -> None:  # noqa: B027 - most of them look at what is there
        """Go on where `save` was called, in another process; called before the first field."""

    def close(self) -> None:  # noqa: B027 - some of them hold nothing
        """Let go of what is open. What was not flushed is not written."""


_SINKS = Registry("sink", ENTRY_POINTS, _OWN)


def sink_types() -> dict[str, str]:
    """Names of all sinks, ours and those of installed packages, and where each is."""
    return _SINKS.places()


def sink_class(name: str) -> type[Sink]:
    """Find the class of a sink.

    Raises
    ------
    DocumentError
        If there is none of this name.
    """
    found: type[Sink] = _SINKS.load(name)
    return found


def sink_type(name: str) -> str:
    """Return the type that is meant by a name in a plan: pymultio writes `debug-sink` for what keeps fields."""
    lower = name.lower()
    return _OLDER.get(lower, lower if lower in sink_types() else name)


AnySink = Annotated[SinkOptions, ByType("sink", sink_types, lambda name: sink_class(name).Options, sink_type)]
"""A sink in a document: what stands there is checked by the options of its type."""


def make_sink(options: SinkOptions, context: Context) -> Sink:
    """Make a sink of what a plan says."""
    return sink_class(options.type)(options, context)
