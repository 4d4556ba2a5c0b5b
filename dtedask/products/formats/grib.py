"""The format `grib2`: GRIB messages, one behind the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field

from dtedask.core.errors import GribError, GribUnsupportedError, ProductError
from dtedask.grib import Encoder, Grid, encode_edition_1, library_version
from dtedask.grib.encoder import PACKINGS, PackingName
from dtedask.pipeline.actions.encode import said_of
from dtedask.products.format import Format, FormatOptions
from dtedask.products.operation import Operation

if TYPE_CHECKING:
    from dtedask.grib import FieldDescription
    from dtedask.products.product import Part, Product

__all__ = ["EncodeGrib", "Grib", "GribOptions"]

_NEEDED = ("class", "stream", "expver", "type", "param", "date")
_VARYING = frozenset({"date", "time", "step", "number", "levelist"})
_SMALL = {"regular_ll": "10/10", "regular_gg": "F16", "reduced_gg": "O16", "healpix": "H8", "sh": "T21"}
_USUAL_BITS = 16
_MOST_BITS = 32  # more are those of numbers that were not packed
_WORDS = {
    "archived-value": "av", "cc": "ccsds", "co": "complex", "grid_ccsds": "ccsds", "grid_complex": "complex",
    "grid_ieee": "ieee", "grid_second_order": "second-order", "grid_simple": "simple", "ie": "ieee",
    "second_order": "second-order", "sm": "simple", "so": "second-order",
}  # fmt: skip
_OF_FIELDS: dict[str, PackingName] = {name: word for word, name in PACKINGS.items()}  # type: ignore[misc]
_OF_FIELDS |= {"grid_second_order": "second-order"}


def _word(value: Any) -> Any:
    text = str(value).lower()
    return _WORDS.get(text, text)


def _bits(value: Any) -> Any:
    return "av" if isinstance(value, str) and _word(value) == "av" else value


class GribOptions(FormatOptions):
    """GRIB messages, one behind the other. The words are those of MARS."""

    edition: Literal[1, 2] = 2
    """Of GRIB; what edition 1 cannot say is refused."""
    packing: Annotated[Literal["av", "ccsds", "simple", "ieee", "complex", "second-order"], BeforeValidator(_word)] = (
        "av"
    )
    """How values are packed; ``av`` as those of the field were, or ``ccsds`` (edition 1: ``simple``)."""
    accuracy: Annotated[Literal["av"] | Annotated[int, Field(ge=1, le=64)], BeforeValidator(_bits)] = "av"
    """Bits of each packed value; ``av`` as many as those of the field had, or 16."""
    largest_error: float | None = Field(None, gt=0)
    """Largest absolute error of any value, in the units of the field; the bits follow from it, field by field."""
    decimal_scale: int = 0
    """Power of ten by which values are multiplied before they are packed."""
    padding: int = Field(0, ge=0)
    """Bytes of which each message takes a multiple: zeros follow it; 0 for none."""


@dataclass(frozen=True, slots=True)
class EncodeGrib(Operation):
    """Makes the message of a field.

    Parameters
    ----------
    encoder : Encoder
        How.
    keys : tuple of (str, str)
        MARS keys.
    grid : Grid
        Where the points are.
    attributes : tuple of (str, value)
        ``GRIB_*`` attributes.
    interval : tuple of int, optional
        The statistical interval.
    edition : int
        1 or 2.
    padding : int
        Bytes of which it takes a multiple, 0 for none.
    """

    name: ClassVar[str] = "encode"
    bytes_per_point: ClassVar[float] = 2.0
    encoder: Encoder
    keys: tuple[tuple[str, str], ...]
    grid: Grid
    attributes: tuple[tuple[str, Any], ...]
    interval: tuple[int, int] | None
    edition: int = 2
    padding: int = 0

    @property
    def identity(self) -> str:
        """See `Operation`."""
        what = (self.encoder, self.keys, self.grid.uid, self.attributes, self.interval, self.edition, self.padding)
        return f"{what!r}, ecCodes {library_version()}"

    def describe(self, *fields: FieldDescription) -> FieldDescription:
        """See `Operation`."""
        (field,) = fields
        packing = field.packing if self.grid.kind == "sh" else PACKINGS[self.encoder.packing]
        return replace(field, edition=self.edition, packing=packing, bits_per_value=self.encoder.bits_per_value or 0)

    def __call__(self, *values: NDArray[np.floating]) -> bytes:
        """See `Operation`."""
        (field,) = values
        encode = encode_edition_1 if self.edition == 1 else Encoder.encode
        attributes = dict(self.attributes)
        message = encode(
            self.encoder, np.asarray(field), dict(self.keys), self.grid, attributes=attributes, interval=self.interval
        )
        return message + bytes(-len(message) % self.padding if self.padding else 0)


class Grib(Format):
    """A file of GRIB messages in the order of the product's fields, each of which stands for itself."""

    Options = GribOptions
    suffix = ".grib2"
    media_type = "application/x-grib"
    default_name = "{name}-{date}-{time}"

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self._tried: dict[Any, GribError | None] = {}

    def encoding(self, field: FieldDescription) -> Operation:
        """See `Format`.

        Raises
        ------
        ProductError
            If it lacks a key that every message has.
        GribUnsupportedError
            If GRIB or ecCodes cannot say what it is, or not in this edition.
        """
        lacking = [key for key in _NEEDED if key not in field.keys]
        if lacking:
            raise ProductError(
                f"A field of {_text(field)} has no {', '.join(lacking)}, which every GRIB message says.",
                hint="Give it where the field is read, or take a format that does not need it, such as netcdf.",
            )
        options: GribOptions = self.options
        operation = EncodeGrib(
            self._encoder(field), tuple(field.keys.items()), field.grid, tuple(sorted(said_of(field).items())),
            field.interval, options.edition, options.padding,
        )  # fmt: skip
        self._try(operation)
        return operation

    def write(self, product: Product, parts: Sequence[Part], path: Path, lineage: Mapping[str, str]) -> None:
        """See `Format`."""
        with path.open("xb") as file:
            file.writelines(self.pieces(product, parts, lineage))

    def pieces(self, product: Product, parts: Sequence[Part], lineage: Mapping[str, str]) -> Sequence[bytes]:  # noqa: ARG002
        """See `Format`."""
        return [bytes(part.payload) for part in parts]

    def _try(self, operation: EncodeGrib) -> None:
        """Encode a small field of the kind, once for all that differ in time, level, member or points only."""
        fixed = frozenset(item for item in operation.keys if item[0] not in _VARYING)
        place = (
            fixed, operation.attributes, operation.interval is None, operation.grid.kind, operation.edition,
            operation.encoder.packing,
        )  # fmt: skip
        if place not in self._tried:
            grid = Grid(_SMALL[operation.grid.kind]) if operation.grid.kind in _SMALL else operation.grid
            try:
                trial = replace(operation, grid=grid, encoder=replace(operation.encoder, accuracy=None))
                trial(np.linspace(1.0, 2.0, grid.size).reshape(grid.shape))
                self._tried[place] = None
            except GribError as error:
                cause = error.__cause__
                self._tried[place] = cause if isinstance(cause, GribError) else error
        found = self._tried[place]
        if found is not None:
            keys = dict(operation.keys)
            raise GribUnsupportedError(
                f"The field of param={keys['param']} on the grid {operation.grid.label} cannot be written as "
                f"GRIB{operation.edition}: {found.message}",
                hint=found.hint,
            )

    def _encoder(self, field: FieldDescription) -> Encoder:
        options: GribOptions = self.options
        bits = field.bits_per_value if options.accuracy == "av" else options.accuracy
        if options.accuracy == "av" and not 0 < bits <= _MOST_BITS:
            bits = _USUAL_BITS
        return Encoder(
            packing=self._packing(field),
            bits_per_value=bits,
            decimal_scale=options.decimal_scale,
            accuracy=options.largest_error,
        )

    def _packing(self, field: FieldDescription) -> PackingName:
        options: GribOptions = self.options
        if options.packing != "av":
            return options.packing
        usual: PackingName = "simple" if options.edition == 1 else "ccsds"
        known = _OF_FIELDS.get(field.packing, usual)
        return "simple" if options.edition == 1 and known == "ccsds" else known


def _text(field: FieldDescription) -> str:
    return ",".join(f"{key}={value}" for key, value in field.keys.items())
