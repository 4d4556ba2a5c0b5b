"""The sink `zarr`: fields go into plain Zarr, format 3, which any Zarr opens."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from dtedask.pipeline.sinks.cf import (
    CONVENTIONS,
    Moment,
    Slots,
    Spot,
    axis_attributes,
    axis_dtype,
    companions_of,
    grid_variables,
    time_attributes,
    time_companions,
)
from dtedask.pipeline.sinks.cf_sink import CfOptions, CfSink, Waiting
from dtedask.pipeline.sinks.checksum import checksum_of
from dtedask.pipeline.sinks.manifest import Written
from dtedask.pipeline.sinks.zarr_array import ZarrArray, read_document, write_file

_LABELS_PER_CHUNK = 1024


class ZarrOptions(CfOptions):
    """Fields go into a folder of plain Zarr, format 3, one chunk a field."""

    level: int = Field(1, ge=0, le=9)
    """Level of blosc's lz4 with bitshuffle; 0 for no compression."""


class ZarrSink(CfSink):
    """Writes the chunks of new fields first, where no document of an array leads to them, and the documents last.

    The document of the root, which holds a copy of all others, is the very last: who opens the folder by it sees all
    of a flush or nothing. A field that replaces another is seen as soon as its chunk is there.
    """

    Options = ZarrOptions

    def _add(self, path: Path, fields: list[Waiting], *, begins: bool) -> list[Written]:
        if begins and path.exists():
            aside = path.with_name(f"{path.name}.old")
            shutil.rmtree(aside, ignore_errors=True)
            path.rename(aside)
            shutil.rmtree(aside)
        return GrowingZarr(path, self.options.level).add(fields)


class GrowingZarr:
    """One folder."""

    def __init__(self, path: Path, level: int, *, attributes: Mapping[str, Any] | None = None) -> None:
        self._path = path
        self._level = level
        root = read_document(path / "zarr.json") or {"attributes": {"Conventions": CONVENTIONS, **(attributes or {})}}
        self._attributes: dict[str, Any] = root["attributes"]
        known = root.get("consolidated_metadata", {}).get("metadata", {})
        self._arrays = {name: ZarrArray(name, document) for name, document in known.items()}
        self._before = {name: array.shape for name, array in self._arrays.items()}
        self._slots = self._read_slots()

    def add(self, fields: list[Waiting], *, is_fresh: bool = False) -> list[Written]:
        """Add fields; in one that is fresh all labels are sorted, and nothing is there to compare fields with."""
        spots = [spot for _, spot, _ in fields]
        lengths = {name: len(labels) for name, labels in self._slots.axes.items()}
        if is_fresh:
            self._slots.arrange(spots)
        slots = self._slots.place(spots, self._path)
        grown = [name for name, labels in self._slots.axes.items() if len(labels) > lengths.get(name, 0)]
        for spot, (_, _, values) in zip(spots, fields, strict=True):
            self._declare(spot, values)
        written = [self._write(one, slot) for one, slot in zip(fields, slots, strict=True)]
        for name in grown:
            self._write_labels(name)
        for array in self._arrays.values():
            array.grow({name: len(labels) for name, labels in self._slots.axes.items()})
        self._publish()
        return written

    def _publish(self) -> None:
        """The documents of arrays that grew, and then that of the root."""
        for name, array in self._arrays.items():
            if self._before.get(name) != array.shape:
                write_file(self._path / name / "zarr.json", json.dumps(array.document).encode())
        self._attributes["grid"] = self._slots.grid
        metadata = {name: array.document for name, array in sorted(self._arrays.items())}
        document = {
            "zarr_format": 3,
            "node_type": "group",
            "attributes": self._attributes,
            "consolidated_metadata": {"kind": "inline", "must_understand": False, "metadata": metadata},
        }
        write_file(self._path / "zarr.json", json.dumps(document).encode())

    def _write(self, waiting: Waiting, slot: tuple[int, ...]) -> Written:
        keys, spot, values = waiting
        array = self._arrays[spot.variable]
        place = self._path / spot.variable / array.chunk_key((*slot, *(0 for _ in values.shape)))
        data = array.encode(values)
        is_new = not (place.exists() and place.read_bytes() == data and self._is_within(spot.variable, slot))
        if is_new:
            write_file(place, data)
        return Written(keys, str(place), checksum_of(data), len(data), is_new=is_new)

    def _is_within(self, variable: str, slot: tuple[int, ...]) -> bool:
        """Whether readers know of the slot already: what a killed process wrote beyond them was never seen."""
        before = self._before.get(variable)
        return before is not None and all(one < size for one, size in zip(slot, before, strict=False))

    def _declare(self, spot: Spot, like: np.ndarray) -> None:
        for name, (dims, values, attributes) in grid_variables(spot).items():
            if name not in self._arrays:
                self._arrays[name] = array = ZarrArray.new(name, np.asarray(values), dims, attributes)
                write_file(self._path / name / array.chunk_key((0,) * np.ndim(values)), array.encode(values))
        self._declare_axis(spot.time, "int64", time_attributes(spot.time, is_interval=spot.is_interval))
        for name, attributes in time_companions(spot.time, is_interval=spot.is_interval).items():
            self._declare_axis(name, "int64", attributes, spot.time)
        for name, _ in spot.axes:
            self._declare_axis(name, axis_dtype(name), axis_attributes(name))
        if spot.variable not in self._arrays:
            self._arrays[spot.variable] = ZarrArray.of_fields(
                spot.variable, like, spot.dims, spot.attributes, self._level
            )

    def _declare_axis(self, name: str, dtype: str, attributes: Mapping[str, str], axis: str = "") -> None:
        if name not in self._arrays:
            dims = (axis or name, "bounds") if name.endswith("_bounds") else (axis or name,)
            self._arrays[name] = ZarrArray.of_labels(name, dtype, dims, attributes, _LABELS_PER_CHUNK)

    def _write_labels(self, name: str) -> None:
        labels = self._slots.labels(name)
        if not isinstance(labels[0], Moment):
            self._write_chunks(name, labels)
            return
        beside = [companions_of(one) for one in labels]
        self._write_chunks(name, [one.valid for one in labels])
        self._write_chunks(f"{name}_reference", [one[0] for one in beside])
        if f"{name}_bounds" in self._arrays:
            self._write_chunks(f"{name}_bounds", [one[1] for one in beside])

    def _write_chunks(self, name: str, labels: list[Any]) -> None:
        """All chunks from the first that a new label is in; what stands in it already stays as it is."""
        array = self._arrays[name]
        old = self._before.get(name, (0,))[0]
        for first in range(old // _LABELS_PER_CHUNK * _LABELS_PER_CHUNK, len(labels), _LABELS_PER_CHUNK):
            place = self._path / name / array.chunk_key((first // _LABELS_PER_CHUNK, *(0,) * (len(array.shape) - 1)))
            write_file(place, array.encode_labels(labels[first : first + _LABELS_PER_CHUNK]))

    def _read_slots(self) -> Slots:
        axes: dict[str, list[Any]] = {}
        constants = {n: one.attributes["mars"] for n, one in self._arrays.items() if "mars" in one.attributes}
        for name, array in self._arrays.items():
            if array.is_axis:
                axes[name] = list(self._labels(name))
        for name in [name for name in axes if f"{name}_reference" in self._arrays]:
            references = self._labels(f"{name}_reference")
            bounds = f"{name}_bounds"
            starts = [one[0] for one in self._labels(bounds)] if bounds in self._arrays else axes[name]
            axes[name] = [Moment(*found) for found in zip(axes[name], references, starts, strict=True)]
        return Slots(axes, constants, str(self._attributes.get("grid", "")))

    def _labels(self, name: str) -> Iterable[Any]:
        array = self._arrays[name]
        found: list[Any] = []
        for number in range(-(-array.shape[0] // _LABELS_PER_CHUNK)):
            key = array.chunk_key((number, *(0,) * (len(array.shape) - 1)))
            found += array.decode_labels((self._path / name / key).read_bytes())
        return found[: array.shape[0]]
