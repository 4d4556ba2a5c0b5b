"""Hybrid levels: what their A and B are, and which pressure follows from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import GridError

_NAMED = ("L91", "L137")


@dataclass(frozen=True, slots=True)
class HybridLevels:
    """Levels that follow the ground below and are levels of pressure above.

    The pressure between full levels k and k + 1 is ``A(k) + B(k) * surface pressure``; full level k, counted from 1 at
    the top, lies between the half levels k - 1 and k.

    Parameters
    ----------
    a, b : tuple of float
        Of the half levels 0 to n, from the top to the ground: A in Pa, B without unit. GRIB has them in its key ``pv``.

    Raises
    ------
    GridError
        If they are not of one length of 2 or more, or the pressure does not grow downwards.
    """

    a: tuple[float, ...]
    b: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.a) != len(self.b) or len(self.a) < 2:
            raise GridError(
                f"{len(self.a)} values of A and {len(self.b)} of B describe no levels.",
                hint="Give one of each for every half level, from the top to the ground.",
            )
        if (np.diff(self.half_pressure(np.array(101_325.0))) <= 0).any():
            raise GridError("The pressure of these levels does not grow downwards.", hint="A and B run from the top.")

    @classmethod
    def from_pv(cls, pv: Sequence[float] | NDArray[np.floating]) -> HybridLevels:
        """Make them of GRIB's ``pv``: all A, then all B."""
        values = [float(value) for value in pv]
        if len(values) % 2:
            raise GridError(f"A list of {len(values)} numbers is no pv.", hint="It holds as many A as B.")
        half = len(values) // 2
        return cls(tuple(values[:half]), tuple(values[half:]))

    @classmethod
    def named(cls, name: str) -> HybridLevels:
        """Return levels of the IFS: ``L91`` or ``L137``."""
        if name not in _NAMED:
            raise GridError(
                f"There are no levels {name!r}.",
                hint=f"Known are {', '.join(_NAMED)}; take others from pv of a message.",
            )
        return _named(name)

    @property
    def count(self) -> int:
        """Number of full levels."""
        return len(self.a) - 1

    def half_pressure(self, surface_pressure: NDArray[np.floating]) -> NDArray[np.float64]:
        """Pressure at the half levels in Pa, shape (count + 1, ...)."""
        shape = (-1,) + (1,) * np.ndim(surface_pressure)
        found: NDArray[np.float64] = np.reshape(self.a, shape) + np.reshape(self.b, shape) * surface_pressure
        return found

    def full_pressure(self, surface_pressure: NDArray[np.floating]) -> NDArray[np.float64]:
        """Pressure at the full levels in Pa, shape (count, ...): the mean of those above and below.

        IFS Documentation (Cy47r3), Part III, section 2.2.1.
        """
        half = self.half_pressure(surface_pressure)
        return 0.5 * (half[1:] + half[:-1])


@cache
def _named(name: str) -> HybridLevels:
    text = (files(__package__) / "data" / f"{name}.txt").read_text()
    rows = [line.split() for line in text.splitlines() if not line.startswith("#")]
    return HybridLevels(tuple(float(row[1]) for row in rows), tuple(float(row[2]) for row in rows))
