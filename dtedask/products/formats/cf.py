"""What the formats `netcdf` and `zarr` share: fields in variables by the CF conventions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field, field_validator

from dtedask.core.errors import ProductError
from dtedask.pipeline.sinks.cf import Slots, Spot, spot_of
from dtedask.products.format import Format, FormatOptions
from dtedask.products.formats.extract import refuse_placeless
from dtedask.products.formats.moments import Remembered, labelled_apart, moment_of

if TYPE_CHECKING:
    from dtedask.grib import Coordinate, FieldDescription
    from dtedask.pipeline.sinks.cf_sink import Waiting
    from dtedask.products.product import Part, Product

__all__ = ["CfFormat", "CfOptions", "fields_of"]

_OURS = frozenset({"Conventions", "grid", "lineage"})


class CfOptions(FormatOptions):
    """What files by the CF conventions have in common."""

    dtype: Literal["float32", "float64"] = "float32"
    """Type of the values."""
    attributes: dict[str, str | int | float] = Field(default={})
    """What stands beside `Conventions` and the lineage: title, institution, licence and the like."""

    @field_validator("attributes", mode="after")
    @classmethod
    def _are_theirs(cls, attributes: dict[str, Any]) -> dict[str, Any]:
        taken = sorted(_OURS & attributes.keys())
        if taken:
            raise ValueError(f"the attribute {taken[0]} is written by itself: leave it out")
        return attributes


class CfFormat(Format):
    """Fields of one grid in variables by parameter, over time, member, level and the grid; axes ascend."""

    Options = CfOptions

    def check(self, product: Product, fields: Sequence[FieldDescription]) -> None:
        """See `Format`."""
        slots, taken = Slots({}, {}, ""), set()
        for said, field in zip(labelled_apart(fields), fields, strict=True):
            if field.grid.kind != "unstructured":  # fields without coordinates are of use to who has the grid
                refuse_placeless(field.grid)
            spot = replace(_spot_anywhere(field), grid=field.grid, variable=said.variable)
            (place,) = slots.place([spot], product.file_name)
            if (spot.variable, place) in taken:
                raise ProductError(
                    f"Two fields of {product.file_name!r} are {spot.variable} at the same time, of the same member and "
                    "level.",
                    hint="Make them products of their own, by names of files such as {type}-{date}-{step}.",
                )
            taken.add((spot.variable, place))


def fields_of(parts: Sequence[Part], dtype: str) -> list[Waiting]:
    """Say where each part stands; a variable has the attributes that all of its fields share."""
    said = labelled_apart([part.description for part in parts])
    spots = [
        replace(_spot(part.description, part.coordinates), variable=one.variable)
        for one, part in zip(said, parts, strict=True)
    ]
    shared: dict[str, dict[str, Any]] = {}
    for spot in spots:
        known = shared.setdefault(spot.variable, dict(spot.attributes))
        for name in [name for name, value in known.items() if spot.attributes.get(name) != value]:
            del known[name]
    return [
        (
            tuple(part.description.keys.items()),
            replace(spot, attributes=shared[spot.variable]),
            np.asarray(part.payload, dtype).reshape(part.description.grid.shape),
        )
        for spot, part in zip(spots, parts, strict=True)
    ]


def attributes_of(options: CfOptions, lineage: Mapping[str, str]) -> dict[str, Any]:
    """Attributes of the whole file that do not follow from its fields."""
    said = {"lineage": json.dumps(dict(sorted(lineage.items())))} if lineage else {}
    return {**dict(sorted(options.attributes.items())), **said}


def _spot(field: FieldDescription, coordinates: Mapping[str, Coordinate]) -> Spot:
    return spot_of(field, moment_of(field), coordinates)


_spot_anywhere = Remembered(lambda field: _spot(field, {}))
