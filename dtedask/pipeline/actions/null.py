"""The action `null`: the end of a pipeline whose results nobody needs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

from dtedask.pipeline.action import Action, ActionOptions

if TYPE_CHECKING:
    from dtedask.pipeline.compute import Compute
    from dtedask.pipeline.message import Message


class NullOptions(ActionOptions):
    """There is nothing to say."""

    type: Literal["null"] = "null"
    """What the action does."""


class Null(Action):
    """Takes every message and gives none."""

    Options = NullOptions

    def handle(self, message: Message, state: Any, compute: Compute) -> Iterable[Message]:  # noqa: ARG002
        """See `Action`."""
        return ()
