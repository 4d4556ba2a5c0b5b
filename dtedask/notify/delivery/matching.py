"""Which news a listener asks for, once its event type is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from dtedask.core.errors import NotificationError
from dtedask.notify.delivery.item import News
from dtedask.notify.event import Event

if TYPE_CHECKING:
    from dtedask.notify.event_types import EventType
    from dtedask.notify.listeners import Listener

__all__ = ["Wants", "identifier_of", "keys_of", "wants_of"]

Wants = Callable[[News], bool]


def wants_of(listener: Listener, event_type: EventType | None = None) -> Wants:
    """Compile what a listener asks for.

    Parameters
    ----------
    listener : Listener
        The listener.
    event_type : EventType, optional
        What it listens to; not needed where it asks by a MARS request, or for everything.

    Returns
    -------
    callable
        Whether an event or a notification is wanted.

    Raises
    ------
    DocumentError
        Naming file and line of what its event type does not know.
    """
    of_commits = event_type is None or event_type.is_of_commits
    if not (listener.identifiers or listener.request):
        return lambda _news: True
    if listener.request and of_commits:
        return listener.wants
    key = "identifiers" if listener.identifiers else "request"
    if event_type is None:
        raise listener.mistake(key, f"the keys of event type {listener.event!r} are not known here.")
    try:
        found = event_type.filter(keys_of(getattr(listener, key)), partial=True)
    except NotificationError as error:
        raise listener.mistake(key, error.message, error.hint) from error
    return lambda news: found.takes(identifier_of(news))


def identifier_of(news: News) -> Mapping[str, Any]:
    """Return what filters look at: the keys of a request, and the polygon around its fields where it is known."""
    if not isinstance(news, Event):
        return news.identifier
    keys: dict[str, Any] = news.keys
    if news.area is not None:
        north, west, south, east = news.area
        keys["polygon"] = [[north, west], [north, east], [south, east], [south, west], [north, west]]
    return keys


def keys_of(request: Mapping[str, Any] | str) -> dict[str, Any]:
    """Read ``key=value/value,key=value``."""
    if not isinstance(request, str):
        return dict(request)
    pairs = (part.partition("=") for part in request.split(",") if part.strip())
    return {
        key.strip(): values[0] if len(values := value.strip().split("/")) == 1 else values for key, _, value in pairs
    }
