"""What a format is: how the fields of a product become a file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict

from dtedask.core.by_type import ByType
from dtedask.core.registry import Registry

if TYPE_CHECKING:
    from dtedask.grib import FieldDescription
    from dtedask.products.operation import Operation
    from dtedask.products.product import Part, Product

__all__ = ["ENTRY_POINTS", "AnyFormat", "Format", "FormatOptions", "format_class", "format_types", "make_format"]

ENTRY_POINTS = "dtedask.product_formats"
_OWN = {
    "csv": "dtedask.products.formats.csv:Csv",
    "coveragejson": "dtedask.products.formats.coveragejson:CoverageJson",
    "cube": "dtedask.products.formats.cube:Cube",
    "grib2": "dtedask.products.formats.grib:Grib",
    "netcdf": "dtedask.products.formats.netcdf:Netcdf",
    "parquet": "dtedask.products.formats.parquet:Parquet",
    "png": "dtedask.products.formats.png:Png",
    "zarr": "dtedask.products.formats.zarr:Zarr",
}
_OLDER = {"grib": "grib2", "gb": "grib2", "nc": "netcdf", "covjson": "coveragejson"}


class FormatOptions(BaseModel):
    """What stands under ``format`` in a requirement, its type included; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, populate_by_name=True, frozen=True)

    type: str
    """How products are written."""


class Format(ABC):
    """How products are written. The same parts give the same bytes, on every machine and in every run.

    Parameters
    ----------
    options : FormatOptions
        What the requirement says, an object of the class's `Options`.
    """

    Options: ClassVar[type[FormatOptions]] = FormatOptions
    suffix: ClassVar[str]
    """What the names of its files end with, such as ``.grib2``; "" where there is no file."""
    media_type: ClassVar[str] = "application/octet-stream"
    is_folder: ClassVar[bool] = False
    """Whether it writes a folder and not a file."""
    default_name: ClassVar[str]
    """Template of the name where a requirement gives none."""

    def __init__(self, options: Any) -> None:
        self.options = options

    @property
    def identity(self) -> str:
        """All that the bytes depend on beside the parts, as a text: options, versions of libraries."""
        return str(self.options.model_dump_json())

    def encoding(self, field: FieldDescription) -> Operation | None:  # noqa: ARG002 - most of them take values
        """The operation that makes a field's share of the file, such as its GRIB message, once for all products.

        Raises
        ------
        DtedaskError
            If the format cannot hold such a field.
        """
        return None

    def check(self, product: Product, fields: Sequence[FieldDescription]) -> None:  # noqa: B027 - most of them take all
        """Look whether it can hold these fields together, before anything is read.

        Raises
        ------
        ProductError
            If it cannot: two grids in one map, for example.
        """

    def pieces(
        self,
        product: Product,  # noqa: ARG002 - most of them do not have it in pieces
        parts: Sequence[Part],  # noqa: ARG002
        lineage: Mapping[str, str],  # noqa: ARG002
    ) -> Sequence[bytes] | None:
        """What `write` would write, one behind the other, where it is in memory anyway; else None.

        It is written and its checksum taken without being read again.
        """
        return None

    @abstractmethod
    def write(self, product: Product, parts: Sequence[Part], path: Path, lineage: Mapping[str, str]) -> None:
        """Write all of a product to a new file, or a new folder; what is half written at an error is removed by others.

        Parameters
        ----------
        product : Product
            What it is.
        parts : sequence of Part
            Its fields, in order.
        path : Path
            Where; does not exist yet.
        lineage : mapping of str to str
            What formats with room for it say of where the product is from; the same for the same content.
        """


_FORMATS = Registry("format", ENTRY_POINTS, _OWN)


def format_types() -> dict[str, str]:
    """Names of all formats, ours and those of installed packages, and where each is."""
    return _FORMATS.places()


def format_class(name: str) -> type[Format]:
    """Find the class of a format.

    Raises
    ------
    DocumentError
        If there is none of this name.
    """
    found: type[Format] = _FORMATS.load(_canonical(name))
    return found


def make_format(options: FormatOptions) -> Format:
    """Make a format of what a requirement says."""
    return format_class(options.type)(options)


def _canonical(name: str) -> str:
    return _OLDER.get(name.lower(), name.lower())


AnyFormat = Annotated[
    FormatOptions, ByType("format", format_types, lambda name: format_class(name).Options, _canonical)
]
"""A format in a document: what stands there is checked by the options of its type."""
