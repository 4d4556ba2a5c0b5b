"""The format `csv`: tables of points as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from dtedask.products.format import Format
from dtedask.products.formats.table import Column, TableOptions, columns_of, refuse_collisions, table_encoding

if TYPE_CHECKING:
    from dtedask.grib import FieldDescription
    from dtedask.products.operation import Operation
    from dtedask.products.product import Part, Product

__all__ = ["Csv", "CsvOptions"]


class CsvOptions(TableOptions):
    """Tables of points as text: UTF-8, times in UTC by ISO 8601, steps in hours; missing values are empty."""

    delimiter: Literal[",", ";", "tab"] = ","
    """What stands between columns."""
    decimals: int | None = Field(None, ge=0, le=15)
    """Decimals of values; as many as tell numbers apart by default."""
    units: bool = False
    """Whether the units stand behind the names of variables, as ``2t [K]``."""


class Csv(Format):
    """A table of points as text."""

    Options = CsvOptions
    suffix = ".csv"
    media_type = "text/csv"
    default_name = "{name}-{date}-{time}"

    @property
    def identity(self) -> str:
        """See `Format`."""
        options: CsvOptions = self.options
        return options.identity()

    def encoding(self, field: FieldDescription) -> Operation | None:
        """See `Format`."""
        return table_encoding(field, self.options)

    def check(self, product: Product, fields: Sequence[FieldDescription]) -> None:  # noqa: ARG002
        """See `Format`."""
        refuse_collisions(fields)

    def write(self, product: Product, parts: Sequence[Part], path: Path, lineage: Mapping[str, str]) -> None:  # noqa: ARG002
        """See `Format`."""
        import pandas as pd

        options: CsvOptions = self.options
        columns = columns_of(parts, options)
        frame = pd.DataFrame({self._head(one): _texts(one, options.decimals) for one in columns}, copy=False)
        with path.open("x", encoding="utf-8", newline="") as file:
            frame.to_csv(
                file, sep="\t" if options.delimiter == "tab" else options.delimiter, index=False, lineterminator="\n"
            )

    def _head(self, column: Column) -> str:
        units = str(column.attributes.get("units", ""))
        return f"{column.name} [{units}]" if self.options.units and column.kind == "value" and units else column.name


def _texts(column: Column, decimals: int | None) -> NDArray[Any]:
    """Texts, but for numbers whose shortest text is wanted."""
    if column.kind == "time":
        return _each(column.values, _time)
    if column.kind in ("hours", "number"):
        return _each(column.values, lambda value: f"{value:.10g}")
    if column.kind == "whole":
        return _each(column.values, lambda value: f"{int(value)}")
    if column.kind == "value" and decimals is not None:
        return np.array(["" if np.isnan(one) else f"{one:.{decimals}f}" for one in column.values.tolist()], object)
    return column.values


def _each(values: NDArray[Any], text: Any) -> NDArray[Any]:
    """Texts of values of which most are equal."""
    known = {value: "" if value is None else text(value) for value in dict.fromkeys(values.tolist())}
    return np.array([known[value] for value in values.tolist()], dtype=object)


def _time(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
