"""Hybrid levels of messages on model levels."""

from __future__ import annotations

from dtedask.core.errors import GribUnsupportedError
from dtedask.geo.vertical.hybrid import HybridLevels
from dtedask.grib.handles import Handle


def hybrid_levels(message: bytes) -> HybridLevels:
    """Return A and B of all levels of the model that wrote a message.

    Parameters
    ----------
    message : bytes
        One GRIB message on model levels, of either edition.

    Raises
    ------
    GribUnsupportedError
        If the message has no list of them (its key ``pv``).
    """
    with Handle(message) as handle:
        values = handle.array("pv") if handle.integer("NV", 0) else ()
    if not len(values):
        raise GribUnsupportedError(
            "The message says no A and B of hybrid levels (pv).", hint="Take a message on model levels."
        )
    return HybridLevels.from_pv(values)
