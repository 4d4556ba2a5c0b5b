"""How far the making of products has come."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Making"]


@dataclass(frozen=True, slots=True)
class Making:
    """How far the making of products has come.

    Parameters
    ----------
    products_done, products_failed, products_total : int
        Products that were finished, that failed, and all.
    tasks_done, tasks_total : int
        Tasks of the graph.
    fields_read, fields_total : int
        Input fields.
    held_bytes : int
        What values in memory take; 0 where they are on workers.
    seconds : float
        Time since the beginning.
    """

    products_done: int
    products_failed: int
    products_total: int
    tasks_done: int
    tasks_total: int
    fields_read: int
    fields_total: int
    held_bytes: int
    seconds: float

    @property
    def products_per_s(self) -> float:
        """Products a second so far."""
        return self.products_done / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Time left at the rate of the tasks; None as long as none is done."""
        left = self.tasks_total - self.tasks_done
        return left * self.seconds / self.tasks_done if self.tasks_done and self.seconds > 0 else None
