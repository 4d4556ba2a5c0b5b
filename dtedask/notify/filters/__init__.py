"""Filters of notifications, compiled to something that takes a microsecond or two a notification."""

from dtedask.notify.filters.conditions import Condition
from dtedask.notify.filters.filter import Filter

__all__ = ["Condition", "Filter"]
