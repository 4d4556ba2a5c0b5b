"""Grids by name, as MARS and MIR call them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from dtedask.core.errors import GridError
from dtedask.geo.grids.gaussian import classic, classic_numbers, octahedral

_DECIMALS = r"\d+(?:\.\d*)?(?:e-?\d+)?|\.\d+"
_MOST_GAUSSIAN = 20_000
_CIRCLE = 360.0


class Described(NamedTuple):
    """All that makes a grid: its kind, description, dimensions and shape."""

    kind: str
    description: dict[str, Any]
    dims: tuple[str, ...]
    shape: tuple[int, ...]


def described(said: str | Sequence[float] | Mapping[str, Any]) -> Described:
    """Describe a grid that is given by name, by the distances of its points, or by a specification.

    Raises
    ------
    GridError
        If there is no such grid.
    """
    if isinstance(said, str):
        return _from_name(said.strip())
    if isinstance(said, Mapping):
        return _from_specification(said)
    return _from_distances(said)


def _from_specification(said: Mapping[str, Any]) -> Described:
    if set(said) == {"grid"}:
        return described(said["grid"])
    raise GridError(f"The specification {dict(said)} is not understood.", hint="Give the grid as {'grid': ...}.")


def _from_distances(said: Sequence[float]) -> Described:
    try:
        dx, dy = (float(value) for value in said)
    except (TypeError, ValueError):
        raise GridError(
            f"The grid {said!r} is no pair of distances.", hint="Give degrees, such as [0.25, 0.25]."
        ) from None
    return latlon(dx, dy)


def _from_name(name: str) -> Described:
    for pattern, make in _NAMES:
        if found := re.fullmatch(pattern, name, re.IGNORECASE):
            return make(found)
    raise GridError(
        f"There is no grid {name!r}.", hint="Names are such as O320, N320, F160, L360x181, 0.25/0.25, H64, H64-nested."
    )


def latlon(dx: float, dy: float) -> Described:
    """Describe the global regular latitude-longitude grid with the given distances, both poles and Greenwich in it."""
    ni, rows = _parts(_CIRCLE, dx), _parts(180.0, dy)
    return _global_latlon(ni, rows + 1)


def _parts(whole: float, step: float) -> int:
    times = whole / step if 0 < step <= whole else 0.0
    if not times or abs(times - round(times)) > 1e-6 * times:
        raise GridError(
            f"{step:g} degrees do not divide {whole:g}.", hint="Give distances that divide the globe, or an area."
        )
    return round(times)


def _global_latlon(ni: int, nj: int) -> Described:
    if ni < 1 or nj < 2:
        raise GridError(f"A global grid of {ni} columns and {nj} rows cannot be.", hint="It has at least two rows.")
    dx = _CIRCLE / ni
    description = {
        "north": 90.0,
        "south": -90.0,
        "west": 0.0,
        "east": _tidy(_CIRCLE - dx),
        "dx": _tidy(dx),
        "dy": _tidy(180.0 / (nj - 1)),
        "ni": ni,
        "nj": nj,
        "periodic": True,
    }
    return Described("regular_ll", description, ("latitude", "longitude"), (nj, ni))


def _gaussian_number(text: str) -> int:
    number = int(text)
    if not 0 < number <= _MOST_GAUSSIAN:
        raise GridError(f"The Gaussian number {number} is impossible.", hint=f"It is from 1 to {_MOST_GAUSSIAN}.")
    return number


def _octahedral(name: re.Match[str]) -> Described:
    number = _gaussian_number(name[1])
    return _reduced(number, octahedral(number))


def _classic(name: re.Match[str]) -> Described:
    number = _gaussian_number(name[1])
    lengths = classic(number)
    if lengths is None:
        known = ", ".join(str(one) for one in classic_numbers())
        raise GridError(f"There is no classic reduced Gaussian grid N{number}.", hint=f"Those known are {known}.")
    return _reduced(number, lengths)


def _reduced(number: int, lengths: list[int]) -> Described:
    return Described("reduced_gg", {"n": number, "pl": lengths}, ("values",), (sum(lengths),))


def _full(name: re.Match[str]) -> Described:
    number = _gaussian_number(name[1])
    ni = 4 * number
    columns = {"west": 0.0, "east": _tidy(_CIRCLE - _CIRCLE / ni), "dx": _tidy(_CIRCLE / ni), "periodic": True}
    shape = (2 * number, ni)
    return Described("regular_gg", {"n": number, "ni": ni} | columns, ("latitude", "longitude"), shape)


def _healpix(name: re.Match[str]) -> Described:
    nside, ordering = int(name[1]), "nested" if name[2] else "ring"
    if nside < 1 or (ordering == "nested" and nside & (nside - 1)):
        raise GridError(
            f"There is no HEALPix grid {name[0]}.", hint="nside is 1 or more, and a power of 2 in nested order."
        )
    return Described("healpix", {"nside": nside, "ordering": ordering}, ("values",), (12 * nside * nside,))


def _spectral(name: re.Match[str]) -> Described:
    truncation = int(name[1])
    return Described("sh", {"truncation": truncation}, ("values",), ((truncation + 1) * (truncation + 2),))


def _tidy(value: float) -> float:
    return round(value, 9) + 0.0


_NAMES: list[tuple[str, Callable[[re.Match[str]], Described]]] = [
    (r"O(\d+)", _octahedral),
    (r"N(\d+)", _classic),
    (r"F(\d+)", _full),
    (r"L(\d+)x(\d+)", lambda name: _global_latlon(int(name[1]), int(name[2]))),
    (r"H(\d+)(-nested|_nested|n)?", _healpix),
    (r"T(\d+)", _spectral),
    (rf"({_DECIMALS})[/x]({_DECIMALS})", lambda name: latlon(float(name[1]), float(name[2]))),
]
