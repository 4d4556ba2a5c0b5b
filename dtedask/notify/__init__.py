"""Notices: every commit is announced, durably and once, and listeners do something with it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dtedask.notify.active import listening
    from dtedask.notify.delivery import DeadLetter, Delivery
    from dtedask.notify.event import Event, events_of
    from dtedask.notify.follow import catch_up, listen
    from dtedask.notify.listeners import Listener, Listeners, load_all_listeners, load_listeners
    from dtedask.notify.log import NoticeLog, open_log

__all__ = [
    "DeadLetter",
    "Delivery",
    "Event",
    "Listener",
    "Listeners",
    "NoticeLog",
    "catch_up",
    "events_of",
    "listen",
    "listening",
    "load_all_listeners",
    "load_listeners",
    "open_log",
]

_HOMES = {
    "DeadLetter": "delivery",
    "Delivery": "delivery",
    "Event": "event",
    "Listener": "listeners",
    "Listeners": "listeners",
    "NoticeLog": "log",
    "catch_up": "follow",
    "events_of": "event",
    "listen": "follow",
    "listening": "active",
    "load_all_listeners": "listeners",
    "load_listeners": "listeners",
    "open_log": "log",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'dtedask.notify' has no attribute {name!r}")
    return getattr(import_module(f"dtedask.notify.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
