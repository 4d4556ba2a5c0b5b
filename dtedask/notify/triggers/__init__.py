"""What a listener does with an event: echo, log, command, post, webhook, teams, email, function, dask."""

from __future__ import annotations

from dtedask.notify.triggers.base import BaseTrigger, News
from dtedask.notify.triggers.command import CommandTrigger
from dtedask.notify.triggers.function import FunctionTrigger
from dtedask.notify.triggers.lines import EchoTrigger, LogTrigger
from dtedask.notify.triggers.registry import ENTRY_POINTS, Trigger, trigger_class, trigger_types

__all__ = [
    "ENTRY_POINTS",
    "BaseTrigger",
    "CommandTrigger",
    "EchoTrigger",
    "FunctionTrigger",
    "LogTrigger",
    "News",
    "Trigger",
    "trigger_class",
    "trigger_types",
]
