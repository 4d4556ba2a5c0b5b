"""The format `parquet`: tables of points by columns."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dtedask.products.format import Format
from dtedask.products.formats.table import Column, TableOptions, columns_of, refuse_collisions, table_encoding

if TYPE_CHECKING:
    from dtedask.grib import FieldDescription
    from dtedask.products.operation import Operation
    from dtedask.products.product import Part, Product

__all__ = ["Parquet", "ParquetOptions"]


class ParquetOptions(TableOptions):
    """Tables of points as Parquet: times in UTC, steps in hours; missing values are null."""

    compression: Literal["zstd", "snappy", "gzip", "none"] = "zstd"
    """How columns are compressed."""


class Parquet(Format):
    """A table of points as one Parquet file; units and names of variables are metadata of the columns."""

    Options = ParquetOptions
    suffix = ".parquet"
    media_type = "application/vnd.apache.parquet"
    default_name = "{name}-{date}-{time}"

    def __init__(self, options: Any) -> None:
        from dtedask.products.formats import arrow

        super().__init__(options)
        self._arrow = arrow

    @property
    def identity(self) -> str:
        """See `Format`."""
        options: ParquetOptions = self.options
        return f"{options.identity()} pyarrow {self._arrow.pa.__version__}"

    def encoding(self, field: FieldDescription) -> Operation | None:
        """See `Format`."""
        return table_encoding(field, self.options)

    def check(self, product: Product, fields: Sequence[FieldDescription]) -> None:  # noqa: ARG002
        """See `Format`."""
        refuse_collisions(fields)

    def write(self, product: Product, parts: Sequence[Part], path: Path, lineage: Mapping[str, str]) -> None:  # noqa: ARG002
        """See `Format`."""
        options: ParquetOptions = self.options
        columns = columns_of(parts, options)
        pa = self._arrow.pa
        fields = [pa.field(one.name, self._type(one), metadata=_words(one)) for one in columns]
        metadata = {"lineage": json.dumps(dict(sorted(lineage.items())))} if lineage else None
        schema = pa.schema(fields, metadata=metadata)
        arrays = [self._array(one, field.type) for one, field in zip(columns, fields, strict=True)]
        with path.open("xb") as file:
            self._arrow.parquet.write_table(
                pa.Table.from_arrays(arrays, schema=schema), file, compression=options.compression
            )

    def _array(self, column: Column, kind: Any) -> Any:
        if column.kind == "time":
            return self._repeated([None if one is None else one * 1000 for one in column.values.tolist()], kind)
        if column.kind in ("text", "hours", "whole", "number"):
            return self._repeated(column.values.tolist(), kind)
        return self._arrow.pa.array(column.values, type=kind, from_pandas=True)

    def _repeated(self, values: list[Any], kind: Any) -> Any:
        """An array of values of which most are equal."""
        pa = self._arrow.pa
        known = list(dict.fromkeys(values))
        places = {value: place for place, value in enumerate(known)}
        return pa.array(known, type=kind).take(pa.array([places[value] for value in values], type=pa.int64()))

    def _type(self, column: Column) -> Any:
        pa = self._arrow.pa
        kinds = {
            "time": pa.timestamp("ms", tz="UTC"),
            "text": pa.string(),
            "whole": pa.int64(),
            "value": pa.from_numpy_dtype(column.values.dtype) if column.kind == "value" else None,
        }
        return kinds.get(column.kind, pa.float64())


def _words(column: Column) -> dict[str, str]:
    """Words of a column as metadata, texts all of them."""
    return {str(name): str(value) for name, value in sorted(column.attributes.items())}
