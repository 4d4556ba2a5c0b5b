"""What fields can be written to: netCDF, GRIB2 and Zarr."""

from __future__ import annotations

import os
import shutil
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from dtedask.core.errors import DtedaskError, SeveralGroupsError
from dtedask.core.nearest import did_you_mean

if TYPE_CHECKING:
    from dtedask.request import Request
    from dtedask.store import Store


@dataclass(frozen=True, slots=True)
class Written:
    """What was written."""

    fields: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Target(ABC):
    """A file to be written.

    Parameters
    ----------
    path : Path
        The file.
    tree : bool
        Whether fields of several groups are wanted.
    """

    path: Path
    tree: bool = False

    @abstractmethod
    def write(self, store: Store, request: Request, *, allow_missing: bool) -> Written:
        """Write the fields that a request takes."""

    def _lazy(self, store: Store, request: Request, allow_missing: bool) -> Any:
        if self.tree:
            return store.retrieve_tree(request, allow_missing=allow_missing).chunk()
        try:
            return store.retrieve(request, allow_missing=allow_missing).chunk()
        except SeveralGroupsError as error:
            hint = "Name one of them in the request, or write all with --tree."
            raise SeveralGroupsError(error.message, hint=hint) from error


class NetcdfTarget(Target):
    """A netCDF 4 file."""

    def write(self, store: Store, request: Request, *, allow_missing: bool) -> Written:
        """Write the dataset, block by block."""
        data = self._lazy(store, request, allow_missing)
        with replacing(self.path) as path:
            data.to_netcdf(path, engine="h5netcdf")
        return Written(_count(store, request), self.path.stat().st_size)


class ZarrTarget(Target):
    """A Zarr folder."""

    def write(self, store: Store, request: Request, *, allow_missing: bool) -> Written:
        """Write the dataset, block by block."""
        data = self._lazy(store, request, allow_missing)
        if self.path.exists() and not _is_zarr(self.path):
            raise DtedaskError(f"{str(self.path)!r} exists and is no Zarr folder.", hint="Name another one.")
        with replacing(self.path) as path:
            data.to_zarr(path, consolidated=False)
        return Written(_count(store, request), _folder_size(self.path))


class GribTarget(Target):
    """A GRIB2 file, or standard output."""

    def write(self, store: Store, request: Request, *, allow_missing: bool) -> Written:
        """Write one message a field."""
        messages = store.to_grib(request, allow_missing=allow_missing)
        if str(self.path) == "-":
            return _copy(messages, sys.stdout.buffer)
        with replacing(self.path) as path, path.open("wb") as file:
            return _copy(messages, file)


_ENDINGS: dict[str, type[Target]] = {
    ".nc": NetcdfTarget,
    ".nc4": NetcdfTarget,
    ".grib": GribTarget,
    ".grib2": GribTarget,
    ".grb2": GribTarget,
    ".zarr": ZarrTarget,
}


def target_of(name: str, *, tree: bool = False) -> Target:
    """Say how a file is written, by its ending; `-` is GRIB on standard output."""
    path = Path(name).expanduser()
    kind = GribTarget if name == "-" else _ENDINGS.get(path.suffix.lower())
    if kind is None:
        hint = did_you_mean(path.suffix, _ENDINGS) if path.suffix else f"Use one of {', '.join(_ENDINGS)}."
        raise typer.BadParameter(f"the ending of {name!r} names no format. {hint}", param_hint="'--to'")
    if not path.absolute().parent.is_dir():
        raise typer.BadParameter(f"there is no folder {str(path.parent)!r} to write into.", param_hint="'--to'")
    return kind(path, tree)


def _copy(messages: Iterator[bytes], file: Any) -> Written:
    fields = count = 0
    for message in messages:
        fields += 1
        count += file.write(message)
    return Written(fields, count)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path to write to, which takes the place of another when all went well."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        if path.is_dir():
            shutil.rmtree(path)
        temporary.replace(path)
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary)
        temporary.unlink(missing_ok=True)


def _count(store: Store, request: Request) -> int:
    return sum(1 for _ in store.list(request))


def _is_zarr(path: Path) -> bool:
    return any((path / name).exists() for name in ("zarr.json", ".zgroup"))


def _folder_size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
