"""How many workers are wanted where their number follows the work."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Adapting:
    """Grow at once, shrink when less was enough several times in a row.

    Parameters
    ----------
    minimum, maximum : int
        The fewest and the most workers.
    patience : int
        How often in a row fewer must be enough before some are let go.
    """

    minimum: int
    maximum: int
    patience: int = 3
    current: int = field(init=False)
    _lower: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.current = self.minimum

    def decide(self, target: int, *, at_least: int = 0) -> int:
        """Return the number of workers that is wanted now.

        Parameters
        ----------
        target : int
            What the work at hand could use.
        at_least : int
            So many are waited for, whatever the work.
        """
        aim = min(max(target, at_least, self.minimum), self.maximum)
        if aim >= self.current:
            self.current = aim
            self._lower.clear()
            return self.current
        self._lower.append(aim)
        if len(self._lower) >= self.patience:
            self.current = max(self._lower)
            self._lower.clear()
        return self.current
