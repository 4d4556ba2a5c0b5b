"""All kinds of triggers: ours, and those of installed packages."""

from __future__ import annotations

from typing import Annotated

from dtedask.core.by_type import ByType
from dtedask.core.registry import Registry
from dtedask.notify.triggers.base import BaseTrigger

__all__ = ["ENTRY_POINTS", "Trigger", "trigger_class", "trigger_types"]

ENTRY_POINTS = "dtedask.triggers"
_OWN = {
    "command": "dtedask.notify.triggers.command:CommandTrigger",
    "dask": "dtedask.notify.triggers.cluster:DaskTrigger",
    "echo": "dtedask.notify.triggers.lines:EchoTrigger",
    "email": "dtedask.notify.triggers.mail:EmailTrigger",
    "function": "dtedask.notify.triggers.function:FunctionTrigger",
    "log": "dtedask.notify.triggers.lines:LogTrigger",
    "post": "dtedask.notify.triggers.post:PostTrigger",
    "teams": "dtedask.notify.triggers.webhook:TeamsTrigger",
    "webhook": "dtedask.notify.triggers.webhook:WebhookTrigger",
}
_TRIGGERS = Registry("trigger", ENTRY_POINTS, _OWN)


def trigger_types() -> dict[str, str]:
    """Names of all kinds, ours and those of installed packages, and where each is."""
    return _TRIGGERS.places()


def trigger_class(name: str) -> type[BaseTrigger]:
    """Find the class of a kind.

    Raises
    ------
    DocumentError
        If there is none of this name.
    """
    found: type[BaseTrigger] = _TRIGGERS.load(name)
    return found


Trigger = Annotated[BaseTrigger, ByType("trigger", trigger_types, trigger_class)]
"""A trigger in a document: what stands there is checked by the model of its type."""
