"""Interpolation by weights: a grid, or the points of an area of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from dtedask.geo.application.missing import DEFAULT, MissingPolicy
from dtedask.products.operations.bound import BoundOperation

if TYPE_CHECKING:
    from dtedask.geo import Grid, WeightsHandle
    from dtedask.geo.application.operation import Operation as Weighted
    from dtedask.geo.area import Area
    from dtedask.grib import FieldDescription

__all__ = ["Regrid", "ensured", "is_made"]

_VERSION = 1
_FLOPS_A_POINT = 8.0  # a point takes the sum of three or four weighted values
_making: dict[str, threading.Lock] = {}
_making_lock = threading.Lock()


@dataclass(frozen=True, eq=False)
class Regrid(BoundOperation):
    """Puts a field on another grid, or on the points of an area of it.

    Of an area only its rows of the weights are read, and each of its values is, to the bit, that on the whole grid.

    Parameters
    ----------
    handle : WeightsHandle
        The weights to the whole grid.
    area : tuple of float, optional
        North, west, south, east of the points that are wanted.
    missing : MissingPolicy
        What becomes of points whose source has missing values.
    simulated, tolerance : float
        The number that counts as missing under ``simulated-missing-value``, and how far from it a value may be.
    part : Grid, optional
        The points in the area as a grid, where they are known already.
    """

    name: ClassVar[str] = "regrid"
    handle: WeightsHandle
    area: Area | None = None
    missing: MissingPolicy = DEFAULT
    simulated: float = 9999.0
    tolerance: float = 0.0
    part: Grid | None = None

    @cached_property
    def identity(self) -> str:
        """See `Operation`: the digest of the weights, the area, and what is done with missing values."""
        return f"regrid {_VERSION} {self.weights_identity}"

    @property
    def weights_identity(self) -> str:
        """What is done by weights, as a text."""
        numbers = f" {self.simulated!r} {self.tolerance!r}" if self.missing == "simulated-missing-value" else ""
        return f"{self.handle.key} {self.area} {self.missing}{numbers}"

    @property
    def source(self) -> Grid:
        """See `BoundOperation`."""
        return self.handle.interpolation.source

    @cached_property
    def target(self) -> Grid:
        """See `BoundOperation`."""
        return self.part or self.weighted.target

    @cached_property
    def weighted(self) -> Weighted:
        """What applies the weights."""
        from dtedask.geo.application.operation import Operation as Weighted

        window = tuple((0, length) for length in self.source.shape)
        return Weighted(self.handle, self.area, window, self.missing, self.simulated, self.tolerance)

    def __call__(self, *values: NDArray[np.floating]) -> NDArray[np.floating]:
        """See `Operation`."""
        ensured(self.handle)
        return self.weighted(values[0])

    def batch(self, fields: Sequence[tuple[NDArray[np.floating], ...]]) -> list[NDArray[np.floating]]:
        """See `Operation`: all fields go through the weights together."""
        if len(fields) == 1:
            return [self(*fields[0])]
        ensured(self.handle)
        return list(self.weighted(np.stack([values[0] for values in fields])))

    def preparation(self) -> tuple[str, Callable[[], object]] | None:
        """See `Operation`: weights that are kept in a folder."""
        if not self.handle.location:
            return None
        return f"weights-{self.handle.key}", partial(_prepared, self.handle)

    def flops(self, *fields: FieldDescription) -> float:  # noqa: ARG002 - the weights say all
        """See `Operation`."""
        return _FLOPS_A_POINT * self.target.size


def ensured(handle: WeightsHandle) -> WeightsHandle:
    """Make weights unless they are kept; of several threads of a process one does, for all areas of their target."""
    if not handle.location:
        handle.matrix()
        return handle
    with _making_lock:
        making = _making.setdefault(handle.key, threading.Lock())
    with making:
        limits = handle.limits()
        if limits is not None:
            limits.ensure()
        return handle.ensure()


def _prepared(handle: WeightsHandle) -> None:
    ensured(handle)


def is_made(handle: WeightsHandle) -> bool:
    """Whether weights are in the cache: those that are not take most of the time of a first run."""
    from dtedask.geo.weighting.cache import WeightsCache

    return bool(handle.location) and WeightsCache(handle.folder).find(handle.key) is not None
