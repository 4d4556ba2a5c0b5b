"""Angles on other grids: between 350 and 10 degrees lies north."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dtedask.products.operations.regrid import Regrid

if TYPE_CHECKING:
    from dtedask.grib import FieldDescription

__all__ = ["RegridAngles"]

_VERSION = 1
_CIRCLE = 360.0


@dataclass(frozen=True, eq=False)
class RegridAngles(Regrid):
    """Puts angles on another grid as directions: cosine and sine are interpolated.

    Parameters
    ----------
    is_circle : bool
        Whether they are degrees, which come out in [0, 360), or radians, in (-pi, pi].
    """

    is_circle: bool = True

    @classmethod
    def of(cls, regrid: Regrid, *, is_circle: bool) -> RegridAngles:
        """Do with angles what is done with numbers."""
        said = {one.name: getattr(regrid, one.name) for one in fields(regrid)}
        return cls(**said, is_circle=is_circle)

    @cached_property
    def identity(self) -> str:
        """See `Operation`."""
        return f"angles {_VERSION} {self.is_circle} {self.weights_identity}"

    def __call__(self, *values: NDArray[np.floating]) -> NDArray[np.floating]:
        """See `Operation`."""
        return self.batch([values])[0]

    def batch(self, fields: Sequence[tuple[NDArray[np.floating], ...]]) -> list[NDArray[np.floating]]:
        """See `Operation`."""
        given = [np.deg2rad(values[0], dtype=np.float64) if self.is_circle else values[0] for values in fields]
        both = super().batch([(part(angle),) for angle in given for part in (np.cos, np.sin)])
        found = [np.arctan2(sine, cosine) for cosine, sine in zip(both[::2], both[1::2], strict=True)]
        if self.is_circle:
            found = [np.rad2deg(angle) % _CIRCLE for angle in found]
        return [angle.astype(values[0].dtype, copy=False) for angle, values in zip(found, fields, strict=True)]

    def flops(self, *fields: FieldDescription) -> float:
        """See `Operation`."""
        return 2.0 * super().flops(*fields) + 40.0 * self.target.size
