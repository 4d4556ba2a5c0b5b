"""The format `coveragejson`: points, series, profiles and grids for the web, by OGC's standard."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pydantic import Field, model_validator

from dtedask.products.format import Format
from dtedask.products.formats.blocks import blocks_of
from dtedask.products.formats.coverages import DomainName, document_of
from dtedask.products.formats.extract import extraction
from dtedask.products.formats.stations import StationOptions
from dtedask.products.formats.table import refuse_collisions

if TYPE_CHECKING:
    from dtedask.grib import FieldDescription
    from dtedask.products.operation import Operation
    from dtedask.products.product import Part, Product

__all__ = ["CoverageJson", "CoverageJsonOptions"]


class CoverageJsonOptions(StationOptions):
    """CoverageJSON 1.0: a coverage for each place and member, or one for all points of a grid."""

    domain: DomainName = "auto"
    """What is a coverage. Of places by default profiles where there are several levels, else series where there are
    several times, else points; ``MultiPoint`` puts all places into one. Of fields ``Grid`` where points stand in rows
    and columns, else ``MultiPoint`` or ``MultiPointSeries``."""
    decimals: int | None = Field(None, ge=0, le=15)
    """Decimals of values; as many as tell numbers apart by default."""

    @model_validator(mode="after")
    def _has_places(self) -> Self:
        if self.domain in ("PointSeries", "VerticalProfile") and not self.points:
            raise ValueError(f"the domain {self.domain} is one of places: give points, or leave it out")
        return self


class CoverageJson(Format):
    """One document of CoverageJSON, UTF-8; times are those at which fields are valid, missing values null."""

    Options = CoverageJsonOptions
    suffix = ".covjson"
    media_type = "application/prs.coverage+json"
    default_name = "{name}-{date}-{time}"

    @property
    def identity(self) -> str:
        """See `Format`."""
        options: CoverageJsonOptions = self.options
        return options.identity()

    def encoding(self, field: FieldDescription) -> Operation | None:
        """See `Format`."""
        return extraction(field, self.options)

    def check(self, product: Product, fields: Sequence[FieldDescription]) -> None:  # noqa: ARG002
        """See `Format`."""
        refuse_collisions(fields)

    def write(self, product: Product, parts: Sequence[Part], path: Path, lineage: Mapping[str, str]) -> None:  # noqa: ARG002
        """See `Format`."""
        options: CoverageJsonOptions = self.options
        document = document_of(blocks_of(parts, options.stations), options.domain, options.decimals)
        if lineage:
            document["dtedask:lineage"] = dict(sorted(lineage.items()))
        with path.open("x", encoding="utf-8") as file:
            json.dump(document, file, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
            file.write("\n")
