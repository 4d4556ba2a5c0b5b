"""The action `print`: show what passes."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

from dtedask.pipeline.action import Action, ActionOptions

if TYPE_CHECKING:
    from dtedask.pipeline.compute import Compute
    from dtedask.pipeline.message import Message


class PrintOptions(ActionOptions):
    """What to show, and where."""

    stream: Literal["cout", "cerr", "stdout", "stderr"] = "stdout"
    """Standard output or standard error, under the names of MultIO or the usual ones."""
    prefix: str = ""
    """What each line begins with."""
    only_fields: bool = False
    """Leave out flushes and other messages that are no fields."""


class Print(Action):
    """Writes a line for each message and hands it on."""

    Options = PrintOptions
    on_archive = "pass"

    def handle(self, message: Message, state: Any, compute: Compute) -> Iterable[Message]:  # noqa: ARG002
        """See `Action`."""
        if message.is_field or not self.options.only_fields:
            stream = sys.stderr if self.options.stream in ("cerr", "stderr") else sys.stdout
            stream.write(f"{self.options.prefix}{message}\n")
        yield message
