"""Which notifications of an event type somebody wants, or may see."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from dtedask.notify.filters.conditions import Condition

if TYPE_CHECKING:
    from dtedask.notify.notification import Notification

__all__ = ["Filter"]

Clause = tuple[Condition, ...]


class Filter:
    """Takes notifications whose identifier meets all conditions of one of its clauses; `EventType.filter` makes it.

    Filters that ask for the same are equal and have the same hash. ``a & b`` takes what both take, ``a | b`` what one
    of them takes.

    Parameters
    ----------
    event_type : str
        The type of the notifications.
    clauses : tuple of tuple of Condition
        A clause without conditions takes everything; no clause takes nothing.
    """

    __slots__ = ("_clauses", "_event_type", "_hash", "_tests")

    def __init__(self, event_type: str, clauses: tuple[Clause, ...] = ((),)) -> None:
        ordered = tuple(tuple(sorted(set(clause), key=_place)) for clause in clauses)
        self._event_type = event_type
        self._clauses = tuple(sorted(set(ordered), key=_text))
        self._hash = hash((event_type, self._clauses))
        self._tests: list[tuple[Callable[[Mapping[str, Any]], bool], ...]] = [
            tuple(condition.test for condition in sorted(clause, key=_cost)) for clause in self._clauses
        ]

    @property
    def event_type(self) -> str:
        """The type of the notifications."""
        return self._event_type

    @property
    def canonical(self) -> str:
        """The filter as JSON; filters that ask for the same have the same."""
        documents = [_document(clause) for clause in self._clauses]
        return json.dumps(documents[0] if len(documents) == 1 else {"any": documents}, separators=(",", ":"))

    @property
    def takes_all(self) -> bool:
        """Whether there is nothing that it leaves out."""
        return () in self._clauses

    def matches(self, notification: Notification) -> bool:
        """Whether a notification of the type is taken."""
        return self.takes(notification.identifier)

    def takes(self, identifier: Mapping[str, Any]) -> bool:
        """Whether a notification with an identifier, in canonical form, is taken."""
        for tests in self._tests:
            for test in tests:
                if not test(identifier):
                    break
            else:
                return True
        return False

    def __and__(self, other: Filter) -> Filter:
        both = tuple((*one, *another) for one in self._clauses for another in other._clauses)
        return Filter(self._event_type, both)

    def __or__(self, other: Filter) -> Filter:
        return Filter(self._event_type, (*self._clauses, *other._clauses))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Filter):
            return NotImplemented
        return self._hash == other._hash and (self._event_type, self._clauses) == (other._event_type, other._clauses)

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[object, ...]:
        return (Filter, (self._event_type, self._clauses))

    def __repr__(self) -> str:
        text = self.canonical
        return f"<Filter {self._event_type} {text if len(text) < 200 else text[:197] + '...'}>"


def _document(clause: Clause) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for condition in clause:
        if condition.key in found:  # of two filters that were joined
            return {"all": [{one.key: one.document()} for one in clause]}
        found[condition.key] = condition.document()
    return found


def _text(clause: Clause) -> str:
    return json.dumps(_document(clause))


def _place(condition: Condition) -> tuple[str, str]:
    return condition.key, json.dumps(condition.document())


def _cost(condition: Condition) -> bool:
    return condition.is_slow
