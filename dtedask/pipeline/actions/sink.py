"""The action `sink`: fields leave the pipeline, to one or several sinks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dtedask.pipeline.action import Action, ActionOptions
from dtedask.pipeline.message import Kind, Message
from dtedask.pipeline.sink import AnySink, Sink, make_sink

if TYPE_CHECKING:
    from dtedask.pipeline.compute import Compute


class SinkActionOptions(ActionOptions):
    """Where to."""

    sinks: tuple[AnySink, ...]
    """The sinks, each with its type; a field goes to all of them."""


class SinkAction(Action):
    """Gives fields to sinks; a flush is handed on as a notice once all of them have acknowledged."""

    Options = SinkActionOptions

    def start(self) -> list[Sink]:
        """Return the sinks."""
        return [make_sink(options, self.context) for options in self.options.sinks]

    def handle(self, message: Message, state: list[Sink], compute: Compute) -> Iterable[Message]:  # noqa: ARG002
        """See `Action`."""
        if message.is_field:
            for sink in state:
                sink.take(message)
            return
        if message.kind is Kind.FLUSH:
            written = [one for sink in state for one in sink.flush(message)]
            if written:
                yield Message(Kind.NOTICE, {**message.keys, "pipeline": self.context.pipeline}, tuple(written))
        yield message

    def close(self, state: list[Sink]) -> None:
        """See `Action`."""
        for sink in state:
            sink.close()
