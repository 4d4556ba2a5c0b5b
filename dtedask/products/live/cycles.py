"""Which cycles requirements are for, as time goes on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from dtedask.products.requirement import Cycle

if TYPE_CHECKING:
    from dtedask.products.requirement import Requirement

__all__ = ["expected_cycles", "expected_since", "next_cycle"]
_DAY = timedelta(days=1)
_ALL = "all"


def expected_cycles(requirements: Iterable[Requirement], *, after: datetime, until: datetime) -> list[Cycle]:
    """Cycles that requirements name, whether anything of them is there or not.

    Parameters
    ----------
    requirements : iterable of Requirement
        Those without a ``time`` name none: they are for what comes.
    after, until : datetime
        Base times after the one and up to the other, UTC.

    Returns
    -------
    list of Cycle
        In the order of their base times.
    """
    found: set[Cycle] = set()
    for times, dates in {(_named(one, "time"), _named(one, "date")) for one in requirements}:
        for text in times:
            moment = time(int(text[:2]), int(text[2:4]), tzinfo=UTC)
            found.update(_between(moment, dates, after, until))
    return sorted(found)


def expected_since(known: Sequence[Cycle], now: datetime) -> datetime:
    """The base time before which no cycle is expected: that of the oldest there is, since archives have a beginning.

    Parameters
    ----------
    known : sequence of Cycle
        Cycles that there are, the oldest first.
    now : datetime
        The time, UTC: where nothing is there yet, the runs of a day are expected.
    """
    return known[0].time if known else now - _DAY


def next_cycle(requirements: Iterable[Requirement], now: datetime) -> datetime | None:
    """When the next cycle that a requirement names begins, within a day; None where none does."""
    found = expected_cycles(requirements, after=now, until=now + _DAY)
    return found[0].time if found else None


def _between(moment: time, dates: tuple[str, ...], after: datetime, until: datetime) -> Iterable[Cycle]:
    day = after.date()
    while day <= until.date():
        base = datetime.combine(day, moment)
        is_named = not dates or f"{day:%Y%m%d}" in dates or f"{day:%Y%m}" in dates  # a month is all of its days
        if after < base <= until and is_named:
            yield Cycle(base)
        day += _DAY


def _named(requirement: Requirement, key: str) -> tuple[str, ...]:
    values = requirement.request.get(key, ())
    return () if _ALL in values else values
