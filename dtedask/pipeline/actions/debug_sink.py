"""The action `debug-sink`: everything that comes stays in this process."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from dtedask.pipeline.action import Action, ActionOptions
from dtedask.pipeline.sinks.memory import keep

if TYPE_CHECKING:
    from dtedask.pipeline.compute import Compute
    from dtedask.pipeline.message import Message


class DebugSinkOptions(ActionOptions):
    """Every message stays in this process, flushes too, and none goes on.

    ``dtedask.pipeline.sinks.memory.kept("debug")`` gives them.
    """

    name: str = "debug"
    """Under which name."""


class DebugSink(Action):
    """Keeps messages, in the order in which they come."""

    Options = DebugSinkOptions
    takes_arrays: ClassVar[bool] = True
    on_archive: ClassVar[Literal["run", "end", "pass"]] = "end"

    def handle(self, message: Message, state: Any, compute: Compute) -> Iterable[Message]:  # noqa: ARG002
        """See `Action`."""
        keep(self.options.name, [message])
        return ()
