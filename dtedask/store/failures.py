"""Failures of the storage, in one line and with what to do."""

from __future__ import annotations

from dtedask.core.errors import ClockError, DamagedError, DtedaskError, ReadOnlyError, StoreError

_FULL = ("No space left on device", "Disk quota exceeded")
_READ_ONLY = ("Read-only file system", "Permission denied", "Operation not permitted", "AccessDenied")
_CLOCK = ("invalid snapshot timestamp ordering", "clock has drifted")
_MISSING = ("NoSuchKey", "not found: No such file")
# What storage says when it could not be asked; everything else is about what it holds.
_UNREACHABLE = (
    "dispatch failure",
    "service error",
    "error sending request",
    "connection",
    "timed out",
    "timeout",
    "Permission denied",
    "Too many open files",
    "AccessDenied",
    "credentials",
)


def first_line(error: Exception) -> str:
    """What an error of Icechunk says, without its trace."""
    lines = (line.strip(" x|") for line in str(error).splitlines())
    return next((line for line in lines if line), type(error).__name__)


def is_full(error: Exception) -> bool:
    """Whether an error says that there is no room left."""
    return any(words in str(error) for words in _FULL)


def storage_error(error: Exception, url: str) -> StoreError:
    """An error of the storage while something was written to a cube or root; nothing was published."""
    if is_full(error):
        return StoreError(
            f"The disk of {url!r} is full; nothing was published.",
            hint="Make room and run the same again, which does only what is missing.",
        )
    if any(words in str(error) for words in _READ_ONLY):
        return ReadOnlyError(f"The root {url!r} cannot be written: {first_line(error)}.")
    if any(words in str(error) for words in _CLOCK):
        return ClockError(
            f"The clock of this host disagrees with {url!r}, nothing was published: {first_line(error)}.",
            hint="Set the clock (NTP) of this host and run the same again.",
        )
    return StoreError(f"{url!r} could not be written: {first_line(error)}", hint="Nothing was published.")


def read_error(error: Exception, place: str) -> DtedaskError:
    """An error while something was read: damage, unless the storage could not be reached.

    Parameters
    ----------
    error : Exception
        What Icechunk or zarr raised; an error of dtedask is given back as it is.
    place : str
        What was read.
    """
    if isinstance(error, DtedaskError):
        return error
    text = str(error)
    is_missing = any(sign in text for sign in _MISSING)
    if not is_missing and any(sign.lower() in text.lower() for sign in _UNREACHABLE):
        return StoreError(f"Cannot read {place}: {first_line(error)}.", hint="Look at the storage, and try again.")
    return DamagedError(
        f"Damage in {place}: {first_line(error)}.",
        hint="`dtedask store verify` finds all of it and says how to get back to a good snapshot.",
    )
