"""Readers of single keywords: what people and MARS write, made canonical."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from dtedask.core.errors import DocumentError, DtedaskError, GridError
from dtedask.geo.grid import Grid
from dtedask.geo.weighting.interpolation import Interpolation
from dtedask.geo.weighting.naming import canonical_method
from dtedask.products.operations.regridding import BESIDE, NEAREST_LSM
from dtedask.request.values import canonical_value

__all__ = ["read_grid", "read_intermediate", "read_method", "read_rotation", "read_truncation"]

_OWN_GRID = frozenset({"", "av", "archived value", "none", "source"})
_SOME_GRID = Grid([90.0, 90.0])
_LARGEST_DISTANCE = 32  # a single number above is a Gaussian number
_GRIDS = "A grid is such as 0.1/0.1, [0.25, 0.25], O320, N320, F160, H128."


def read_grid(value: object, gaussian: str = "") -> str:
    """Canonical name of a grid: ``0.25x0.25`` for ``0.25/0.25``; "" for the field's own.

    Parameters
    ----------
    value : object
        A name, a number, a pair of distances, or a specification.
    gaussian : str
        ``reduced`` or ``regular``: what a number of 32 or more is.

    Raises
    ------
    DocumentError
        If there is no such grid.
    """
    if isinstance(value, Mapping):
        return _checked_grid(json.dumps(value, sort_keys=True, separators=(",", ":")))
    if isinstance(value, str):
        text = value.strip()
    elif isinstance(value, Sequence):
        text = "/".join(map(_number, value))
    else:
        text = _number(value)
    if text.lower() in _OWN_GRID:
        return ""
    if text.isdecimal() and int(text) >= _LARGEST_DISTANCE:
        text = f"{'N' if gaussian == 'reduced' else 'F'}{int(text)}"
    return _checked_grid(text)


def _number(value: object) -> str:
    return f"{value:.10g}" if isinstance(value, float) else str(value)


@lru_cache(4096)
def _checked_grid(text: str) -> str:
    try:
        name = text if text.startswith("{") else canonical_value("grid", text)
    except DtedaskError:
        name = text
    try:
        Grid(name)
    except (DtedaskError, TypeError, ValueError, KeyError) as error:
        said = error.message if isinstance(error, GridError) else f"{text!r} is no grid."
        raise DocumentError(said, hint=getattr(error, "hint", "") or _GRIDS) from None
    return name


def read_intermediate(value: object) -> str:
    """Read an intermediate grid: ``auto``, ``none``, ``source``, or a grid."""
    word = str(value).strip().lower()
    return word if word in ("auto", "none", "source") else read_grid(value)


def read_truncation(value: object) -> str:
    """Read a truncation: ``auto``, ``none``, ``av`` (as archived), a number, or a Gaussian grid such as ``N128``."""
    word = " ".join(str(value).split())
    plain = {"archived value": "av", "automatic resolution": "auto"}.get(word.lower(), word.lower())
    if plain in ("", "av", "auto", "none"):
        return plain
    if plain.isdecimal() and int(plain) > 0:
        return str(int(plain))
    if match := re.fullmatch(r"t[lcq]?o?(\d+)", plain):
        return str(int(match[1]))
    if re.fullmatch(r"[nof]\d+", plain):
        return plain.upper()
    raise DocumentError(f"{value!r} is no truncation.", hint="It is a number of waves such as 213, or auto, none, av.")


def read_rotation(value: str | Sequence[float]) -> tuple[float, float] | None:
    """Read the place of the south pole of a rotated grid: latitude and longitude; None for the usual one."""
    try:
        latitude, longitude = (float(one) for one in (value.split("/") if isinstance(value, str) else value))
    except (TypeError, ValueError):
        raise DocumentError(
            f"{value!r} is no rotation.", hint="It is the latitude and longitude of the south pole, such as -30/10."
        ) from None
    if not -90.0 <= latitude <= 90.0:
        raise DocumentError(f"The latitude {latitude:g} of a rotation is off the Earth.", hint="Latitude goes first.")
    return None if (latitude, longitude % 360.0) == (-90.0, 0.0) else (latitude, longitude)


def read_method(word: str, options: Mapping[str, Any]) -> tuple[str, tuple[tuple[str, Any], ...]]:
    """Canonical name and options of a method of interpolation, checked.

    Raises
    ------
    DocumentError
        If there is no such method, or it has no such option or value.
    """
    return _method(word, json.dumps(dict(options), sort_keys=True) if options else "{}")


@lru_cache(1024)
def _method(word: str, written: str) -> tuple[str, tuple[tuple[str, Any], ...]]:
    options: dict[str, Any] = json.loads(written)
    plain = word.strip().lower().replace("_", "-").replace(" ", "-")
    plain = {"nlsm": NEAREST_LSM}.get(plain, plain)
    name, implied = canonical_method(plain)
    if plain != "none":
        try:
            own = {key: value for key, value in options.items() if key.replace("-", "_") not in BESIDE}
            own |= {"path": "given"} if "interpolation_matrix" in {key.replace("-", "_") for key in options} else {}
            Interpolation.of(_SOME_GRID, _SOME_GRID, "nearest" if plain == NEAREST_LSM else plain, own)
        except GridError as error:
            raise DocumentError(error.message, hint=error.hint) from error
    chosen = name if word.strip() and not implied else plain
    return chosen, tuple(sorted((key.replace("-", "_"), _frozen(value)) for key, value in options.items()))


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
