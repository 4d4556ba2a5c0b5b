"""Products are finished in threads of their own, the most urgent first, while others are computed."""

from __future__ import annotations

import contextvars
import heapq
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from dtedask.core.errors import DtedaskError, ProductError
from dtedask.products.finishing.outcome import Outcome
from dtedask.products.making.state import Gathered
from dtedask.products.product import Part

if TYPE_CHECKING:
    from dtedask.products.planning.make import Make

__all__ = ["Finish", "Finisher"]

Finish = Callable[["Make", Sequence[Part]], Sequence[Outcome] | None]
Ended = Callable[["Make", Sequence[Outcome]], None]


class Finisher:
    """Calls what finishes products. A product whose finishing has begun is finished, whatever happens beside it.

    Parameters
    ----------
    finish : callable
        Writes and delivers a product, and says what became of it.
    ended : callable
        Hears of every product that has ended, in the thread in which it did.
    broken : callable
        Hears of an error that is nobody's product's, such as one of `ended`.
    threads : int
        How many are finished side by side at most. While one keeps pace the others rest, since they would only take
        turns with it and with what computes.
    patience_s : float
        Another one joins those at work when products wait and none was begun for so long, seconds: they wait for a
        server.
    pace : int
        Another one joins them when more than so many products wait for each: they wait for a disk, again and again.
    """

    def __init__(
        self,
        finish: Finish,
        ended: Ended,
        broken: Callable[[BaseException], None],
        threads: int,
        *,
        patience_s: float = 0.1,
        pace: int = 8,
    ) -> None:
        self._finish, self._ended, self._broken = finish, ended, broken
        self._patience_s, self._pace = patience_s, pace
        self._busy = self._begun = 0
        self._is_watched = False
        self._waiting: list[tuple[tuple[float, int, str], int, Gathered]] = []
        self._count = 0
        self._changed = threading.Condition()
        self._is_closed = False
        context = contextvars.copy_context
        self._threads = [
            threading.Thread(target=context().run, args=(self._run,), name=f"finish-{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def put(self, gathered: Sequence[Gathered]) -> None:
        """Take products whose fields are there, or cannot be."""
        with self._changed:
            for one in gathered:
                self._count += 1
                heapq.heappush(self._waiting, (one.make.urgency, self._count, one))
            self._call_one()

    def close(self, *, drop: bool = False) -> None:
        """Wait until all have ended; with `drop` only until those that have begun."""
        with self._changed:
            if drop:
                self._waiting.clear()
            self._is_closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        one = self._first()
        while one is not None:
            try:
                self._ended(one.make, finished(one, self._finish))
            except BaseException as error:  # noqa: BLE001 - it must not be lost in a thread
                self._broken(error)
                with self._changed:
                    self._busy -= 1
                    self._changed.notify()
                return
            one = self._next()

    def _next(self) -> Gathered | None:
        """The next product of a thread that has finished one."""
        with self._changed:
            self._busy -= 1
            if self._waiting:
                return self._taken()
        return self._first()

    def _first(self) -> Gathered | None:
        """The next product of a thread that rests: when nobody works, or those who do are behind or held up."""
        with self._changed:
            while self._waiting or not self._is_closed:
                if self._are_behind():
                    return self._taken()
                if not self._waiting or self._is_watched:
                    self._changed.wait()
                elif self._is_held_up():
                    return self._taken()
            self._changed.notify_all()
            return None

    def _are_behind(self) -> bool:
        return len(self._waiting) > self._pace * self._busy

    def _is_held_up(self) -> bool:
        """Watch for a while whether products that wait are begun."""
        self._is_watched, begun = True, self._begun
        is_called = self._changed.wait(self._patience_s)
        self._is_watched = False
        return not is_called and begun == self._begun and bool(self._waiting)

    def _taken(self) -> Gathered:
        self._busy += 1
        self._begun += 1
        found = heapq.heappop(self._waiting)[2]
        self._call_one()
        return found

    def _call_one(self) -> None:
        """Let one that rests work, or watch those that do, if products wait."""
        if self._are_behind() or (self._waiting and not self._is_watched):
            self._changed.notify()


def finished(one: Gathered, finish: Finish) -> Sequence[Outcome]:
    """Finish a product; an error of it is its outcome."""
    error = one.error
    if error is None:
        try:
            return finish(one.make, one.parts) or ()
        except Exception as found:  # noqa: BLE001 - whatever it is, others are finished all the same
            error = as_product_error(found, one.make)
    return [Outcome(product, "", error=error) for product in one.make.products]


def as_product_error(error: Exception, make: Make) -> DtedaskError:
    """An error of finishing as one that names the product."""
    if isinstance(error, DtedaskError):
        return error
    found = ProductError(f"{make.products[0].id} could not be finished: {type(error).__name__}: {error}")
    found.__cause__ = error
    return found
