"""A document and arrays as bytes, and back to the last bit: what dead letters and checkpoints are made of.

::

    8 bytes   DTEDASKP
    4 bytes   length of the head, little endian
    4 bytes   CRC-32C of the head
    head      JSON: the document; of each array name, dtype, shape, length and CRC-32C
    arrays    one after the other, as they lie in memory (C order)
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from google_crc32c import value as crc32c

from dtedask.core.errors import DamagedError, PlanError

__all__ = ["pack", "unpack"]

_MAGIC = b"DTEDASKP"
_HEAD = struct.Struct("<II")
Buffer = bytes | memoryview


def pack(document: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> list[Buffer]:
    """Return the bytes, in pieces that belong one behind the other; those of arrays are not copied.

    Raises
    ------
    PlanError
        If an array or the document cannot be kept.
    """
    flat = {name: _plain(name, np.asarray(array)) for name, array in arrays.items()}
    bodies: dict[str, Any] = {name: array.reshape(-1).view(np.uint8).data for name, array in flat.items()}
    described = [
        {
            "name": name,
            "dtype": array.dtype.str,
            "shape": list(array.shape),
            "bytes": array.nbytes,
            "crc32c": _crc(bodies[name]),
        }
        for name, array in flat.items()
    ]
    try:
        head = json.dumps({"document": document, "arrays": described}).encode()
    except (TypeError, ValueError) as error:
        raise PlanError(
            f"What is to be kept is not JSON: {error}.",
            hint="Texts, numbers, lists and mappings with texts as keys are.",
        ) from error
    return [_MAGIC + _HEAD.pack(len(head), _crc(head)) + head, *bodies.values()]


def unpack(data: Buffer, place: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return document and arrays; the arrays can be written to.

    Raises
    ------
    DamagedError
        If bytes are missing or have changed.
    """
    view = memoryview(data)
    start = len(_MAGIC) + _HEAD.size
    if bytes(view[: len(_MAGIC)]) != _MAGIC or len(view) < start:
        raise _damaged(place, "it does not begin as it should")
    length, checksum = _HEAD.unpack(view[len(_MAGIC) : start])
    head = bytes(view[start : start + length])
    if len(head) != length or _crc(head) != checksum:
        raise _damaged(place, "its head has changed")
    content = json.loads(head)
    arrays = dict(_arrays(content["arrays"], view[start + length :], place))
    return content["document"], arrays


def _arrays(described: Iterable[Mapping[str, Any]], data: memoryview, place: str) -> Iterable[tuple[str, np.ndarray]]:
    offset = 0
    for one in described:
        part = data[offset : offset + one["bytes"]]
        if len(part) != one["bytes"] or _crc(part) != one["crc32c"]:
            raise _damaged(place, f"the array {one['name']!r} has changed")
        yield one["name"], np.frombuffer(bytearray(part), dtype=one["dtype"]).reshape(one["shape"])
        offset += one["bytes"]
    if offset != len(data):
        raise _damaged(place, f"{len(data) - offset} bytes follow its end")


def _plain(name: str, array: np.ndarray) -> np.ndarray:
    if array.dtype.hasobject or array.dtype.names:
        raise PlanError(f"The array {name!r} of the type {array.dtype} cannot be kept.", hint="Numbers can.")
    return array if array.flags.c_contiguous else array.copy(order="C")


def _crc(data: Buffer) -> int:
    checksum: int = crc32c(np.frombuffer(data, np.uint8))
    return checksum


def _damaged(place: str, why: str) -> DamagedError:
    return DamagedError(f"{place} is damaged: {why}.")
