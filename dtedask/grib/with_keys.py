"""A message with other values of MARS keys."""

from __future__ import annotations

from collections.abc import Mapping

from dtedask.grib.handles import Handle

_NAMES = {"number": "perturbationNumber", "date": "dataDate", "time": "dataTime", "levelist": "level"}
_NUMBERS = frozenset({"perturbationNumber", "dataDate", "dataTime", "level"})


def with_keys(message: bytes, keys: Mapping[str, str]) -> bytes:
    """Write other values of MARS keys into the header of a message; its values are not touched.

    Parameters
    ----------
    message : bytes
        One message of one field.
    keys : mapping of str to str
        MARS keys in canonical form.

    Raises
    ------
    GribUnsupportedError
        If ecCodes cannot set one of them.
    """
    with Handle(message) as handle:
        for key, value in keys.items():
            if handle.text(key) != value:
                _write(handle, key, value)
        return handle.message()


def _write(handle: Handle, key: str, value: str) -> None:
    if key == "time":
        handle.set("dataTime", int(value[:4]))
        return
    name = _NAMES.get(key, key)
    if name in _NUMBERS:
        handle.set(name, float(value) if "." in value else int(value))
        return
    handle.set(name, value)
