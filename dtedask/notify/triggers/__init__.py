"""What a listener does with an event: echo, log, command, post, webhook, teams, email, function, dask."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dtedask.notify.triggers.base import BaseTrigger, News
    from dtedask.notify.triggers.cluster import DaskTrigger
    from dtedask.notify.triggers.command import CommandTrigger
    from dtedask.notify.triggers.function import FunctionTrigger
    from dtedask.notify.triggers.lines import EchoTrigger, LogTrigger
    from dtedask.notify.triggers.mail import EmailTrigger
    from dtedask.notify.triggers.post import PostTrigger
    from dtedask.notify.triggers.registry import ENTRY_POINTS, Trigger, trigger_class, trigger_types
    from dtedask.notify.triggers.webhook import TeamsTrigger, WebhookTrigger

__all__ = [
    "ENTRY_POINTS",
    "BaseTrigger",
    "CommandTrigger",
    "DaskTrigger",
    "EchoTrigger",
    "EmailTrigger",
    "FunctionTrigger",
    "LogTrigger",
    "News",
    "PostTrigger",
    "TeamsTrigger",
    "Trigger",
    "WebhookTrigger",
    "trigger_class",
    "trigger_types",
]

_HOMES = {
    "ENTRY_POINTS": "registry",
    "BaseTrigger": "base",
    "CommandTrigger": "command",
    "DaskTrigger": "cluster",
    "EchoTrigger": "lines",
    "EmailTrigger": "mail",
    "FunctionTrigger": "function",
    "LogTrigger": "lines",
    "News": "base",
    "PostTrigger": "post",
    "TeamsTrigger": "webhook",
    "Trigger": "registry",
    "WebhookTrigger": "webhook",
    "trigger_class": "registry",
    "trigger_types": "registry",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
