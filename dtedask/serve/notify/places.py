"""How many streams may be open at a time: of all clients, and of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from dtedask.serve.notify.problems import ProblemError

__all__ = ["Places"]

_LATER = {"Retry-After": "10"}


class Places:
    """Places for streams; a place is held from before the first byte until the end.

    Parameters
    ----------
    most : int
        Streams of all clients.
    most_each : int, optional
        Streams of one client; None for no limit beside the other.
    """

    def __init__(self, most: int, most_each: int | None = None) -> None:
        self._most = most
        self._most_each = most_each
        self._held: Counter[str] = Counter()
        self._count = 0

    @contextmanager
    def held(self, client: str) -> Iterator[None]:
        """Hold a place for a client while entered.

        Raises
        ------
        ProblemError
            If there is none.
        """
        if self._count >= self._most:
            raise ProblemError(503, "Too many streams are open. Come again later.", headers=_LATER)
        if self._most_each is not None and self._held[client] >= self._most_each:
            raise ProblemError(
                429, f"You have {self._most_each} streams open, and no more are allowed. Close one.", headers=_LATER
            )
        self._held[client] += 1
        self._count += 1
        try:
            yield
        finally:
            self._count -= 1
            self._held[client] -= 1
            if not self._held[client]:
                del self._held[client]
