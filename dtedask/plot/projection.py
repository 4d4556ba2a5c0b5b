"""Map projections of pictures: from degrees to the plane of the paper and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dtedask.core.errors import GridError
from dtedask.core.nearest import did_you_mean

__all__ = ["PROJECTIONS", "Projection", "ProjectionName", "check_projection"]

Values = NDArray[np.float64]
ProjectionName = Literal[
    "plate-carree", "mercator", "lambert", "robinson", "orthographic", "north-polar", "south-polar"
]
PROJECTIONS: tuple[str, ...] = get_args(ProjectionName)
_EARTH = "+R=6371229 +units=m +no_defs"
_CIRCULAR = frozenset({"orthographic", "north-polar", "south-polar"})


def check_projection(name: str) -> None:
    """Refuse a name that no projection has.

    Raises
    ------
    GridError
        If there is none.
    """
    if name not in PROJECTIONS:
        hint = did_you_mean(name, PROJECTIONS) or f"There are {', '.join(PROJECTIONS)}."
        raise GridError(f"There is no map projection '{name}'.", hint=hint)


@dataclass(frozen=True, slots=True)
class Projection:
    """A map projection of the sphere.

    Parameters
    ----------
    name : str
        One of `PROJECTIONS`.
    latitude, longitude : float
        Its centre, degrees. Polar stereographic maps take the longitude only: it points down (north) or up (south).
    parallels : tuple of float
        Standard parallels of `lambert`.
    """

    name: str
    latitude: float = 0.0
    longitude: float = 0.0
    parallels: tuple[float, float] = (30.0, 60.0)

    @property
    def is_circular(self) -> bool:
        """Whether what is shown is a cap around the centre; all others are cut along a meridian."""
        return self.name in _CIRCULAR

    @property
    def cap(self) -> float:
        """Distance from the centre of a circular map that is shown at most, degrees."""
        return 90.0 if self.name == "orthographic" else 140.0

    @property
    def pole(self) -> float:
        """Latitude of the centre of a circular map."""
        return {"north-polar": 90.0, "south-polar": -90.0}.get(self.name, self.latitude)

    def forward(self, latitude: ArrayLike, longitude: ArrayLike) -> tuple[Values, Values]:
        """Return x and y of points: metres, degrees for `plate-carree`; NaN where the map does not show them."""
        latitude, turned = np.asarray(latitude, float), self.turned(longitude)
        if self.name == "plate-carree":
            return turned + self.longitude, latitude + 0.0 * turned
        x, y = _proj(self)(turned, latitude)
        is_shown = np.isfinite(x) & np.isfinite(y)
        return np.where(is_shown, x, np.nan), np.where(is_shown, y, np.nan)

    def inverse(self, x: ArrayLike, y: ArrayLike) -> tuple[Values, Values]:
        """Return latitude and longitude, in [-180, 180) around the centre, of places on paper; NaN off the map."""
        x, y = np.broadcast_arrays(np.asarray(x, float), np.asarray(y, float))
        if self.name == "plate-carree":
            is_on_map = (np.abs(y) <= 90.0) & (np.abs(x - self.longitude) <= 180.0 + 1e-9)
            return np.where(is_on_map, y, np.nan), np.where(is_on_map, x, np.nan)
        turned, latitude = _proj(self)(x, y, inverse=True)
        # PROJ unrolls what lies beyond the rim of the map.
        is_on_map = np.isfinite(turned) & np.isfinite(latitude) & self._comes_back(x, y, latitude, turned)
        return np.where(is_on_map, latitude, np.nan), np.where(is_on_map, turned + self.longitude, np.nan)

    def _comes_back(self, x: Values, y: Values, latitude: Values, turned: Values) -> NDArray[np.bool_]:
        if self.is_circular:
            return np.ones(x.shape, bool)
        again_x, again_y = _proj(self)(turned, latitude)
        with np.errstate(invalid="ignore"):
            is_same: NDArray[np.bool_] = np.hypot(again_x - x, again_y - y) < 1000.0
            return is_same & (np.abs(turned) <= 180.0 + 1e-9)

    def turned(self, longitude: ArrayLike) -> Values:
        """Return longitudes east of the centre, in [-180, 180)."""
        return np.asarray((np.asarray(longitude, float) - self.longitude + 180.0) % 360.0 - 180.0)

    def outline(self) -> tuple[Values, Values] | None:
        """Return the rim of a map of the globe as a closed line on paper; None where the frame of the picture is it."""
        if self.name == "orthographic":
            angle = np.linspace(0.0, 2 * np.pi, 361)
            return 6371229.0 * np.cos(angle), 6371229.0 * np.sin(angle)
        if self.name == "robinson":
            up = np.linspace(-90.0, 90.0, 181)
            turned = np.concatenate([np.full(181, 180.0), np.full(181, -180.0), [180.0]])
            x, y = _proj(self)(turned, np.concatenate([up, up[::-1], [-90.0]]))
            return np.asarray(x), np.asarray(y)
        return None


_PARAMETERS: dict[str, Callable[[Projection], str]] = {
    "mercator": lambda _: "+proj=merc",
    "lambert": lambda p: f"+proj=lcc +lat_0={p.latitude!r} +lat_1={p.parallels[0]!r} +lat_2={p.parallels[1]!r}",
    "robinson": lambda _: "+proj=robin",
    "orthographic": lambda p: f"+proj=ortho +lat_0={p.latitude!r}",
    "north-polar": lambda _: "+proj=stere +lat_0=90 +lat_ts=60",
    "south-polar": lambda _: "+proj=stere +lat_0=-90 +lat_ts=-60",
}


@lru_cache(maxsize=64)
def _proj(projection: Projection) -> Any:
    """PROJ's projection around Greenwich: we turn longitudes ourselves."""
    from dtedask.geo.library import pyproj

    return pyproj.Proj(f"{_PARAMETERS[projection.name](projection)} +lon_0=0 {_EARTH}")
