"""Write the keys of a field into a template: a message that says all that the keys do not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dtedask.core.errors import GribUnsupportedError
from dtedask.geo import Grid
from dtedask.grib.encode import (
    DERIVED,
    write_level,
    write_member,
    write_parameter,
    write_reference_time,
    write_step,
)
from dtedask.grib.encode_grid import write_grid
from dtedask.grib.handles import Handle
from dtedask.grib.scan import describe

_LABELS = ("class", "stream", "type", "expver")
_WRITTEN = frozenset((*_LABELS, "param", "levtype", "levelist", "date", "time", "step", "number"))


def write_into_template(
    handle: Handle,
    template: bytes,
    keys: Mapping[str, str],
    grid: Grid,
    said: Mapping[str, Any],
    interval: tuple[int, int] | None,
) -> None:
    """Write keys, and the grid where it is another than the template's.

    Raises
    ------
    GribUnsupportedError
        If the template is no GRIB2, or cannot say a key.
    """
    told = describe(template)
    if told.edition != 2:
        raise GribUnsupportedError(
            f"The template is GRIB{told.edition}.", hint="Convert it: grib_set -s edition=2 TEMPLATE NEW."
        )
    _write_kind(handle, keys, told.interval, interval)
    if told.keys.get("param") != keys["param"]:
        write_parameter(handle, keys)
    for key in _LABELS:
        if handle.text(key) != keys[key] and told.keys.get(key) != keys[key]:
            handle.set(key, keys[key])
    if any(told.keys.get(key) != keys.get(key) for key in ("levtype", "levelist")):
        write_level(handle, keys, said)
    write_reference_time(handle, keys)
    write_step(handle, keys, interval)
    write_member(handle, keys)
    for key in set(keys) - _WRITTEN - DERIVED:
        if handle.text(key) != keys[key]:
            handle.set(key, keys[key])
    if told.grid != grid:
        write_grid(handle, grid)


def _write_kind(
    handle: Handle,
    keys: Mapping[str, str],
    before: tuple[int, int] | None,
    interval: tuple[int, int] | None,
) -> None:
    """Another product definition template, where the field is of another kind than the template."""
    is_member = "number" in keys or keys["type"] in ("cf", "pf")
    was_member = handle.get("perturbationNumber", int) is not None
    if (before is None) == (interval is None) and is_member == was_member:
        return
    number = (11 if is_member else 8) if interval is not None else (1 if is_member else 0)
    handle.set("productDefinitionTemplateNumber", number)
