"""The action `print`: show what passes."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from dtedask.pipeline.action import Action, ActionOptions, Saved
from dtedask.pipeline.message import Kind
from dtedask.request import is_key

if TYPE_CHECKING:
    from dtedask.pipeline.compute import Compute
    from dtedask.pipeline.message import Message

_log = logging.getLogger(__name__)


class PrintOptions(ActionOptions):
    """Values are not shown."""

    type: Literal["print"] = "print"
    """What the action does."""
    stream: Literal["info", "error", "debug", "mars", "cout", "cerr", "stdout", "stderr"] = "info"
    """Where lines go: ``info``, ``cout`` and ``stdout`` to standard output, ``error``, ``cerr`` and ``stderr`` to
    standard error, ``debug`` to the log. ``mars`` numbers the fields of a step and shows their MARS keys alone."""
    prefix: str = ""
    """What each line begins with, before a colon."""
    only_fields: bool = Field(default=False, alias="only-fields")
    """Leave out flushes and other messages that are no fields."""


@dataclass(slots=True)
class Count:
    """How many fields were shown since the last flush, for the stream ``mars``."""

    fields: int = 0


class Print(Action):
    """Writes a line for each message and hands it on.

    Lines come in the order of the stream, when the message is handed on: they show what its keys say, and never wait
    for values. In an archive's graph, which has no order, nothing is shown.
    """

    Options = PrintOptions
    on_archive = "pass"

    def start(self) -> Count:
        """See `Action`."""
        return Count()

    def handle(self, message: Message, state: Count, compute: Compute) -> Iterable[Message]:  # noqa: ARG002
        """See `Action`."""
        if self.options.stream == "mars":
            line = _mars(message, state)
        else:
            line = f"{self.options.prefix}: {message}" if self.options.prefix else str(message)
        if line and (message.is_field or not self.options.only_fields):
            self._write(line)
        return [message]

    def save(self, state: Count) -> Saved:
        """See `Action`."""
        return Saved({"fields": state.fields})

    def load(self, saved: Saved) -> Count:
        """See `Action`."""
        return Count(saved.document["fields"])

    def _write(self, line: str) -> None:
        if self.options.stream == "debug":
            _log.debug("%s", line)
            return
        stream = sys.stderr if self.options.stream in ("error", "cerr", "stderr") else sys.stdout
        stream.write(f"{line}\n")


def _mars(message: Message, state: Count) -> str:
    """Write a field as MultIO's stream `mars` does; a flush begins a new count."""
    if message.is_field:
        state.fields += 1
        keys = {key: value for key, value in message.keys.items() if is_key(key)}
        return f'Field: {state.fields:6d} :: "mars":{json.dumps(keys, default=str)}'
    if message.kind is not Kind.FLUSH:
        return ""
    state.fields = 0
    kind = message.keys.get("flushKind", "")
    return f"Flush: step={message.keys.get('step', '')}" if kind == "step" else f"Flush: {kind}"
