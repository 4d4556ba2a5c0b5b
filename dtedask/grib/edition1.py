"""Encoding in edition 1, for those who still read nothing else: a message of edition 2 that ecCodes converts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import GribError, GribUnsupportedError
from dtedask.geo import Grid
from dtedask.grib.encode import check_said
from dtedask.grib.encoder import Encoder
from dtedask.grib.handles import Handle

_HINT = "Take edition 2."
_PACKINGS = frozenset({"simple"})  # what ecCodes says the same in both editions


def encode_edition_1(
    encoder: Encoder,
    values: NDArray[Any],
    keys: Mapping[str, str],
    grid: Grid,
    *,
    attributes: Mapping[str, Any] | None = None,
    interval: tuple[int, int] | None = None,
) -> bytes:
    """Encode a field as one GRIB1 message, whose values are those of the message of edition 2.

    Parameters
    ----------
    encoder : Encoder
        How; its packing is ``simple``.
    values, keys, grid, attributes, interval
        As of `Encoder.encode`.

    Raises
    ------
    GribUnsupportedError
        If edition 1 or ecCodes cannot say what keys, grid or attributes say.
    """
    if encoder.packing not in _PACKINGS:
        raise GribUnsupportedError(f"GRIB1 has no packing {encoder.packing!r}.", hint="Take simple, or edition 2.")
    second = encoder.encode(values, keys, grid, attributes=attributes, interval=interval)
    try:
        return _converted(second, keys, grid)
    except GribError as error:
        raise GribUnsupportedError(
            f"The field of param={keys.get('param', '?')} on the grid {grid.label} cannot be said in GRIB1: "
            f"{error.message}",
            hint=_HINT,
        ) from error


def _converted(second: bytes, keys: Mapping[str, str], grid: Grid) -> bytes:
    with Handle(second) as handle:
        packed = handle.values()
        handle.set("edition", 1)
        first = handle.message()
    with Handle(first) as handle:
        # Harmonics are packed anew, with the floating-point numbers of edition 1.
        steps = 2.0 ** handle.integer("bitsPerValue")
        tolerance = 2.0 * float(np.ptp(packed)) / steps if grid.kind == "sh" else 0.0
        if not np.allclose(handle.values(), packed, rtol=0.0, atol=tolerance):
            raise GribUnsupportedError("ecCodes changes its values.", hint=_HINT)
    check_said(first, keys, grid)
    return first
