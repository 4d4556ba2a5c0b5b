"""The action `sink`: fields leave the pipeline, to one or several sinks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

from dtedask.core.errors import DtedaskError, SinkError
from dtedask.pipeline.action import Action, ActionOptions, Context, Saved
from dtedask.pipeline.message import Kind, Message
from dtedask.pipeline.sink import AnySink, Sink, SinkOptions, make_sink
from dtedask.pipeline.sinks.manifest import Manifest, Written, flush_keys

if TYPE_CHECKING:
    from dtedask.pipeline.compute import Compute


class SinkActionOptions(ActionOptions):
    """Where to."""

    sinks: tuple[AnySink, ...]
    """The sinks, each with its type; a field goes to all of them."""
    report: bool = True
    """MultIO's: whether statistics are written into a log file. Accepted; ours stand in the status of the plan."""


@dataclass(slots=True)
class Sinks:
    """The sinks of an action, and how far they are with what not all of them have done yet.

    Parameters
    ----------
    sinks : mapping of str to Sink
        By name, such as ``0:cube``.
    """

    sinks: Mapping[str, Sink]
    _taking: Message | None = None
    _took: set[str] = field(default_factory=set)
    _acknowledged: dict[str, list[Written]] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)

    def take(self, message: Message) -> None:
        """Give a field to all sinks; given again after one of them failed, only that one is asked."""
        if self._taking is not message:
            self._taking, self._took = message, set()

        def take(name: str, sink: Sink) -> None:
            if name not in self._took:
                sink.take(message)
                self._took.add(name)

        self._each(take)
        self._taking = None

    def flush(self, message: Message, context: Context) -> Manifest:
        """Flush all sinks, and then tell those that want to hear of it; after an error, called again, what is left."""

        def flush(name: str, sink: Sink) -> None:
            written = [replace(one, sink=name) for one in sink.flush(message)]
            self._acknowledged.setdefault(name, []).extend(written)

        self._each(flush)
        written = tuple(one for name in self.sinks for one in self._acknowledged.get(name, ()))
        manifest = Manifest(context.pipeline, context.position, context.plan_hash, flush_keys(message.keys), written)

        def announce(name: str, sink: Sink) -> None:
            if name not in self._told:
                sink.announce(manifest)
                self._told.add(name)

        if written:
            self._each(announce)
        self._acknowledged.clear()
        self._told.clear()
        return manifest

    def _each(self, call: Callable[[str, Sink], None]) -> None:
        failures: dict[str, Exception] = {}
        for name, sink in self.sinks.items():
            try:
                call(name, sink)
            except Exception as error:  # noqa: BLE001 - whoever wrote the sink; the others are to have their turn
                failures[name] = error
        if failures:
            raise _failure(failures) from next(iter(failures.values()))


class SinkAction(Action):
    """Gives fields to sinks; a flush is handed on behind a notice once all of them have acknowledged.

    There is one notice for each flush with which something was written that did not stand there before.
    """

    Options: ClassVar[type[ActionOptions]] = SinkActionOptions
    takes_arrays: ClassVar[bool] = True
    on_archive = "end"

    def start(self) -> Sinks:
        """Return the sinks."""
        return Sinks({f"{place}:{one.type}": make_sink(one, self.context) for place, one in enumerate(self._sinks())})

    def handle(self, message: Message, state: Sinks, compute: Compute) -> Iterable[Message]:  # noqa: ARG002
        """See `Action`."""
        if message.is_field:
            state.take(message)
            return
        if message.kind is Kind.FLUSH:
            manifest = state.flush(message, self.context)
            if manifest.new:
                yield Message(Kind.NOTICE, {**message.keys, "pipeline": self.context.pipeline}, manifest)
        yield message

    def save(self, state: Sinks) -> Saved:
        """See `Action`."""
        return Saved({name: sink.save() for name, sink in state.sinks.items()})

    def load(self, saved: Saved) -> Sinks:
        """See `Action`."""
        state = self.start()
        for name, sink in state.sinks.items():
            sink.load(saved.document.get(name, {}))
        return state

    def close(self, state: Sinks) -> None:
        """See `Action`."""
        for sink in state.sinks.values():
            sink.close()

    def explain(self) -> str:
        """See `Action`."""
        return "; ".join(one.explain() for one in self._sinks())

    def _sinks(self) -> tuple[SinkOptions, ...]:
        found: tuple[SinkOptions, ...] = self.options.sinks
        return found


def _failure(failures: Mapping[str, Exception]) -> DtedaskError:
    """One failure keeps its class, so that who calls can tell it from others."""
    if len(failures) == 1:
        ((name, error),) = failures.items()
        if isinstance(error, DtedaskError):
            return type(error)(f"Sink {name}: {error.message}", hint=error.hint)
    said = "; ".join(f"{name}: {error}" for name, error in failures.items())
    return SinkError(
        f"{'A sink' if len(failures) == 1 else f'{len(failures)} sinks'} failed: {said}",
        hint="The other sinks have done their part; the same flush again does what is left.",
    )
