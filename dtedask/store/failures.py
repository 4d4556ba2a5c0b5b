"""Failures of the storage, in one line and with what to do."""

from __future__ import annotations

import errno
import re

from dtedask.core.errors import ClockError, DamagedError, DtedaskError, ReadOnlyError, StoreError

_FULL = ("No space left on device", "Disk quota exceeded")
_READ_ONLY = ("Read-only file system", "Permission denied", "Operation not permitted", "AccessDenied")
_CLOCK = ("invalid snapshot timestamp ordering", "clock has drifted")
_MISSING = ("NoSuchKey", "not found: No such file")
_CUT = ("InvalidRange", "Requested range was invalid", "not enough data")
_REFERENCE = "error fetching virtual reference"
_FILE = re.compile(r"Object at location (.+?) not found")
_S3_OBJECT = re.compile(r'key="([^"]+)".*NoSuchKey', re.DOTALL)
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

# What may be gone the next time: a server of NFS or S3 that is restarted, a network that is full.
_PASSING = (
    "EAGAIN",
    "EBUSY",
    "ECONNABORTED",
    "ECONNREFUSED",
    "ECONNRESET",
    "EHOSTUNREACH",
    "EINTR",
    "EIO",
    "ENETDOWN",
    "ENETUNREACH",
    "EPIPE",
    "EREMOTEIO",
    "ESTALE",
    "ETIMEDOUT",
)
_PASSING_WORDS = (
    "dispatch failure",
    "service error",
    "error sending request",
    "connection",
    "timed out",
    "timeout",
    "SlowDown",
    "ServiceUnavailable",
    "InternalError",
    "Stale file handle",
    "Input/output error",
)
_LASTING_WORDS = ("Permission denied", "AccessDenied", "credentials", *_MISSING, *_CUT, *_FULL)


def first_line(error: Exception) -> str:
    """What an error of Icechunk says, without its trace."""
    lines = (line.strip(" x|") for line in str(error).splitlines())
    return next((line for line in lines if line), type(error).__name__)


def missing_object(error: Exception) -> str:
    """The object that was not found, as the storage calls it; empty where it does not say, or something else failed."""
    # Where a chunk is a part of a file, S3's key is that of the chunk.
    named = _FILE.search(str(error)) or (None if is_of_file(error) else _S3_OBJECT.search(str(error)))
    return named[1] if named else ""


def is_of_file(error: Exception) -> bool:
    """Whether an error is about a file that a chunk is a part of, such as a pack."""
    return _REFERENCE in str(error)


def _reason(error: Exception) -> str:
    """What is wrong, in a few words; of a chunk that is a part of a file, what is wrong with the file."""
    if not is_of_file(error):
        return first_line(error)
    if any(sign in str(error) for sign in _CUT):
        return "the file that it is a part of is too short"
    if any(sign in str(error) for sign in _MISSING):
        name = missing_object(error)
        return f"the file {name or 'that it is a part of'} is missing"
    causes = [line.strip()[3:].strip() for line in str(error).splitlines() if line.strip().startswith(("|->", "`->"))]
    return causes[-1] if causes else first_line(error)


def is_full(error: Exception) -> bool:
    """Whether an error says that there is no room left."""
    return any(words in str(error) for words in _FULL)


def is_passing(error: BaseException) -> bool:
    """Whether an error of the storage may be gone the next time: it did not answer, or lost its connection."""
    if isinstance(error, DtedaskError):
        # What the storage said is the cause of what we say; other classes than this one say what is wrong for good.
        return type(error) is StoreError and error.__cause__ is not None and is_passing(error.__cause__)
    if isinstance(error, OSError) and error.errno is not None:
        return errno.errorcode.get(error.errno) in _PASSING
    if isinstance(error, ConnectionError | TimeoutError):
        return True
    if type(error).__module__.partition(".")[0] not in {"icechunk", "obstore"}:
        return False
    text = str(error)
    return not any(word in text for word in _LASTING_WORDS) and any(
        word.lower() in text.lower() for word in _PASSING_WORDS
    )


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
    is_told = any(sign in text for sign in (*_MISSING, *_CUT))
    if not is_told and any(sign.lower() in text.lower() for sign in _UNREACHABLE):
        return StoreError(f"Cannot read {place}: {_reason(error)}.", hint="Look at the storage, and try again.")
    return DamagedError(
        f"Damage in {place}: {_reason(error)}.",
        hint="`dtedask store verify` finds all of it and says how to get back to a good snapshot.",
    )
