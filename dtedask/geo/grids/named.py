"""Grids by name, as MARS and MIR call them."""

from __future__ import annotations

import re
from collections.abc import Callable

from dtedask.core.errors import GridError
from dtedask.geo.grids.angles import CIRCLE, tidy
from dtedask.geo.grids.cubed_sphere import cubed_sphere
from dtedask.geo.grids.described import LATLON, VALUES, Described
from dtedask.geo.grids.gaussian import classic, classic_numbers, octahedral
from dtedask.geo.grids.latlon import global_latlon, latlon

_DECIMALS = r"\d+(?:\.\d*)?(?:e-?\d+)?|\.\d+"
_DISTANCES = rf"({_DECIMALS})[/x]({_DECIMALS})"
_MOST_GAUSSIAN = 20_000


def from_name(name: str) -> Described:
    """Describe a grid by its name, in capitals or not.

    Raises
    ------
    GridError
        If there is no such grid.
    """
    name = name.strip()
    for pattern, make in _NAMES:
        if found := re.fullmatch(pattern, name, re.IGNORECASE):
            return make(found)
    raise GridError(
        f"There is no grid {name!r}.", hint="Names are such as O320, N320, F160, L360x181, 0.25/0.25, H64, H64-nested."
    )


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
    return Described("reduced_gg", {"n": number, "pl": lengths}, VALUES, (sum(lengths),))


def _full(name: re.Match[str]) -> Described:
    number = _gaussian_number(name[1])
    ni = 4 * number
    columns = {"west": 0.0, "east": tidy(CIRCLE - CIRCLE / ni), "dx": tidy(CIRCLE / ni), "periodic": True}
    shape = (2 * number, ni)
    return Described("regular_gg", {"n": number, "ni": ni} | columns, LATLON, shape)


def _healpix(name: re.Match[str]) -> Described:
    nside, ordering = int(name[1]), "nested" if "n" in (name[2] or "").casefold().replace("ring", "") else "ring"
    if nside < 1 or (ordering == "nested" and nside & (nside - 1)):
        raise GridError(
            f"There is no HEALPix grid {name[0]}.", hint="nside is 1 or more, and a power of 2 in nested order."
        )
    return Described("healpix", {"nside": nside, "ordering": ordering}, VALUES, (12 * nside * nside,))


def _spectral(name: re.Match[str]) -> Described:
    truncation = int(name[1])
    return Described("sh", {"truncation": truncation}, VALUES, ((truncation + 1) * (truncation + 2),))


def _columns(name: re.Match[str]) -> Described:
    shift = name[1].casefold()
    is_shifted = (shift in ("s", "slon"), shift in ("s", "slat"))
    return global_latlon(int(name[2]), int(name[3]), is_shifted=is_shifted)


def _squares(name: re.Match[str]) -> Described:
    """`L90`: four times as many columns as rows between pole and equator, with the equator and poles unless shifted."""
    shift, number = name[1].casefold(), _gaussian_number(name[2])
    is_shifted = (shift in ("s", "slon"), shift in ("s", "slat"))
    return global_latlon(4 * number, 2 * number + (0 if is_shifted[1] else 1), is_shifted=is_shifted)


def distances_of(name: str) -> tuple[float, float] | None:
    """Return the distances of columns and rows that a name such as ``0.25/0.25`` says, else None."""
    found = re.fullmatch(_DISTANCES, name.strip())
    return (float(found[1]), float(found[2])) if found else None


_NAMES: list[tuple[str, Callable[[re.Match[str]], Described]]] = [
    (r"O(\d+)", _octahedral),
    (r"N(\d+)", _classic),
    (r"F(\d+)", _full),
    (r"(L|S|Slon|Slat)(\d+)x(\d+)", _columns),
    (r"(L|S|Slon|Slat)(\d+)", _squares),
    (r"H(\d+)([-_]nested|[-_]ring|n|r)?", _healpix),
    (r"T(\d+)", _spectral),
    (r"CS-(EA|ED|LFR)(?:-C)?-(\d+)", lambda name: cubed_sphere(name[1], int(name[2]))),
    (_DISTANCES, lambda name: latlon(float(name[1]), float(name[2]))),
]
