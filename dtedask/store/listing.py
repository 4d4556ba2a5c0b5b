"""What `list` and `inspect` give: an iterator over fields that turns into a table, JSON or requests."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from dtedask.request.vocabulary import key_order

if TYPE_CHECKING:
    import pandas as pd

    from dtedask.request import Language, Request
    from dtedask.store.selection import Selection

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Place:
    """A cube, or a group of one, that holds fields.

    Parameters
    ----------
    keys : mapping
        MARS keys that all of its fields share; of a group the grid too.
    cube : str
        Name of the cube.
    location : str
        Path or URL.
    snapshot : str
        Identifier of the snapshot that was read.
    group : str
        Name of the group; empty for a cube.
    """

    keys: Mapping[str, str] = field(hash=False)
    cube: str
    location: str
    snapshot: str
    group: str = ""

    def to_dict(self, *, location: bool = False, size: bool = False) -> dict[str, Any]:  # noqa: ARG002 - as a record
        """MARS keys, for JSON; with the place where it lies if `location` is True."""
        beside = {"location": self.location, "snapshot": self.snapshot} if location else {}
        return {**self.keys, **beside}


class _Entry(Protocol):
    def to_dict(self, *, location: bool = False, size: bool = False) -> dict[str, Any]: ...


Entry = TypeVar("Entry", bound=_Entry)


class Listing(Iterator[Entry], Generic[Entry]):
    """Fields that exist, one after the other; each is given once, as by a generator.

    What turns it into something else takes all that has not been given yet.

    Parameters
    ----------
    entries : iterable of Record or Place
        What there is; nothing is read before the first is asked for.
    what : str
        What was asked for.
    language : Language, optional
        Keys and types of the root that are not as in MARS.
    """

    def __init__(self, entries: Iterable[Entry], what: str, language: Language | None = None) -> None:
        self._language = language
        self._entries: Iterator[Entry] = iter(entries)
        self._what = what

    def __iter__(self) -> Iterator[Entry]:  # noqa: PYI034 - a loop need not go through __next__
        return self._entries

    def __next__(self) -> Entry:
        return next(self._entries)

    def __repr__(self) -> str:
        return f"<dtedask listing of {self._what}>"

    def _repr_html_(self) -> str:
        first = list(itertools.islice(self._entries, _SHOWN + 1))
        self._entries = itertools.chain(first, self._entries)
        from dtedask.store.html import table_html

        more = f"<p>The first {_SHOWN} of more.</p>" if len(first) > _SHOWN else ""
        return table_html(self._what, [entry.to_dict() for entry in first[:_SHOWN]]) + more

    def to_dataframe(self, *, location: bool = False, size: bool = False) -> pd.DataFrame:
        """Make a table with one row a field and one column a key.

        Parameters
        ----------
        location : bool
            Whether to add where each field lies, and which snapshot holds it.
        size : bool
            Whether to add how many bytes it takes there.

        Returns
        -------
        pandas.DataFrame
            Keys stand in MARS' order as text in canonical form, missing where a field has none; ``size_bytes`` is a
            number.
        """
        import pandas as pd

        rows = [entry.to_dict(location=location, size=size) for entry in self]
        names = dict.fromkeys(name for row in rows for name in row)
        order = key_order()
        return pd.DataFrame(rows, columns=sorted(names, key=lambda name: order.get(name, len(order))))

    def to_json_lines(self, *, location: bool = False, size: bool = False) -> Iterator[str]:
        """Write each field as one JSON object on a line; with `location` and `size` as `to_dataframe` has them."""
        for entry in self:
            found = entry.to_dict(location=location, size=size)
            yield json.dumps(found, separators=(",", ":"), ensure_ascii=False, default=str)

    def compact(self) -> list[Request]:
        """Fold the fields into few requests that take exactly them, none of them twice."""
        from dtedask.store.compact import compact, compact_keys
        from dtedask.store.selection import Record

        entries: list[object] = list(self)
        records = (one for one in entries if isinstance(one, Record))
        keys = (one.keys for one in entries if isinstance(one, Place))
        return [*compact(records, self._language), *compact_keys(keys, self._language)]


def places(selections: Iterable[Selection], depth: int) -> Iterator[Place]:
    """Cubes (`depth` 1) or groups (2) of some selections, each once."""
    seen = set()
    for one in selections:
        name = one.group.name if depth > 1 else ""
        if (one.cube, name) in seen:
            continue
        seen.add((one.cube, name))
        keys = dict(one.snapshot.keys)
        if depth > 1:
            keys |= {**one.group.keys, "grid": one.group.grid.label}
        url = one.snapshot.url
        yield Place(keys, one.cube, f"{url}/{name}" if name else url, one.snapshot.id, name)
