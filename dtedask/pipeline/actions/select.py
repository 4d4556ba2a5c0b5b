"""The action `select`: only some fields go on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from dtedask.pipeline.action import Action, ActionOptions, Context
from dtedask.pipeline.message import Kind

if TYPE_CHECKING:
    from dtedask.pipeline.compute import Compute
    from dtedask.pipeline.message import Message


class SelectOptions(ActionOptions):
    """Which fields."""

    match: tuple[dict[str, Any], ...] = ()
    """Fields that agree with one of these; each key has a value or a list of them."""


class Select(Action):
    """Hands on what matches, and every flush and notice."""

    Options = SelectOptions

    def __init__(self, options: SelectOptions, context: Context) -> None:
        super().__init__(options, context)
        self._match = [{key: _texts(values) for key, values in one.items()} for one in options.match]

    def accepts(self, keys: Mapping[str, Any]) -> bool:
        """Whether a field of these keys would be handed on."""
        return any(all(str(keys.get(key)) in values for key, values in one.items()) for one in self._match)

    def handle(self, message: Message, state: Any, compute: Compute) -> Iterable[Message]:  # noqa: ARG002
        """See `Action`."""
        if message.kind in (Kind.FLUSH, Kind.NOTICE) or self.accepts(message.keys):
            yield message


def _texts(values: Any) -> frozenset[str]:
    return frozenset(str(value) for value in (values if isinstance(values, list) else [values]))
