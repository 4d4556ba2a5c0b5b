"""The action `encode`: fields become GRIB2 messages, by keys and templates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from dtedask.core.errors import FieldError, GribError, PlanError
from dtedask.grib import PACKINGS, Encoder, scan
from dtedask.pipeline.action import Action, ActionOptions, Context
from dtedask.request import is_key

if TYPE_CHECKING:
    from dtedask.grib import FieldDescription, Grid
    from dtedask.pipeline.compute import Compute
    from dtedask.pipeline.message import Message

_STATISTICS = {"avg": 0, "accum": 1, "max": 2, "min": 3, "diff": 4, "rms": 5, "sd": 6, "cov": 7, "sdiff": 8, "ratio": 9}
_OF_REQUESTS = frozenset(
    (
        *("grid", "area", "accuracy", "packing", "format", "bitmap", "frame", "intgrid", "padding", "resol"),
        *("rotation", "gaussian", "repres", "truncation", "interpolation", "target", "database", "source"),
        *("expect", "use"),
    )
)
_MISC = "misc-"
_OVERWRITES = "encoder-overwrites"
Number = str | int | float


class PackingOptions(ActionOptions):
    """How values are packed."""

    packing: Literal["ccsds", "simple", "ieee", "complex", "second-order"] | None = None
    """By default as the key ``packing`` of a field says, else ``ccsds``. ``ieee`` keeps every bit; ``complex`` and
    ``second-order`` pack groups of values."""
    bits_per_value: int | None = Field(None, alias="bits-per-value", ge=1, le=64)
    """Bits of each packed value; by default as the field came, else 16."""
    decimal_scale: int = Field(0, alias="decimal-scale")
    """Power of ten by which values are multiplied before they are packed."""
    accuracy: float | None = Field(None, gt=0)
    """Largest absolute error, in the units of the field; the bits follow from it, field by field."""
    cached: bool = True
    """Keep headers: that of fields which differ in date, time, step, level and member only is made once."""

    def encoder(self, template: bytes = b"", overwrite: Mapping[str, Number] | None = None) -> Encoder:
        """What encodes as these options say."""
        return Encoder(
            packing=self.packing or "ccsds",
            bits_per_value=self.bits_per_value,
            decimal_scale=self.decimal_scale,
            accuracy=self.accuracy,
            cached=self.cached,
            template=template,
            overwrite=tuple((overwrite or {}).items()),
        )


class EncodeOptions(PackingOptions):
    """Fields become GRIB2 messages, or raw numbers."""

    format: Literal["grib", "raw"] = "grib"
    """``grib``, or ``raw`` for the float64 numbers as they are, little-endian."""
    template: str = ""
    """A GRIB2 file: its first message says what the keys of a field do not. Without it ecCodes' own sample is taken."""
    overwrite: dict[str, Number] = Field(default={})
    """Keys of ecCodes that are set last, whatever the field says."""
    additional_metadata: dict[str, Number] = Field(default={}, alias="additional-metadata")
    """Keys that stand beside those of the field: MARS keys replace its own, others are set as keys of ecCodes."""
    run: dict[str, Number] = Field(default={})
    """As `additional-metadata`: MultIO's plans say here what a run is."""
    grid_type: str = Field("", alias="grid-type")
    """MultIO's name of an ocean grid. Accepted; the grid is that of the field."""
    unstructured_grid_type: str = Field("", alias="unstructured-grid-type")
    """As `grid-type`, of newer plans of MultIO."""
    grid_downloader_template: str = Field("", alias="grid-downloader-template")
    """MultIO's template for coordinates that it downloads. Accepted; nothing is downloaded."""
    atlas_named_grid: str = Field("", alias="atlas-named-grid")
    """The grid that fields must have, such as ``O320``; they are not changed."""

    def files(self) -> tuple[str, ...]:
        """See `ActionOptions`."""
        return (self.template,) if self.template else ()

    @model_validator(mode="before")
    @classmethod
    def _unfolded(cls, document: Any) -> Any:
        """MultIO takes the options in a section ``encoding`` as well."""
        if isinstance(document, Mapping) and isinstance(document.get("encoding"), Mapping):
            return {**{key: value for key, value in document.items() if key != "encoding"}, **document["encoding"]}
        return document


@dataclass(frozen=True, slots=True)
class EncodeField:
    """The function that encodes one field; it travels to where the values are.

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
    """

    encoder: Encoder
    keys: tuple[tuple[str, str], ...]
    grid: Grid
    attributes: tuple[tuple[str, Any], ...]
    interval: tuple[int, int] | None

    def __call__(self, values: np.ndarray) -> bytes:
        """Return the message."""
        return self.encoder.encode(
            np.asarray(values),
            dict(self.keys),
            self.grid,
            attributes=dict(self.attributes),
            interval=self.interval,
        )


def encode_field(
    message: Message, encoder: Encoder, more: Mapping[str, Number] | None = None, *, as_it_says: bool = False
) -> EncodeField:
    """Say how a field is to be encoded, by its keys.

    Parameters
    ----------
    message : Message
        The field.
    encoder : Encoder
        How fields of the plan are encoded.
    more : mapping, optional
        MARS keys that replace its own.
    as_it_says : bool
        Whether the key ``packing`` of the field counts.

    Raises
    ------
    FieldError
        If it has no grid, or lacks a key that every message has.
    """
    described = message.description
    if described is None:
        raise FieldError(
            f"The {message} has no grid and cannot be encoded.", hint="Its source must say where its points are."
        )
    keys = {key: value for key, value in message.mars_keys.items() if key not in _OF_REQUESTS}
    keys |= {key: str(value) for key, value in (more or {}).items()}
    lacking = [key for key in ("class", "stream", "expver", "type", "param", "date") if key not in keys]
    if lacking:
        raise FieldError(
            f"The {message} has no {', '.join(lacking)} and cannot be encoded.",
            hint="Give it by metadata-mapping, or by additional-metadata of encode.",
        )
    if as_it_says and message.keys.get("packing") in PACKINGS:
        encoder = replace(encoder, packing=message.keys["packing"])
    return EncodeField(
        _with_misc(encoder, message.keys), tuple(keys.items()), described.grid, tuple(said_of(described).items()),
        described.interval,
    )  # fmt: skip


def said_of(described: FieldDescription) -> dict[str, Any]:
    """``GRIB_*`` attributes of a field, and which statistic it is."""
    attributes: dict[str, Any] = dict(described.attributes)
    if described.interval is not None and described.step_type in _STATISTICS:
        attributes.setdefault("GRIB_typeOfStatisticalProcessing", _STATISTICS[described.step_type])
    return attributes


def _with_misc(encoder: Encoder, keys: Mapping[str, Any]) -> Encoder:
    """MultIO's keys ``misc-...`` of a field, and those below ``encoder-overwrites``, are keys of ecCodes."""
    misc = {key.removeprefix(_MISC): value for key, value in keys.items() if key.startswith(_MISC)}
    misc |= keys.get(_OVERWRITES) or {}
    if not misc:
        return encoder
    bits = misc.pop("bitsPerValue", None)
    if bits is not None and encoder.bits_per_value is None:
        encoder = replace(encoder, bits_per_value=int(bits))
    for key in ("missingValue", "bitmapPresent", "precision", "globalSize"):
        misc.pop(key, None)  # the values say it: missing points are NaN
    return replace(encoder, overwrite=(*misc.items(), *encoder.overwrite))


def raw(values: np.ndarray) -> bytes:
    """The float64 numbers as they are, little-endian."""
    return np.ascontiguousarray(values, dtype="<f8").tobytes()


class Encode(Action):
    """Gives each field its message; what is encoded already is handed on."""

    Options = EncodeOptions
    on_archive: ClassVar[Literal["run", "end", "pass"]] = "pass"

    def __init__(self, options: EncodeOptions, context: Context) -> None:
        super().__init__(options, context)
        given = {**options.run, **options.additional_metadata}
        self._more = {key: value for key, value in given.items() if is_key(key)}
        others = {key: value for key, value in given.items() if not is_key(key)}
        template = read_template(context.folder / options.template) if options.template else b""
        self._encoder = options.encoder(template, {**others, **options.overwrite})

    def handle(self, message: Message, state: Any, compute: Compute) -> Iterable[Message]:  # noqa: ARG002
        """See `Action`."""
        if not message.is_field or message.data is not None:
            yield message
            return
        if self.options.format == "raw":
            yield message.replaced(data=compute.call("encode-raw", raw, message.values), values=None)
            return
        self._check_grid(message)
        as_it_says = self.options.packing is None
        function = encode_field(message, self._encoder, self._more, as_it_says=as_it_says)
        data = compute.call("encode", function, message.values)
        keys = {**message.keys, **{key: str(value) for key, value in self._more.items()}}
        yield message.replaced(keys=keys, data=data, values=None)

    def _check_grid(self, message: Message) -> None:
        wanted = self.options.atlas_named_grid
        if wanted and message.description is not None and message.description.grid.label != wanted:
            raise FieldError(
                f"The {message} is on the grid {message.description.grid.label} and not on {wanted}, which "
                "atlas-named-grid asks for.",
                hint="Interpolate it before it is encoded.",
            )


def read_template(path: Path) -> bytes:
    """The first message of a file.

    Raises
    ------
    PlanError
        If there is none, or it is no GRIB2.
    """
    try:
        first = next(iter(scan(path)), None)
    except (OSError, GribError) as error:
        raise PlanError(f"The template {str(path)!r} cannot be read: {error}") from error
    if first is None or first.field.edition != 2:
        raise PlanError(
            f"The template {str(path)!r} is no GRIB2.", hint="Convert it: grib_set -s edition=2 TEMPLATE NEW."
        )
    return first.read()
