"""Fields of a root as earthkit-data sees them: GRIB messages that are made when something looks at them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

import dtedask
from dtedask.earthkit.library import FieldListData, GribCodesHandle, GribHandle, SimpleFieldList, create_grib_field
from dtedask.grib.encode_grid import message_order
from dtedask.store.encoding import encode_record, values_of

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import DTypeLike, NDArray

    from dtedask.store import Record, Store

Place = tuple[str, str, str]
_HELD_BYTES = 256 * 2**20


class RecordHandle(GribHandle):  # type: ignore[misc]
    """A GRIB message that is encoded from the root when it is needed, and forgotten when others need the memory.

    It travels between processes as the place of its field.

    Parameters
    ----------
    root : str
        Path or URL of the root.
    record : Record
        The field.
    """

    def __init__(self, root: str, record: Record) -> None:
        self._root = root
        self._record = record

    @property
    def place(self) -> Place:
        """URL of the cube, snapshot and chunk: what they name never changes."""
        return self._record.selection.snapshot.url, self._record.snapshot, self._record.chunk

    @property
    def handle(self) -> Any:
        """EcCodes' handle of the message."""
        return _MESSAGES.get(self)

    def get_values(self, dtype: DTypeLike | None = None) -> NDArray[Any]:
        """Values as the root holds them, in the order of the message; packing rounds only the message itself."""
        values = message_order(values_of(self._record), self._record.grid)
        return np.array(values, dtype=dtype or np.float64).reshape(-1)

    def encode(self) -> bytes:
        """The message."""
        return encode_record(self._record)

    def release(self) -> None:
        """Forget the message; it is made again when something looks at it."""
        _MESSAGES.forget(self)

    def __getstate__(self) -> dict[str, Any]:
        keys = {key: value for key, value in self._record.to_dict().items() if key != "shortName" and value}
        return {"root": self._root, "snapshot": self._record.snapshot, "keys": keys}

    def __setstate__(self, state: dict[str, Any]) -> None:
        store = dtedask.open(state["root"], at=state["snapshot"])
        self.__init__(state["root"], next(store.fields(state["keys"])))  # type: ignore[misc]


class _Messages:
    """Messages that were looked at last, as many as fit into some memory."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._held: OrderedDict[Place, tuple[Any, int]] = OrderedDict()
        self._size = 0
        self._guard = threading.Lock()

    def get(self, handle: RecordHandle) -> Any:
        with self._guard:
            if handle.place in self._held:
                self._held.move_to_end(handle.place)
                return self._held[handle.place][0]
        message = handle.encode()
        made = GribCodesHandle.from_message(message)
        with self._guard:
            self._drop(handle.place)
            self._held[handle.place] = (made, len(message))
            self._size += len(message)
            while self._size > self._limit and len(self._held) > 1:
                self._drop(next(iter(self._held)))
        return made

    def forget(self, handle: RecordHandle) -> None:
        with self._guard:
            self._drop(handle.place)

    def _drop(self, key: Place) -> None:
        if key in self._held:
            self._size -= self._held.pop(key)[1]


_MESSAGES = _Messages(_HELD_BYTES)


class StoreFieldList(SimpleFieldList):  # type: ignore[misc]
    """The fields of a request, in its order.

    Parameters
    ----------
    store : Store
        The root.
    request : mapping
        What was asked for.
    allow_missing : bool
        Whether values that the request names may be absent.
    """

    def __init__(self, store: Store, request: Any, *, allow_missing: bool = False) -> None:
        self._store = store.pinned()
        self._request = request
        self._allow_missing = allow_missing
        super().__init__(_fields_of(store.root, self._store.fields(request, allow_missing)))

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (self._store, self._request, self._allow_missing)

    def __repr__(self) -> str:
        return f"<StoreFieldList of {len(self)} fields: {self._request or 'everything'} in {self._store.root}>"

    def to_dataset(self) -> xr.Dataset:
        """The fields as a lazy dataset of the root; see `Store.retrieve`."""
        return self._store.retrieve(self._request, self._allow_missing)

    def to_data_object(self) -> StoreData:
        """What `from_source` gives."""
        return StoreData(self)


class StoreData(FieldListData):  # type: ignore[misc]
    """What `from_source("dtedask", ...)` gives."""

    _TYPE_NAME = "dtedask"

    def to_xarray(self, *args: Any, **options: Any) -> xr.Dataset:
        """A lazy dataset, read from the arrays of the root as `Store.retrieve` gives it.

        With options of earthkit-data, the fields are encoded and converted by earthkit-data instead.
        """
        if args or options:
            converted: xr.Dataset = self._source.to_xarray(*args, **options)
            return converted
        dataset: xr.Dataset = self._source.to_dataset()
        return dataset

    def __repr__(self) -> str:
        return f"<StoreData {self._source!r}>"


def _again(store: Store, request: Any, allow_missing: bool) -> StoreFieldList:
    return StoreFieldList(store, request, allow_missing=allow_missing)


def _fields_of(root: str, records: Iterable[Record]) -> list[Any]:
    return [create_grib_field(RecordHandle(root, record), cache=True) for record in records]
