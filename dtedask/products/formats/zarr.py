"""The format `zarr`: a folder of plain Zarr, format 3, by the CF conventions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from dtedask.core.errors import ProductError
from dtedask.pipeline.sinks.zarr import GrowingZarr
from dtedask.products.formats.cf import CfFormat, CfOptions, attributes_of, fields_of

if TYPE_CHECKING:
    from dtedask.products.product import Part, Product

__all__ = ["Zarr", "ZarrOptions"]


class ZarrOptions(CfOptions):
    """A folder of plain Zarr, format 3, by the CF conventions."""

    level: int = Field(1, ge=0, le=9)
    """Level of blosc's lz4 with bitshuffle; 0 for no compression."""


class Zarr(CfFormat):
    """A folder of plain Zarr, format 3, with consolidated metadata; a chunk is a field."""

    Options = ZarrOptions
    suffix = ".zarr"
    media_type = "application/vnd.zarr"
    is_folder = True
    default_name = "{name}-{date}-{time}"

    @property
    def identity(self) -> str:
        """See `Format`."""
        return f"{super().identity} {_libraries()}"

    def write(self, product: Product, parts: Sequence[Part], path: Path, lineage: Mapping[str, str]) -> None:
        """See `Format`."""
        if path.exists():
            raise ProductError(f"The folder of {product.file_name!r} exists: {path}.", hint="Write it to a new one.")
        options: ZarrOptions = self.options
        growing = GrowingZarr(path, options.level, attributes=attributes_of(options, lineage))
        growing.add(fields_of(parts, options.dtype), is_fresh=True)


@cache
def _libraries() -> str:
    """What compresses the chunks."""
    from numcodecs import blosc

    return f"numcodecs {version('numcodecs')}, blosc {blosc.VERSION_STRING}"
