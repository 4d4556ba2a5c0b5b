"""What the history says of files: which fields of them stand in a cube as they stand in the file.

A mark is one source of a commit, such as ``/data/a.grib [2048 bytes, 2024-06-03T00:00:00.000000000Z]`` for all fields
of a file, with ``(fields 1-12+25-36 of 48)`` behind it for some of them.
"""

from __future__ import annotations

import base64
import itertools
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

_MOST_PIECES = 100
_MARK = re.compile(r"(?P<tag>.+ \[\d+ bytes, [^\]]+\])(?: \((?P<notes>[^()]*)\))?", re.DOTALL)
_REFERRED, _SKIPPED, _ELSEWHERE = "referred to", "skipped", "elsewhere"


@dataclass(frozen=True, slots=True)
class Mark:
    """Fields of a file that a commit put into a cube, or found there with equal values.

    Parameters
    ----------
    tag : str
        Name, size and time of the file.
    numbers : frozenset of int, optional
        Places of the fields in the file, counted from 1; None for all.
    total : int
        Fields in the file.
    skipped : int
        How many of them are no good, and were skipped: nothing more is known of such a file.
    elsewhere : int
        How many more fields of the file were taken from another one, which has them too.
    is_referred : bool
        Whether the fields stay in the file.
    """

    tag: str
    numbers: frozenset[int] | None = None
    total: int = 0
    skipped: int = 0
    elsewhere: int = 0
    is_referred: bool = False

    def __str__(self) -> str:
        notes = [_REFERRED] * self.is_referred
        if self.numbers is not None:
            notes.append(f"fields {_text_of(sorted(self.numbers), self.total)} of {self.total}")
        notes += [f"{self.skipped} {_SKIPPED}"] * (self.skipped > 0)
        notes += [f"{self.elsewhere} {_ELSEWHERE}"] * (self.elsewhere > 0)
        return f"{self.tag} ({', '.join(notes)})" if notes else self.tag

    @property
    def tells_values(self) -> bool:
        """Whether the fields in the cube are copies of those in the file."""
        return not self.skipped and not self.is_referred

    def has(self, number: int) -> bool:
        """Whether a field of the file is meant."""
        return self.numbers is None or number in self.numbers

    @classmethod
    def parse(cls, source: str) -> Mark | None:
        """The mark that a source of a commit is, if it is one."""
        found = _MARK.fullmatch(source)
        if found is None:
            return None
        values: dict[str, int] = {}
        numbers: frozenset[int] | None = None
        notes = (found["notes"] or "").split(", ") if found["notes"] else []
        try:
            for note in notes:
                if note.startswith("fields "):
                    text, _, total = note.removeprefix("fields ").partition(" of ")
                    values["total"] = int(total)
                    numbers = frozenset(_numbers_of(text, int(total)))
                elif note != _REFERRED:
                    count, name = note.split(" ")
                    values[{_SKIPPED: "skipped", _ELSEWHERE: "elsewhere"}[name]] = int(count)
        except (ValueError, KeyError, zlib.error):
            return None
        return cls(found["tag"], numbers, is_referred=_REFERRED in notes, **values)


def are_all(marks: Sequence[Mark], total: int) -> bool:
    """Whether some marks of a file account for all its fields."""
    if any(mark.numbers is None for mark in marks):
        return True
    seen = frozenset[int]().union(*(mark.numbers for mark in marks if mark.numbers is not None))
    return len(seen) + max((mark.elsewhere for mark in marks), default=0) >= total > 0


def _text_of(numbers: Sequence[int], total: int) -> str:
    """Numbers as ranges, ``1-46:5`` for every fifth one; as a bitmap where that would be long."""
    pieces = list(itertools.islice(_pieces(numbers), _MOST_PIECES + 1))
    if len(pieces) <= _MOST_PIECES:
        return "+".join(pieces)
    bits = np.zeros(total, dtype=bool)
    bits[np.asarray(numbers) - 1] = True
    return "#" + base64.urlsafe_b64encode(zlib.compress(np.packbits(bits).tobytes(), 9)).decode()


def _pieces(numbers: Sequence[int]) -> Iterator[str]:
    at = 0
    while at < len(numbers):
        end = at + 1
        by = numbers[end] - numbers[at] if end < len(numbers) else 1
        while end < len(numbers) and numbers[end] - numbers[end - 1] == by:
            end += 1
        if by > 1 and end - at < 3:
            end = at + 1  # the second one begins a range of its own
        first, last = numbers[at], numbers[end - 1]
        yield str(first) if first == last else f"{first}-{last}" + (f":{by}" if by > 1 else "")
        at = end


def _numbers_of(text: str, total: int) -> Iterable[int]:
    if text.startswith("#"):
        packed = np.frombuffer(zlib.decompress(base64.urlsafe_b64decode(text[1:])), dtype=np.uint8)
        yield from (np.flatnonzero(np.unpackbits(packed, count=total)) + 1).tolist()
        return
    for piece in text.split("+"):
        bounds, _, by = piece.partition(":")
        first, _, last = bounds.partition("-")
        yield from range(int(first), int(last or first) + 1, int(by or 1))
