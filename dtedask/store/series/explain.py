"""Which layout a read takes of variables that stand in two, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dtedask.core.sizes import size_text
from dtedask.store.layouts import MessageCodec, TileCodec
from dtedask.store.opaque import OpaqueCodec
from dtedask.store.series.read import Points, choose

if TYPE_CHECKING:
    from dtedask.store.selection import Selection
    from dtedask.store.series.array import SeriesArray


@dataclass(frozen=True, slots=True)
class LayoutChoice:
    """What reading a part of some fields would touch.

    Parameters
    ----------
    cube, group, variable : str
        Names.
    part : {"whole fields", "a point"}
        What is read of each field.
    fields : int
        Number of fields.
    layout : str
        Layout of the fields: ``"map"``, ``"map in tiles"`` or ``"messages"``.
    from_series : int
        Number of the fields that are read from time series.
    in_series : int
        Number of the fields that stand in time series.
    field_bytes, series_bytes : int
        Decoded bytes that are touched: of all fields by themselves, and of the time series of those that stand in some.
    size_bytes : int
        Decoded bytes that the read touches.
    """

    cube: str
    group: str
    variable: str
    part: str
    fields: int
    layout: str
    from_series: int
    in_series: int
    field_bytes: int
    series_bytes: int
    size_bytes: int

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        head = f"{self.cube} {self.group} {self.variable}, {self.part} of {self.fields:,} fields:"
        if not self.in_series:
            return f"{head} from {self.layout}, {size_text(self.field_bytes)}; none of them stands in series"
        if not self.from_series:
            sizes = f"{size_text(self.field_bytes)}; series would touch {size_text(self.series_bytes)}"
            return f"{head} from {self.layout}, {sizes} for {self.in_series:,} of them"
        rest = self.fields - self.from_series
        others = f"; {rest:,} from {self.layout}, which do not stand there" if rest else ""
        sizes = f"{size_text(self.size_bytes)}; {self.layout} alone would touch {size_text(self.field_bytes)}"
        return f"{head} {self.from_series:,} from series{others}; {sizes}"


def layout_choices(selections: Iterable[Selection]) -> Iterator[LayoutChoice]:
    """What is read: for whole fields and a point of variables that have time series, for a point of others in tiles."""
    for selection in selections:
        series, codec = selection.group.series.get(selection.variable.name), selection.variable.codec
        if not len(selection.slots):
            continue
        if series is not None:
            yield _choice(selection, series, "whole fields", tuple(slice(None) for _ in series.grid_shape))
            yield _choice(selection, series, "a point", tuple(0 for _ in series.grid_shape))
        elif isinstance(codec, TileCodec):
            yield _in_tiles(selection, codec)


def _in_tiles(selection: Selection, codec: TileCodec) -> LayoutChoice:
    fields = len(selection.slots)
    size = fields * codec.tile_bytes
    names = (selection.cube, selection.group.name, selection.variable.name)
    return LayoutChoice(*names, "a point", fields, _name(codec), 0, 0, size, 0, size)


def _choice(selection: Selection, series: SeriesArray, part: str, key: tuple[Any, ...]) -> LayoutChoice:
    codec, rows = selection.variable.codec, selection.slots
    assert not isinstance(codec, OpaqueCodec)
    is_point = part == "a point"
    one = codec.tile_bytes if is_point and isinstance(codec, TileCodec) else series.field_bytes
    points = Points.of(series.patch, key, series.grid_shape)
    better = choose(selection.snapshot, series, rows, points, one)
    possible = choose(selection.snapshot, series, rows, points, np.iinfo(np.int64).max // max(len(rows), 1))
    return LayoutChoice(
        selection.cube,
        selection.group.name,
        selection.variable.name,
        part,
        len(rows),
        _name(codec),
        better.fields,
        possible.fields,
        len(rows) * one,
        possible.size_bytes,
        (len(rows) - better.fields) * one + better.size_bytes,
    )


def _name(codec: object) -> str:
    if isinstance(codec, TileCodec):
        return "map in tiles"
    return "messages" if isinstance(codec, MessageCodec) else "map"
