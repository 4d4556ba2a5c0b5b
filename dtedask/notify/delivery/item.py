"""What is delivered, and where it stands: the places that cursors count."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from dtedask.notify.event import Event, format_time, parse_time
from dtedask.notify.notification import Notification

__all__ = ["Item", "News", "end_of", "heard_commits", "news_from_json", "news_to_json", "place_of"]

News = Event | Notification

_COMMIT = 1_000_000


@dataclass(frozen=True, slots=True)
class Item:
    """One piece of news in the order in which a listener hears of it.

    Parameters
    ----------
    stream : str
        What its place counts in: a cube, or an event type.
    place : int
        Place in the stream; later ones have higher places.
    news : Event or Notification, optional
        What there is to hear; None for a commit without fields.
    """

    stream: str
    place: int
    news: News | None


def place_of(commit: int, index: int) -> int:
    """Give the place of an event of a commit in the stream of its cube."""
    return commit * _COMMIT + index + 1


def end_of(commit: int) -> int:
    """Give the place of the last event of a commit, however many it has."""
    return commit * _COMMIT + _COMMIT - 1 if commit > 0 else 0


def heard_commits(place: int) -> int:
    """Give the last commit all events of which are at or before a place."""
    return (place + 1) // _COMMIT - 1 if place > 0 else 0


def news_to_json(news: News) -> str:
    """Write news as a text from which `news_from_json` makes the same again."""
    kind = "event" if isinstance(news, Event) else "notification"
    return json.dumps({"kind": kind, **asdict(news), "time": format_time(news.time)}, separators=(",", ":"))


def news_from_json(text: str) -> News:
    """Read what `news_to_json` wrote."""
    values: dict[str, Any] = json.loads(text)
    kind = values.pop("kind")
    values["time"] = parse_time(values["time"])
    if kind == "notification":
        return Notification(**values)
    fields: dict[str, Any] = {key: _as_tuples(value) for key, value in values.items()}
    return Event(**fields)


def _as_tuples(value: Any) -> Any:
    return tuple(map(_as_tuples, value)) if isinstance(value, list) else value
