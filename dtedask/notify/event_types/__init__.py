"""Event types: what notifications are about, read from YAML, ready made, or from the cubes of a root."""

from dtedask.notify.event_types.document import EventTypesDocument
from dtedask.notify.event_types.event_type import EventType, Retention
from dtedask.notify.event_types.event_types import EventTypes, load_event_types
from dtedask.notify.event_types.keys import Key

__all__ = ["EventType", "EventTypes", "EventTypesDocument", "Key", "Retention", "load_event_types"]
