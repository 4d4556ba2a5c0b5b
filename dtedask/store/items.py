"""What keys say of opaque bytes, as a message says it of its field."""

from __future__ import annotations

from collections.abc import Mapping

from dtedask.core.errors import FieldError, InvalidValueError
from dtedask.geo import PointOrder
from dtedask.grib import FieldDescription
from dtedask.request import Parameter, canonical_keys, parameter, parse_step
from dtedask.store.opaque import GRID
from dtedask.store.schema import Schema

_LARGEST = 2**31 - 1


def describe(data: bytes, key: Mapping[str, object], schema: Schema) -> FieldDescription:
    """What the keys of an item say of it, as a message says it of its field.

    Raises
    ------
    FieldError
        If the bytes are more than 2 GiB, or there is a time without a date.
    """
    if len(data) > _LARGEST:
        raise FieldError(f"{len(data)} bytes are too many for one item; the most are {_LARGEST}.")
    keys = canonical_keys(key, language=schema.language)
    if "grid" in keys:
        raise FieldError("Bytes that are no GRIB have no grid.", hint="Leave the key grid out.")
    if "time" in keys and "date" not in keys:
        raise FieldError("The key time was given without a date.", hint="Give the date too.")
    if "date" in keys and len(keys["date"]) == 8 and not schema.rules:
        keys.setdefault("time", "0000")
    found = _parameter(keys.get("param", ""))
    if found is not None:
        keys["param"] = found.id
    step = parse_step(keys.get("step", "0"))
    return FieldDescription(
        keys=keys,
        short_name=found.short_name if found else "",
        name=found.name if found else "",
        units="",
        standard_name="",
        step_type="",
        interval=None if step.start_s is None else (step.start_s, step.end_s),
        step_seconds=step.end_s,
        level_type="",
        level=None,
        edition=0,
        grid=GRID,
        order=PointOrder(GRID.shape),
        packing="",
        bits_per_value=0,
        has_bitmap=False,
        product=(),
        attributes={},
    )


def _parameter(param: str) -> Parameter | None:
    if not param:
        return None
    try:
        return parameter(param)
    except InvalidValueError:
        if not param[0].isdigit():
            raise
        return Parameter(param, "", "", "")
