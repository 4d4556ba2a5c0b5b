"""The format `cube`: no file, but fields of the cubes of a root."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dtedask.core.errors import ProductError
from dtedask.products.format import Format, FormatOptions
from dtedask.products.formats.moments import Remembered
from dtedask.store.identity import address_of
from dtedask.store.schema import default_schema

if TYPE_CHECKING:
    from dtedask.grib import FieldDescription
    from dtedask.products.product import Part, Product

__all__ = ["Cube", "CubeOptions"]


class CubeOptions(FormatOptions):
    """Fields of a cube, whose schema says how they are stored."""


class Cube(Format):
    """Fields as they are, on any grids, for deliveries that put them into the cubes of a root; there is no file."""

    Options = CubeOptions
    suffix = ""
    media_type = "application/vnd.zarr"
    default_name = "{name}-{date}-{time}"

    def check(self, product: Product, fields: Sequence[FieldDescription]) -> None:
        """See `Format`."""
        found = set()
        for field in fields:
            address = _address(field)
            identity = (*address.identity, field.grid)
            if identity in found:
                raise ProductError(
                    f"Two fields of {product.file_name!r} are {address}, and a cube has room for one.",
                    hint="Let them differ in a key, such as param or expver, or write them as GRIB2.",
                )
            found.add(identity)

    def write(self, product: Product, parts: Sequence[Part], path: Path, lineage: Mapping[str, str]) -> None:  # noqa: ARG002
        """Refuse: there is no file.

        Raises
        ------
        ProductError
            Always.
        """
        raise ProductError(
            f"The product {product.id} is fields of a cube, and no file that a folder or an address could take.",
            hint="Deliver it by cube, or take a format with files, such as grib2, netcdf or zarr.",
        )


_address = Remembered(lambda field: address_of(field, default_schema()))
