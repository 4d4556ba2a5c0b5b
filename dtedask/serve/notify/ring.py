"""The recent notifications of one event type, each rendered once for all streams."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dtedask.serve.notify import frames

if TYPE_CHECKING:
    from dtedask.notify.filters import Filter
    from dtedask.notify.notification import Notification


@dataclass(slots=True)
class Item:
    """A notification, its bytes, and which filters let it through.

    Parameters
    ----------
    notification : Notification
        What it is.
    data : bytes
        It as a server-sent event, without the line of its name.
    """

    notification: Notification
    data: bytes
    _answers: dict[str, bool] = field(default_factory=dict)

    @property
    def sequence(self) -> int:
        """Its number."""
        return self.notification.sequence

    def passes(self, key: str, wanted: Filter) -> bool:
        """Whether a filter lets it through; asked once for all streams whose filter has the same key."""
        answer = self._answers.get(key)
        if answer is None:
            answer = self._answers[key] = wanted.matches(self.notification)
        return answer


def render(notifications: Iterable[Notification], source: str) -> list[Item]:
    """Render notifications."""
    return [Item(notification, frames.data_of(notification, source)) for notification in notifications]


class Ring:
    """Everything of one event type from one number on, up to the newest that is known.

    Parameters
    ----------
    top : int
        The newest number when it begins.
    size : int
        At most so many are kept.
    """

    def __init__(self, top: int, size: int) -> None:
        self.floor = top
        self.top = top
        self.size = size
        self._numbers: list[int] = []
        self._items: list[Item] = []

    def extend(self, items: Sequence[Item], upto: int) -> bool:
        """Add what follows; says whether anything was new.

        Parameters
        ----------
        items : sequence of Item
            Everything behind `top`, in order; what is known already is left out.
        upto : int
            There is nothing else up to this number.
        """
        fresh = [item for item in items if item.sequence > self.top]
        self._numbers += [item.sequence for item in fresh]
        self._items += fresh
        self.top = max(self.top, upto)
        # The oldest go in halves: cutting the head of a list at every event would cost as much as the list is long.
        if len(self._items) > 2 * self.size:
            cut = len(self._items) - self.size
            self.floor = self._numbers[cut - 1]
            del self._numbers[:cut], self._items[:cut]
        return bool(fresh)

    def has(self, after: int) -> bool:
        """Whether everything behind a place is here."""
        return after >= self.floor

    def read(self, after: int, limit: int, until: int | None) -> tuple[Sequence[Item], int, bool]:
        """Give the items behind a place, up to which number this is everything, and whether there is no more."""
        begin = bisect_right(self._numbers, after)
        end = len(self._numbers) if until is None else bisect_right(self._numbers, until)
        items = self._items[begin : min(end, begin + limit)]
        if begin + limit < end:
            return items, items[-1].sequence, False
        return items, max(after, self.top if until is None else min(self.top, until)), True

    def remove(self, sequence: int) -> None:
        """Forget one that was deleted."""
        place = bisect_right(self._numbers, sequence) - 1
        if place >= 0 and self._numbers[place] == sequence:
            del self._numbers[place], self._items[place]

    def clear(self) -> None:
        """Forget all, since they were wiped."""
        self._numbers.clear()
        self._items.clear()

    def __len__(self) -> int:
        return len(self._items)
