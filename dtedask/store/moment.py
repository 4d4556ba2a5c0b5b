"""Moments, as `at=` takes them."""

from __future__ import annotations

from datetime import UTC, datetime


def moment_of(at: str | datetime) -> datetime | None:
    """The moment that is meant, UTC where it has no zone; None for what is none, such as a snapshot or a tag."""
    if isinstance(at, str):
        try:
            at = datetime.fromisoformat(at)
        except ValueError:
            return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def is_moment(at: str | datetime) -> bool:
    """Whether a moment is meant."""
    return moment_of(at) is not None
