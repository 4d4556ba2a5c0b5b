"""pyfdb, which is optional, and what is asked of it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dtedask.grib  # noqa: F401 - ecCodes is loaded before the libraries that the wheels of FDB bring
from dtedask.core.errors import MissingExtraError, NotFoundError, StoreError

if TYPE_CHECKING:
    from dtedask.request import Request

# FDB takes one value of these keys at a time.
_SINGLE = ("class", "stream", "expver", "type", "levtype")


@dataclass(frozen=True, slots=True)
class Element:
    """An entry of an FDB.

    Parameters
    ----------
    keys : mapping of str to str
        What its index says.
    length : int
        Bytes of its data.
    path : str
        File that holds them; empty where they are not in a file of this host.
    offset : int
        Place in that file.
    handle : object
        pyfdb's handle of the entry.
    """

    keys: Mapping[str, str]
    length: int
    path: str
    offset: int
    handle: Any

    def read(self) -> bytes:
        """Its data.

        Raises
        ------
        StoreError
            If the FDB cannot read them.
        """
        buffer = bytearray(self.length)
        try:
            with self.handle.data_handle as source:
                found = source.readinto(memoryview(buffer))
        except (RuntimeError, OSError) as error:
            raise StoreError(f"The FDB cannot read {self}: {error}", hint="Look at it with `fdb-list`.") from error
        if found != self.length:
            raise StoreError(f"The FDB gave {found} of the {self.length} bytes of {self}.", hint="Try again.")
        return bytes(buffer)

    def __str__(self) -> str:
        return ",".join(f"{key}={value}" for key, value in self.keys.items())


class Fdb:
    """An FDB that is read.

    Parameters
    ----------
    config : str or path, optional
        File of its configuration; what FDB finds by its environment variables where it is left out.

    Raises
    ------
    MissingExtraError
        If pyfdb is not installed.
    NotFoundError
        If there is no such file.
    StoreError
        If the FDB cannot be opened.
    """

    def __init__(self, config: str | os.PathLike[str] | None = None) -> None:
        try:
            import pyfdb
        except ImportError as error:
            raise MissingExtraError(
                f"Reading an FDB needs pyfdb 5.19 or later, which cannot be imported: {error}.",
                hint='Install it by: pip install "dtedask[fdb]"',
            ) from error
        path = None if config is None else Path(config)
        if path is not None and not path.is_file():
            raise NotFoundError(f"There is no configuration of an FDB at {str(path)!r}.", hint="Check the path.")
        self.name = str(path) if path else "the FDB of the environment"
        try:
            self._fdb = pyfdb.FDB(path)
        except (RuntimeError, ValueError, OSError) as error:
            raise StoreError(f"{self.name} cannot be opened: {error}", hint="Try `fdb-info`.") from error

    def list(self, request: Request) -> Iterator[Element]:
        """Entries that a request takes, database by database; what was overwritten is left out."""
        for selection in _selections(request):
            try:
                for found in self._fdb.list(selection):
                    yield _element(found)
            except RuntimeError as error:
                raise StoreError(
                    f"{self.name} refuses to list {request}: {error}", hint="Check the request with `fdb-list`."
                ) from error


def _selections(request: Request) -> Iterator[dict[str, Sequence[str]]]:
    """A request as FDB takes it: several where it takes only one value of a key."""
    named = {key: list(request.named(key)) for key in request if request.named(key)}
    single = {key: named.pop(key) for key in _SINGLE if key in named}
    for values in product(*single.values()):
        yield {**dict(zip(single, ([value] for value in values), strict=True)), **named}


def _element(found: Any) -> Element:
    path = found.uri.path()
    # The scheme is in the text alone. A file of a server need not be here.
    is_local = "uri=URI[scheme=file," in repr(found) and os.path.exists(path)  # noqa: PTH110 - for every entry
    return Element(found.combined_key(), found.length(), path if is_local else "", found.offset(), found)
