"""The action `null`: the end of a pipeline whose results nobody needs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from dtedask.pipeline.action import Action

if TYPE_CHECKING:
    from dtedask.pipeline.compute import Compute
    from dtedask.pipeline.message import Message


class Null(Action):
    """Takes every message and gives none."""

    def handle(self, message: Message, state: Any, compute: Compute) -> Iterable[Message]:  # noqa: ARG002
        """See `Action`."""
        return ()
