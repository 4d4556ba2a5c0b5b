"""GRIB messages with other keys: the header is written anew by ecCodes, the values stay as they are."""

from __future__ import annotations

from collections.abc import Mapping

from dtedask.core.errors import GribUnsupportedError

_HINT = "Keep such fields in layout 'map', or give them keys that GRIB can say."


def rekeyed(message: bytes, changed: Mapping[str, str]) -> bytes:
    """A message with other values of some keys, and all others as they were.

    Parameters
    ----------
    message : bytes
        One message.
    changed : mapping of str to str
        Keys and their new values, canonical.

    Raises
    ------
    GribUnsupportedError
        If the message cannot say them.
    """
    from dtedask.grib import describe, with_keys

    before = describe(message).keys
    asked = ",".join(f"{key}={value}" for key, value in changed.items())
    try:
        found = with_keys(message, {key: value for key, value in changed.items() if before.get(key) != value})
    except GribUnsupportedError as error:
        raise GribUnsupportedError(f"A message cannot say {asked}: {error.message}", hint=_HINT) from error
    said, wanted = describe(found).keys, {**before, **changed}
    for key in dict.fromkeys([*changed, *wanted, *said]):
        if said.get(key) != wanted.get(key):
            raise GribUnsupportedError(
                f"A message that was given {asked} says {key}={said.get(key, 'nothing')} in place of "
                f"{key}={wanted.get(key, 'nothing')}.",
                hint=_HINT,
            )
    return found
