"""Small messages for pipelines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dtedask.testing.fields import make_field

if TYPE_CHECKING:
    from dtedask.pipeline import Message


def make_message(value: float, *, shape: tuple[int, int] = (12, 18), has_gap: bool = False, **keys: str) -> Message:
    """One field on a regular grid as a message.

    Parameters
    ----------
    value : float
        The first number of the field; the others follow from it, and are float32 numbers.
    shape : tuple of int
        Latitudes and longitudes.
    has_gap : bool
        Whether its last point is missing.
    **keys
        MARS keys other than `dtedask.testing.KEYS`.
    """
    from dtedask.pipeline import Message
    from dtedask.store.arrays import fields_of_array

    array, all_keys = make_field(value, shape=shape, **keys)
    (field,) = fields_of_array(array, all_keys)
    values = np.array(field.values, dtype="float64")
    if has_gap:
        values.flat[-1] = np.nan
    return Message.of_field(field.description, values, coordinates=field.coordinates)
