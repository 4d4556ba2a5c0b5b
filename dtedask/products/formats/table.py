"""Tables of points: a row for each point and time, and either a column for each variable or one for all values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import ProductError
from dtedask.geo.grids.rows import Points
from dtedask.products.formats.extract import extraction, refuse_placeless
from dtedask.products.formats.moments import Labelled, labelled_apart, points_of
from dtedask.products.formats.stations import StationOptions, Stations
from dtedask.store.labels import Dimension, ordered

if TYPE_CHECKING:
    from dtedask.grib import FieldDescription
    from dtedask.products.operation import Operation
    from dtedask.products.product import Part

__all__ = ["Column", "TableOptions", "columns_of", "refuse_collisions", "table_encoding"]

Shape = Literal["wide", "long"]
_DECIMALS = 9  # of coordinates: what a grid's arithmetic leaves behind them is nothing but rounding
_TIMES = ("forecast_reference_time", "step", "valid_time")


class TableOptions(StationOptions):
    """Tables of points."""

    shape: Shape = "wide"
    """A column for each variable, or one row for each value (``long``), with its variable and units beside it."""
    missing: Literal["keep", "drop"] = "keep"
    """Whether rows stay of which all values are missing."""


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """A column of a table.

    Parameters
    ----------
    name : str
        What stands above it.
    kind : {"time", "hours", "degrees", "whole", "number", "text", "value"}
        What it holds; times in seconds since 1970, steps in hours; ``value`` are those of fields, missing ones NaN.
    values : numpy.ndarray
        One a row; objects where some may be None.
    attributes : mapping
        Words of the variable.
    """

    name: str
    kind: str
    values: NDArray[Any]
    attributes: Mapping[str, Any]


def table_encoding(field: FieldDescription, options: StationOptions) -> Operation | None:
    """The operation that takes of a field what a table needs."""
    return extraction(field, options)


def refuse_collisions(fields: Sequence[FieldDescription]) -> None:
    """Refuse fields that would stand in the same place of a table.

    Raises
    ------
    ProductError
        If there are two of the same variable and labels, or a field has no points.
    """
    found: dict[Any, FieldDescription] = {}
    for said, field in zip(labelled_apart(fields), fields, strict=True):
        refuse_placeless(field.grid)
        other = found.setdefault((said.variable, said.labels, field.grid), field)
        if other is not field:
            keys = sorted(key for key in field.keys if field.keys[key] != other.keys.get(key))
            raise ProductError(
                f"Two fields of one table are {said.variable} at the same place and time; they differ in "
                f"{', '.join(f'{key}={field.keys[key]}' for key in keys) or 'nothing'}.",
                hint="Make them products of their own, by names of files such as {type}-{date}-{step}.",
            )


def columns_of(parts: Sequence[Part], options: TableOptions) -> list[Column]:
    """Make the columns of a table; rows are in the order of the parts, and within those of the points."""
    return _Table(parts, options.stations).columns(options)


class _Table:
    """The blocks of a table: rows that share all labels, one a point."""

    def __init__(self, parts: Sequence[Part], stations: Stations | None) -> None:
        self._stations = stations
        self._blocks: dict[Any, list[tuple[Labelled, Part]]] = {}
        self._points: dict[Any, Points] = {}
        self._variables: dict[str, Mapping[str, Any]] = {}
        for said, part in zip(labelled_apart([part.description for part in parts]), parts, strict=True):
            grid = part.description.grid
            self._blocks.setdefault((said.labels, grid), []).append((said, part))
            self._variables.setdefault(said.variable, said.attributes)
            if grid not in self._points:
                self._points[grid] = self._where(part)

    def columns(self, options: TableOptions) -> list[Column]:
        blocks = list(self._rows(options.shape))
        found = [*self._places(blocks), *self._labels(blocks), *self._values(blocks, options.shape)]
        return found if options.missing == "keep" else _without_missing(found)

    def _where(self, part: Part) -> Points:
        stations = self._stations
        return points_of(part) if stations is None else Points(stations.latitude, stations.longitude)

    def _rows(self, shape: Shape) -> Any:
        """Blocks with the parts that stand in them: all of a time together, or each by itself."""
        for (labels, grid), found in self._blocks.items():
            for together in [found] if shape == "wide" else [[one] for one in found]:
                yield labels, grid, together

    def _places(self, blocks: list[Any]) -> list[Column]:
        points = [self._points[grid] for _, grid, _ in blocks]
        found = []
        if self._stations is not None and any(self._stations.names):
            names = np.array(self._stations.names, dtype=object)
            found.append(Column("name", "text", np.concatenate([names for _ in points]), {}))
        for name, unit in (("latitude", "degrees_north"), ("longitude", "degrees_east")):
            values = np.concatenate([np.round(getattr(one, name), _DECIMALS) + 0.0 for one in points])
            found.append(Column(name, "degrees", values, {"standard_name": name, "units": unit}))
        return found

    def _labels(self, blocks: list[Any]) -> list[Column]:
        names = ordered(list({name for labels, _, _ in blocks for name, _ in labels}))
        sizes = [self._points[grid].latitude.size for _, grid, _ in blocks]
        times = {name: [dict(labels).get(name) for labels, _, _ in blocks] for name in names}
        if "forecast_reference_time" in times:
            times["valid_time"] = [together[0][0].valid_time for _, _, together in blocks]
        order = [name for name in _TIMES if name in times] + [name for name in names if name not in _TIMES]
        return [_label_column(name, times[name], sizes) for name in order]

    def _values(self, blocks: list[Any], shape: Shape) -> list[Column]:
        if shape == "long":
            said = [(one[0][0], self._points[grid].latitude.size) for _, grid, one in blocks]
            values = np.concatenate([_flat(one[0][1]) for _, _, one in blocks])
            return [
                Column("variable", "text", _repeated([(label.variable, size) for label, size in said]), {}),
                Column("value", "value", values, {}),
                Column("units", "text", _repeated([(label.attributes.get("units", ""), n) for label, n in said]), {}),
            ]
        return [self._variable(name, blocks) for name in self._variables]

    def _variable(self, name: str, blocks: list[Any]) -> Column:
        dtype = np.result_type(np.float32, *(part.payload.dtype for _, _, parts in blocks for _, part in parts))
        values = [
            next(
                (_flat(part) for said, part in together if said.variable == name),
                np.full(self._points[grid].latitude.size, np.nan, np.float32),
            )
            for _, grid, together in blocks
        ]
        return Column(name, "value", np.concatenate(values).astype(dtype, copy=False), self._variables[name])


def _label_column(name: str, labels: list[Any], sizes: list[int]) -> Column:
    kind, attributes = "time", {}
    if name not in ("forecast_reference_time", "valid_time"):
        dimension = Dimension(name)
        attributes = dimension.attributes
        kind = {"int64": "whole", "float64": "number"}.get(dimension.dtype, "text")
    if name in ("step", "time_of_day"):
        kind, attributes = "hours", {**attributes, "units": "hours"}
        labels = [None if label is None else label / 3600 for label in labels]
    return Column(name, kind, _repeated(list(zip(labels, sizes, strict=True))), attributes)


def _repeated(labels: list[tuple[Any, int]]) -> NDArray[Any]:
    found = np.empty(sum(size for _, size in labels), dtype=object)
    first = 0
    for label, size in labels:
        found[first : first + size] = label
        first += size
    return found


def _flat(part: Part) -> NDArray[np.floating]:
    flat: NDArray[np.floating] = np.asarray(part.payload).ravel()
    return flat


def _without_missing(columns: list[Column]) -> list[Column]:
    values = [column.values for column in columns if column.kind == "value"]
    is_there = ~np.all([np.isnan(one) for one in values], axis=0)
    return [Column(one.name, one.kind, one.values[is_there], one.attributes) for one in columns]
