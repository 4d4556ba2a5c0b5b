"""What is known of a window when its statistic is made, besides the values."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["WindowFacts"]


@dataclass(frozen=True, slots=True)
class WindowFacts:
    """Times of a window and of the fields in it, in seconds since 1970-01-01 00 UTC.

    Parameters
    ----------
    start_s, end_s : int
        The window; which end belongs to it is a matter of the window, not of the numbers.
    first_s, last_s : int
        Valid times of the first and the last field that went in.
    count : int
        Fields that went in.
    time_step_s : int, optional
        Time from one field to the next, where it is known.
    partial : bool
        Whether fields of the window are still to come, or never came.
    """

    start_s: int
    end_s: int
    first_s: int
    last_s: int
    count: int
    time_step_s: int | None = None
    partial: bool = False

    @property
    def elapsed_s(self) -> int:
        """Seconds from the start of the window to its last field: what a value accumulated since then covers."""
        return self.last_s - self.start_s
