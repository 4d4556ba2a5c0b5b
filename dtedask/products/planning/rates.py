"""How fast things are done, for estimates: measured once, kept in the settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dtedask.core.cores import cores
from dtedask.core.settings import setting

if TYPE_CHECKING:
    from dtedask.products.planning.explanation import WeightsWork, Work

__all__ = ["Rates"]

_READ, _ENCODE = "read", "encode"


@dataclass(frozen=True, slots=True)
class Rates:
    """What one core does a second.

    Parameters
    ----------
    read, encode, weights : float
        Points that are read and decoded, that are encoded, and of which weights are made.
    flops : float
        Floating-point operations of all else.
    task : float
        Seconds that a task takes beside its work.
    width : int
        Cores that work side by side.
    """

    read: float
    encode: float
    weights: float
    flops: float
    task: float
    width: int

    @classmethod
    def of_settings(cls) -> Rates:
        """Those of the settings, on the cores that there are."""
        names = ("read", "encode", "weights", "flops", "task")
        read, encode, weights, flops, task = (float(setting(f"products.rates.{name}")) for name in names)
        return cls(read, encode, weights, flops, task, cores())

    def seconds(self, works: Sequence[Work], weights: Sequence[WeightsWork]) -> float:
        """How long it takes."""
        of_works = sum(self._work(one.name, one.count, one.points, one.flops) for one in works)
        return (of_works + self._weights(weights)) / self.width

    def seconds_alone(self, works: Sequence[Work], weights: Sequence[WeightsWork]) -> float:
        """How long it would take if every field of every product was made by itself, with weights that are kept."""
        of_works = sum(self._work(one.name, one.alone, one.points_alone, one.flops_alone) for one in works)
        return (of_works + self._weights(weights)) / self.width

    def _work(self, name: str, count: int, points: int, flops: float) -> float:
        rates = {_READ: self.read, _ENCODE: self.encode}
        own = points / rates[name] if name in rates else flops / self.flops
        return own + count * self.task

    def _weights(self, weights: Sequence[WeightsWork]) -> float:
        return sum(one.points / self.weights for one in weights if not one.is_kept)
