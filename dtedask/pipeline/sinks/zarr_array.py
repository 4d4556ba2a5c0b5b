"""One array of plain Zarr, format 3: its document, and its chunks as bytes."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np


class ZarrArray:
    """The document of an array, and how its chunks are encoded.

    Parameters
    ----------
    name : str
        Its name in the group.
    document : dict
        What stands in its ``zarr.json``.
    """

    def __init__(self, name: str, document: dict[str, Any]) -> None:
        self.name = name
        self.document = document

    @classmethod
    def new(cls, name: str, values: np.ndarray, dims: Sequence[str], attributes: Mapping[str, Any]) -> ZarrArray:
        """An array of one chunk that never grows."""
        found = {"shape": list(values.shape), "chunks": [max(size, 1) for size in values.shape]}
        return cls(name, _document(found, values.dtype.name, list(dims), dict(attributes), 0))

    @classmethod
    def of_fields(
        cls, name: str, like: np.ndarray, dims: Sequence[str], attributes: Mapping[str, Any], level: int
    ) -> ZarrArray:
        """An array of fields, each a chunk, that grows along all dimensions before those of a field."""
        outer = len(dims) - like.ndim
        found = {"shape": [0] * outer + list(like.shape), "chunks": [1] * outer + list(like.shape)}
        return cls(name, _document(found, like.dtype.name, list(dims), dict(attributes), level))

    @classmethod
    def of_labels(
        cls, name: str, dtype: str, dims: Sequence[str], attributes: Mapping[str, Any], chunk: int
    ) -> ZarrArray:
        """The labels of an axis, or what stands beside them, two numbers a label where there is a second dimension."""
        more = [2] * (len(dims) - 1)
        return cls(
            name, _document({"shape": [0, *more], "chunks": [chunk, *more]}, dtype, list(dims), dict(attributes), 0)
        )

    @property
    def attributes(self) -> dict[str, Any]:
        """Attributes of the array."""
        found: dict[str, Any] = self.document["attributes"]
        return found

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape, of which readers see nothing beyond."""
        return tuple(self.document["shape"])

    @property
    def dims(self) -> tuple[str, ...]:
        """Names of the dimensions."""
        return tuple(self.document["dimension_names"])

    @property
    def is_axis(self) -> bool:
        """Whether it holds the labels of an axis that grows."""
        return self.dims == (self.name,) and self._chunks != self.shape

    def grow(self, lengths: Mapping[str, int]) -> None:
        """Make it as long as its axes."""
        sizes = [lengths.get(name, size) for name, size in zip(self.dims, self.shape, strict=True)]
        self.document = {**self.document, "shape": sizes}

    def chunk_key(self, index: Sequence[int]) -> str:
        """Where a chunk lies, below the array."""
        return "/".join(("c", *map(str, index)))

    def encode(self, values: Any) -> bytes:
        """Bytes of a chunk of numbers."""
        from google_crc32c import value as crc32c

        array = np.ascontiguousarray(values, dtype=np.dtype(self.document["data_type"]).newbyteorder("<"))
        data: bytes = array.tobytes()
        if self._level:
            data = _blosc(self._level).encode(array)
        return data + int(crc32c(data)).to_bytes(4, "little")

    def encode_labels(self, labels: Sequence[Any]) -> bytes:
        """Bytes of a chunk of labels, which is filled up."""
        missing = self._chunks[0] - len(labels)
        if self.document["data_type"] == "string":
            from numcodecs.vlen import VLenUTF8

            encoded: bytes = VLenUTF8().encode(np.array([*labels, *[""] * missing], dtype=object))
            return bytes(encoded)
        values = np.array(labels, dtype=self.document["data_type"])
        return self.encode(np.concatenate([values, np.zeros((missing, *values.shape[1:]), values.dtype)]))

    def decode_labels(self, data: bytes) -> list[Any]:
        """Labels of a chunk, with what it is filled up by."""
        if self.document["data_type"] == "string":
            from numcodecs.vlen import VLenUTF8

            texts: list[Any] = VLenUTF8().decode(data).tolist()
            return texts
        found = np.frombuffer(data[:-4], dtype=np.dtype(self.document["data_type"]).newbyteorder("<"))
        labels: list[Any] = found.reshape(self._chunks).tolist()
        return labels

    @property
    def _chunks(self) -> tuple[int, ...]:
        return tuple(self.document["chunk_grid"]["configuration"]["chunk_shape"])

    @property
    def _level(self) -> int:
        found = [one["configuration"]["clevel"] for one in self.document["codecs"] if one["name"] == "blosc"]
        return int(found[0]) if found else 0


def read_document(path: Path) -> dict[str, Any] | None:
    """A document, or None where there is none."""
    try:
        found: dict[str, Any] = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    return found


def write_file(path: Path, data: bytes) -> None:
    """Put a file in its place whole and durably, or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def _document(
    sizes: Mapping[str, list[int]], dtype: str, dims: list[str], attributes: dict[str, Any], level: int
) -> dict[str, Any]:
    codecs: list[dict[str, Any]] = [{"name": "bytes", "configuration": {"endian": "little"}}]
    if dtype == "string":
        codecs = [{"name": "vlen-utf8"}]
    elif level:
        typesize = np.dtype(dtype).itemsize
        blosc = {"cname": "lz4", "clevel": level, "shuffle": "bitshuffle", "typesize": typesize, "blocksize": 0}
        codecs.append({"name": "blosc", "configuration": blosc})
    if dtype != "string":
        codecs.append({"name": "crc32c"})
    is_fields = dtype.startswith("float") and len(dims) > 1
    return {
        "zarr_format": 3,
        "node_type": "array",
        "shape": sizes["shape"],
        "data_type": dtype,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": sizes["chunks"]}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": "NaN" if is_fields else "" if dtype == "string" else 0,
        "codecs": codecs,
        "attributes": attributes,
        "dimension_names": dims,
    }


def _blosc(level: int) -> Any:
    from numcodecs.blosc import BITSHUFFLE, Blosc

    return Blosc(cname="lz4", clevel=level, shuffle=BITSHUFFLE)
