"""The action `transport`: fields go on to another section of the plan, from MultIO's clients to its servers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from dtedask.core.errors import PlanError
from dtedask.core.nearest import did_you_mean
from dtedask.pipeline.action import Action, ActionOptions

if TYPE_CHECKING:
    from dtedask.pipeline.compute import Compute
    from dtedask.pipeline.message import Message


class TransportOptions(ActionOptions):
    """Where to."""

    target: str
    """The section whose plans get the fields, such as ``server``."""


class Transport(Action):
    """Ends a plan: the plans of another section go on with what comes here, in the same process."""

    Options = TransportOptions

    def start(self) -> None:
        """Look whether there is such a section.

        Raises
        ------
        PlanError
            If the plan has none of this name.
        """
        if self.options.target not in self.context.sections:
            raise PlanError(
                f"The plan {self.context.pipeline!r} hands its fields to {self.options.target!r}, "
                "and there is no section of this name.",
                hint=did_you_mean(self.options.target, self.context.sections)
                or "Put the section of the servers into the same file.",
            )

    def handle(self, message: Message, state: Any, compute: Compute) -> Iterable[Message]:  # noqa: ARG002
        """See `Action`."""
        yield message

    def explain(self) -> str:
        """See `Action`."""
        if self.options.target in self.context.sections:
            return f"goes on in the section {self.options.target!r}, in the same process"
        return f"to {self.options.target!r}, which is not in this file: the plan cannot run"
