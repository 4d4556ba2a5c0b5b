"""What became of the products of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dtedask.products.finishing.outcome import Outcome
    from dtedask.products.planning.make import Make

__all__ = ["Counts", "Made"]


@dataclass(frozen=True, slots=True)
class Counts:
    """What was done.

    Parameters
    ----------
    read : int
        Fields that were read, each as often as it was.
    computed : int
        Values that were made of others.
    read_alone, computed_alone : int
        What these would have been if every field of every product had been made by itself.
    tasks : int
        Tasks of the graph.
    most_bytes : int
        The most that values took together; 0 where workers had them.
    """

    read: int = 0
    computed: int = 0
    read_alone: int = 0
    computed_alone: int = 0
    tasks: int = 0
    most_bytes: int = 0

    @property
    def shared(self) -> int:
        """How many values were not read or computed again."""
        return self.read_alone + self.computed_alone - self.read - self.computed

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.read + other.read,
            self.computed + other.computed,
            self.read_alone + other.read_alone,
            self.computed_alone + other.computed_alone,
            self.tasks + other.tasks,
            max(self.most_bytes, other.most_bytes),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """What became of the products of a run.

    Parameters
    ----------
    outcomes : tuple of Outcome
        Of every product at every place, in the order in which they came.
    left : tuple of Make
        What was not made, since the run was stopped before.
    counts : Counts
        What was done.
    seconds : float
        How long it took.
    """

    outcomes: tuple[Outcome, ...]
    left: tuple[Make, ...]
    counts: Counts
    seconds: float

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """Those that are not where they go."""
        return tuple(one for one in self.outcomes if not one.is_delivered)

    @property
    def delivered(self) -> tuple[Outcome, ...]:
        """Those that are."""
        return tuple(one for one in self.outcomes if one.is_delivered)

    def __repr__(self) -> str:
        counts = f"{self.counts.read} fields read, {self.counts.computed} values computed"
        ends = f"{len(self.delivered)} delivered, {len(self.failed)} failed, {len(self.left)} left"
        return f"<Made {ends}: {counts} in {self.seconds:.1f} s>"
