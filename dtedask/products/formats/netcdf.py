"""The format `netcdf`: NetCDF-4 by the CF conventions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from dtedask.pipeline.sinks.netcdf import GrowingNetcdf
from dtedask.products.formats.cf import CfFormat, CfOptions, attributes_of, fields_of

if TYPE_CHECKING:
    from dtedask.products.product import Part, Product

__all__ = ["Netcdf", "NetcdfOptions"]


class NetcdfOptions(CfOptions):
    """NetCDF-4 by the CF conventions."""

    compression: int = Field(1, ge=0, le=9)
    """Level of deflate, 0 for none."""


class Netcdf(CfFormat):
    """One file of NetCDF-4; a chunk is a field."""

    Options = NetcdfOptions
    suffix = ".nc"
    media_type = "application/x-netcdf"
    default_name = "{name}-{date}-{time}"

    @property
    def identity(self) -> str:
        """See `Format`."""
        return f"{super().identity} {_libraries()}"

    def write(self, product: Product, parts: Sequence[Part], path: Path, lineage: Mapping[str, str]) -> None:  # noqa: ARG002
        """See `Format`."""
        import h5netcdf

        options: NetcdfOptions = self.options
        with h5netcdf.File(path, "x") as file:
            file.attrs.update(attributes_of(options, lineage))
            GrowingNetcdf(file, path, options.compression).add(fields_of(parts, options.dtype), is_fresh=True)


@cache
def _libraries() -> str:
    """NetCDF-4 names what wrote it."""
    import h5py

    return f"h5netcdf {version('h5netcdf')}, h5py {h5py.__version__}, HDF5 {h5py.version.hdf5_version}"
