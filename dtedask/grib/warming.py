"""The first message that a process decodes takes long, since ecCodes reads its definitions: any message will do."""

from __future__ import annotations

import eccodes

from dtedask.geo import PointOrder
from dtedask.grib.decode import decode


def decode_a_message() -> None:
    """Decode the sample that comes with ecCodes, in both editions of GRIB."""
    for sample in ("regular_ll_pl_grib2", "regular_ll_pl_grib1"):
        handle = eccodes.codes_grib_new_from_samples(sample)
        try:
            count = eccodes.codes_get_size(handle, "values")
            message = eccodes.codes_get_message(handle)
        finally:
            eccodes.codes_release(handle)
        decode(message, PointOrder((count,)))
