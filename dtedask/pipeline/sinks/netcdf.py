"""The sink `netcdf`: fields go into NetCDF files by the CF conventions, which grow along time."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from dtedask.core.errors import SinkError
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
from dtedask.pipeline.sinks.checksum import checksum_of_values
from dtedask.pipeline.sinks.manifest import Written

if TYPE_CHECKING:
    import h5netcdf


class NetcdfOptions(CfOptions):
    """Fields go into NetCDF-4 files by the CF conventions, whose times are unlimited."""

    compression: int = Field(0, ge=0, le=9)
    """Level of deflate, 0 for none."""


class NetcdfSink(CfSink):
    """Adds fields to a copy of a file, which then takes the file's place: readers see all of a flush or nothing.

    A flush takes as long as copying the file does: name files by ``{date}`` or ``{step}`` where they become large.
    """

    Options = NetcdfOptions

    def _add(self, path: Path, fields: list[Waiting], *, begins: bool) -> list[Written]:
        part = path.with_name(f"{path.name}.part")
        path.parent.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        try:
            written = self._add_to(part, path, fields, copies=not begins and path.exists())
            if any(one.is_new for one in written):
                _sync(part)
                part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        return written

    def _add_to(self, part: Path, path: Path, fields: list[Waiting], *, copies: bool) -> list[Written]:
        import h5netcdf

        if copies:
            shutil.copyfile(path, part)
        try:
            with h5netcdf.File(part, "a" if copies else "w") as file:
                return GrowingNetcdf(file, path, self.options.compression).add(fields)
        except (OSError, RuntimeError) as error:  # HDF5 says a full disk in many ways, on closing too
            raise SinkError(
                f"{str(path)!r} cannot be written: {error}",
                hint="What was acknowledged stays. Look whether the disk is full, and flush again.",
            ) from error


class GrowingNetcdf:
    """One open file."""

    def __init__(self, file: h5netcdf.File, path: Path, compression: int) -> None:
        self._file = file
        self._path = path
        self._compression = compression
        self._slots = _slots_of(file)

    def add(self, fields: list[Waiting], *, is_fresh: bool = False) -> list[Written]:
        """Add fields; in one that is fresh all labels are sorted, and nothing is there to compare fields with."""
        spots = [spot for _, spot, _ in fields]
        before = {name: len(labels) for name, labels in self._slots.axes.items()}
        if is_fresh:
            self._slots.arrange(spots)
        slots = self._slots.place(spots, self._path)
        self._file.attrs["Conventions"] = CONVENTIONS
        for spot in spots:
            self._grid(spot)
            self._axis(spot.time, spot.is_interval)
            for name, _ in spot.axes:
                self._axis(name, None)
        for name in self._slots.axes:
            self._lengthen(name, before.get(name, 0))
        return [self._write(one, slot, is_fresh=is_fresh) for one, slot in zip(fields, slots, strict=True)]

    def _grid(self, spot: Spot) -> None:
        for name, size in zip(spot.grid.dims, spot.grid.shape, strict=True):
            if name not in self._file.dimensions:
                self._file.dimensions[name] = size
        for name, (dims, values, attributes) in grid_variables(spot).items():
            if name not in self._file.variables:
                made = self._file.create_variable(name, dims, data=np.asarray(values))
                made.attrs.update(attributes)
        self._file.attrs["grid"] = spot.grid.uid

    def _axis(self, name: str, is_interval: bool | None) -> None:
        file = self._file
        if name in file.variables:
            return
        file.dimensions[name] = None
        if is_interval is None:
            dtype: Any = axis_dtype(name)
            file.create_variable(name, (name,), dtype=_text() if dtype == "string" else dtype).attrs.update(
                axis_attributes(name)
            )
            return
        file.create_variable(name, (name,), dtype="int64").attrs.update(time_attributes(name, is_interval=is_interval))
        for other, attributes in time_companions(name, is_interval=is_interval).items():
            dims: tuple[str, ...] = (name,)
            if other.endswith("_bounds"):
                if "bounds" not in file.dimensions:
                    file.dimensions["bounds"] = 2
                dims = (name, "bounds")
            file.create_variable(other, dims, dtype="int64").attrs.update(attributes)

    def _lengthen(self, name: str, before: int) -> None:
        labels = self._slots.labels(name)
        if len(labels) == before:
            return
        self._file.resize_dimension(name, len(labels))
        fresh = labels[before:]
        if not isinstance(fresh[0], Moment):
            self._file.variables[name][before:] = np.array(fresh, dtype=object if isinstance(fresh[0], str) else None)
            return
        self._file.variables[name][before:] = np.array([one.valid for one in fresh], "int64")
        beside = [companions_of(one) for one in fresh]
        self._file.variables[f"{name}_reference"][before:] = np.array([one[0] for one in beside], "int64")
        if f"{name}_bounds" in self._file.variables:
            self._file.variables[f"{name}_bounds"][before:] = np.array([one[1] for one in beside], "int64")

    def _write(self, waiting: Waiting, slot: tuple[int, ...], *, is_fresh: bool) -> Written:
        keys, spot, values = waiting
        variable = self._variable(spot, values)
        is_new = is_fresh or not _is_there(variable, slot, values)
        if is_new:
            variable[slot] = values
        checksum, size = checksum_of_values(values, str(values.dtype))
        place = ",".join(map(str, slot))
        return Written(keys, f"{self._path}#{spot.variable}[{place}]", checksum, size, is_new=is_new)

    def _variable(self, spot: Spot, values: np.ndarray) -> Any:
        if spot.variable in self._file.variables:
            return self._file.variables[spot.variable]
        options: dict[str, Any] = {"compression": "gzip", "compression_opts": self._compression, "shuffle": True}
        made = self._file.create_variable(
            spot.variable,
            spot.dims,
            dtype=values.dtype,
            fillvalue=values.dtype.type(np.nan),
            chunks=(*(1 for _ in range(1 + len(spot.axes))), *values.shape),
            **(options if self._compression else {}),
        )
        made.attrs.update(spot.attributes)
        return made


def _is_there(variable: Any, slot: tuple[int, ...], values: np.ndarray) -> bool:
    """Whether the very same values stand there; missing ones stand everywhere that nothing was written to."""
    return np.array_equal(np.asarray(variable[slot]), values, equal_nan=True) and not bool(np.isnan(values).all())


def _slots_of(file: h5netcdf.File) -> Slots:
    variables = file.variables
    constants = {name: str(one.attrs["mars"]) for name, one in variables.items() if "mars" in one.attrs}
    spatial = {name for name, size in file.dimensions.items() if not size.isunlimited()}
    axes: dict[str, list[Any]] = {}
    for name in file.dimensions:
        if name in spatial or name not in variables:
            continue
        labels = np.asarray(variables[name][:]).tolist()
        axes[name] = labels
        if f"{name}_reference" in variables:
            references = np.asarray(variables[f"{name}_reference"][:]).tolist()
            bounds = f"{name}_bounds"
            starts = np.asarray(variables[bounds][:])[:, 0].tolist() if bounds in variables else labels
            axes[name] = [Moment(*found) for found in zip(labels, references, starts, strict=True)]
    return Slots(axes, constants, str(file.attrs.get("grid", "")))


def _text() -> Any:
    import h5py

    return h5py.string_dtype()


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
