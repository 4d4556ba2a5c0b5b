"""Fields of a request as others refer to them: a dataset, and where the message of each of its chunks lies."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dtedask.core.errors import FieldError
from dtedask.grib.scan import scan_at
from dtedask.grib.sources import Source, open_source
from dtedask.store.dataset import dataset_of, field_array
from dtedask.store.layouts import MessageCodec
from dtedask.store.layouts.locate import locate
from dtedask.store.virtual.failures import problem_of
from dtedask.store.virtual.remote import RemoteSource
from dtedask.store.virtual.urls import is_url, location_of

if TYPE_CHECKING:
    import xarray as xr

    from dtedask.grib import Message
    from dtedask.store.dataset import LazyArray, Part
    from dtedask.store.fields import SlotTable
    from dtedask.store.layouts import Reference
    from dtedask.store.location import Location


@dataclass(frozen=True, slots=True)
class Placed:
    """Where the message of one chunk lies.

    Parameters
    ----------
    index : tuple of int
        Place of the field in the dimensions before those of the grid.
    reference : Reference
        The message alone, without a checksum behind it.
    message : Message
        What its head says.
    """

    index: tuple[int, ...]
    reference: Reference
    message: Message


def placed(
    location: Location, selections: Sequence[Part], **options: Any
) -> tuple[xr.Dataset, dict[str, list[Placed]]]:
    """A lazy dataset of selections of one group, and where the messages of its fields lie.

    Raises
    ------
    FieldError
        If a variable keeps no messages.
    SourceChangedError, SourceMissingError
        If a file is not what it was.
    """
    for part in selections:
        _check_messages(part)
    tables: dict[str, tuple[Part, Sequence[SlotTable]]] = {}

    def noted(location: Location, part: Part, found: Sequence[SlotTable]) -> LazyArray:
        tables[part.variable.name] = (part, found)
        return field_array(location, part, found)

    dataset = dataset_of(location, selections, array_of=noted, **options)
    return dataset, {name: list(_placed(*found)) for name, found in tables.items()}


def _check_messages(part: Part) -> None:
    if not isinstance(part.variable.codec, MessageCodec):
        raise FieldError(
            f"Variable {part.variable.name!r} of group {part.group.name!r} holds encoded fields (layout 'map'): "
            "only GRIB messages can be referred to.",
            hint="Copy it into a root of messages: `dtedask store copy REQUEST --to ROOT --layout messages`.",
        )


def _placed(part: Part, tables: Sequence[SlotTable]) -> Iterator[Placed]:
    present = {tuple(row) for row in part.slots.tolist()}
    rows = {index: row for index, row in _rows(tables) if row in present}
    zeros = ["0"] * len(part.group.grid.shape)
    head = f"{part.group.name}/{part.variable.name}/c"
    keys = ["/".join([head, *map(str, row), *zeros]) for row in rows.values()]
    references = dict(zip(rows, locate(part.snapshot, keys), strict=True))
    for index, key in zip(rows, keys, strict=True):
        if references[index] is None:
            raise FieldError(
                f"The message of the field {key} lies in no file that can be referred to.",
                hint="Copy the root to another place: `dtedask store copy`.",
            )
    yield from _with_heads({index: one for index, one in references.items() if one is not None})


def _rows(tables: Sequence[SlotTable]) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Index of each field, and its slots."""
    ranges = [range(len(table.slots)) for table in tables]
    for index in itertools.product(*ranges):
        row = np.empty(sum(len(table.positions) for table in tables), dtype=np.int64)
        for table, number in zip(tables, index, strict=True):
            row[list(table.positions)] = table.slots[number]
        yield index, tuple(row.tolist())


def _with_heads(references: Mapping[tuple[int, ...], Reference]) -> Iterator[Placed]:
    with ExitStack() as stack:
        sources: dict[str, Source] = {}
        for index, reference in sorted(references.items(), key=lambda one: (one[1].url, one[1].offset)):
            if reference.url not in sources:
                sources[reference.url] = _opened(reference, stack)
            (message,) = scan_at(sources[reference.url], reference.offset)
            yield Placed(index, replace(reference, length=message.length), message)


def _opened(reference: Reference, stack: ExitStack) -> Source:
    name = location_of(reference.url)
    problem = problem_of(reference, "a field of the request")
    if problem is not None:
        raise problem
    if is_url(name):
        return RemoteSource(name, is_checked=False)
    return stack.enter_context(open_source(name))
