"""A thin, safe face on ecCodes' message handles."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import GribUnsupportedError
from dtedask.grib.library import eccodes

MISSING = 1e36
_FAILURES = (eccodes.CodesInternalError, UnicodeDecodeError, ValueError, OverflowError, MemoryError, AssertionError)


class Handle:
    """One message held by ecCodes; belongs to the thread that opened it and is released on leaving the block.

    Parameters
    ----------
    data : bytes or memoryview, optional
        A whole message; copied.
    sample : str
        Name of one of ecCodes' samples to start from, when there is no `data`.
    """

    __slots__ = ("_id",)

    def __init__(self, data: bytes | memoryview | None = None, *, sample: str = "") -> None:
        try:
            self._id: int | None = (
                eccodes.codes_grib_new_from_samples(sample) if data is None else eccodes.codes_new_from_message(data)
            )
        except _FAILURES as error:
            raise _unsupported("ecCodes cannot open the message", error) from error

    def clone(self) -> Self:
        """Return a copy, to be released by itself."""
        copied = object.__new__(type(self))
        try:
            copied._id = eccodes.codes_clone(self._id)
        except _FAILURES as error:
            raise _unsupported("ecCodes cannot copy the message", error) from error
        return copied

    def close(self) -> None:
        """Release it."""
        if self._id is not None:
            eccodes.codes_release(self._id)
            self._id = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def get(self, key: str, kind: type = str, default: Any = None) -> Any:
        """Value of a key as `kind`, or `default` where there is none."""
        try:
            return eccodes.codes_get(self._id, key, kind)
        except _FAILURES:
            return default

    def text(self, key: str, default: str = "") -> str:
        """Value of a key as text, or `default`."""
        value: str = self.get(key, str, default)
        return value

    def integer(self, key: str, default: int = 0) -> int:
        """Value of a key as a whole number, or `default`."""
        value: int = self.get(key, int, default)
        return value

    def need(self, key: str, kind: type = int) -> Any:
        """Value of a key that the message must have."""
        try:
            return eccodes.codes_get(self._id, key, kind)
        except _FAILURES as error:
            raise _unsupported(f"ecCodes cannot read {key!r}", error) from error

    def array(self, key: str, kind: type = float) -> NDArray[Any]:
        """Values of a key that has many."""
        try:
            return np.asarray(eccodes.codes_get_array(self._id, key, kind))
        except _FAILURES as error:
            raise _unsupported(f"ecCodes cannot read {key!r}", error) from error

    def values(self, *, marks_missing: bool = True) -> NDArray[np.float64]:
        """Decode the values, in the order of the message; missing points are `MISSING`."""
        try:
            if marks_missing:
                eccodes.codes_set(self._id, "missingValue", MISSING)
            decoded: NDArray[np.float64] = eccodes.codes_get_double_array(self._id, "values")
        except _FAILURES as error:
            raise _unsupported("ecCodes cannot decode the values", error) from error
        return decoded

    def namespace(self, name: str, *, without: frozenset[str] = frozenset()) -> Iterator[tuple[str, str]]:
        """Yield keys and values of a namespace, as text; those that cannot be read are left out."""
        iterator = eccodes.codes_keys_iterator_new(self._id, name)
        try:
            while eccodes.codes_keys_iterator_next(iterator):
                key = eccodes.codes_keys_iterator_get_name(iterator)
                value = None if key in without else self.get(key, str)
                if value is not None:
                    yield key, value
        finally:
            eccodes.codes_keys_iterator_delete(iterator)

    def coded(self) -> Iterator[tuple[str, str]]:
        """Yield the keys that stand in the message, not those that follow from them, with their values as text."""
        iterator = eccodes.codes_keys_iterator_new(self._id)
        try:
            eccodes.codes_skip_computed(iterator)
            eccodes.codes_skip_duplicates(iterator)
            while eccodes.codes_keys_iterator_next(iterator):
                key = eccodes.codes_keys_iterator_get_name(iterator)
                value = self.get(key, str)
                if value is not None:
                    yield key, value
        finally:
            eccodes.codes_keys_iterator_delete(iterator)

    def set(self, key: str, value: object) -> None:
        """Set a key.

        Raises
        ------
        GribUnsupportedError
            If ecCodes refuses.
        """
        try:
            if isinstance(value, np.ndarray):
                eccodes.codes_set_array(self._id, key, value)
            else:
                eccodes.codes_set(self._id, key, value)
        except _FAILURES as error:
            raise _unsupported(f"ecCodes cannot set {key!r} to {value!r}", error) from error

    def message(self) -> bytes:
        """Return the message as it stands."""
        try:
            data: bytes = eccodes.codes_get_message(self._id)
        except _FAILURES as error:
            raise _unsupported("ecCodes cannot build the message", error) from error
        return data


def _unsupported(what: str, error: BaseException) -> GribUnsupportedError:
    return GribUnsupportedError(
        f"{what}: {error}.", hint="Check the message with 'grib_dump', and the version of ecCodes with 'dtedask info'."
    )
