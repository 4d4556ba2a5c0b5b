"""For tests: small fields, and the suites that every implementation of a kind must pass. It needs pytest."""

from dtedask.testing.actions import ActionSuite
from dtedask.testing.deliveries import DeliverySuite
from dtedask.testing.event_logs import EventLogSuite
from dtedask.testing.fields import KEYS, make_field
from dtedask.testing.formats import FormatSuite
from dtedask.testing.interpolation import MethodSuite
from dtedask.testing.lazy import raise_if_computes
from dtedask.testing.messages import make_message
from dtedask.testing.sinks import SinkSuite
from dtedask.testing.store import StoreSuite
from dtedask.testing.triggers import TriggerSuite

__all__ = [
    "KEYS",
    "ActionSuite",
    "DeliverySuite",
    "EventLogSuite",
    "FormatSuite",
    "MethodSuite",
    "SinkSuite",
    "StoreSuite",
    "TriggerSuite",
    "make_field",
    "make_message",
    "raise_if_computes",
]
