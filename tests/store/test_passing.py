"""Which errors of the storage may be gone the next time."""

import errno

import icechunk
import pytest

from dtedask.core.errors import CommitTimeoutError, DamagedError, GribError, StoreError
from dtedask.store.failures import is_passing


def caused(error, by):
    error.__cause__ = by
    return error


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ESTALE, "Stale file handle"),
        OSError(errno.EIO, "Input/output error"),
        TimeoutError(),
        ConnectionResetError(),
        icechunk.IcechunkError("storage error: dispatch failure"),
        caused(StoreError("Cannot read the field."), TimeoutError()),
    ],
)
def test_a_storage_that_does_not_answer_is_asked_again(error):
    assert is_passing(error)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        PermissionError(errno.EACCES, "Permission denied"),
        FileNotFoundError(errno.ENOENT, "No such file"),
        GribError("garbled"),
        DamagedError("bytes have changed"),
        caused(CommitTimeoutError("not in time"), TimeoutError()),
        icechunk.IcechunkError("storage error: service error: AccessDenied"),
        ValueError("timed out"),
    ],
)
def test_what_is_wrong_for_good_is_not(error):
    assert not is_passing(error)
