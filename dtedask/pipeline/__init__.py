"""Pipelines: what MultIO's plans do, live on a stream of fields or on the archive."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dtedask.pipeline.action import Action as Action
    from dtedask.pipeline.action import ActionOptions as ActionOptions
    from dtedask.pipeline.action import Context as Context
    from dtedask.pipeline.action import Saved as Saved
    from dtedask.pipeline.compute import Compute as Compute
    from dtedask.pipeline.keys.glossary import value_of as value_of
    from dtedask.pipeline.keys.parameters import with_parameter as with_parameter
    from dtedask.pipeline.message import Kind as Kind
    from dtedask.pipeline.message import Message as Message
    from dtedask.pipeline.plan import Plan as Plan
    from dtedask.pipeline.run import Run as Run
    from dtedask.pipeline.sink import Sink as Sink
    from dtedask.pipeline.sink import SinkOptions as SinkOptions
    from dtedask.pipeline.sinks.manifest import Manifest as Manifest
    from dtedask.pipeline.sinks.manifest import Written as Written

_HOMES = {
    "Action": "action",
    "ActionOptions": "action",
    "Compute": "compute",
    "Context": "action",
    "Kind": "message",
    "Manifest": "sinks.manifest",
    "Message": "message",
    "Plan": "plan",
    "Run": "run",
    "Saved": "action",
    "Sink": "sink",
    "SinkOptions": "sink",
    "Stream": "streams.stream",
    "Written": "sinks.manifest",
    "value_of": "keys.glossary",
    "with_parameter": "keys.parameters",
}
__all__ = [
    "Action",
    "ActionOptions",
    "Compute",
    "Context",
    "Kind",
    "Manifest",
    "Message",
    "Plan",
    "Run",
    "Saved",
    "Sink",
    "SinkOptions",
    "Stream",
    "Written",
    "value_of",
    "with_parameter",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'dtedask.pipeline' has no attribute {name!r}")
    return getattr(import_module(f"dtedask.pipeline.{_HOMES[name]}"), name)
