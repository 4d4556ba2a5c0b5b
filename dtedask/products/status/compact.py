"""Many fields in few words: as MARS requests, lists joined by slashes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from dtedask.products.planning.canonical import shown
from dtedask.store.ranks import sort_values

__all__ = ["compact", "compact_text"]

_ORDER = (
    "class",
    "stream",
    "expver",
    "model",
    "type",
    "date",
    "time",
    "levtype",
    "levelist",
    "number",
    "param",
    "step",
)
_SHOWN = 3
_LONGEST = 8
_FEWEST = 4

Box = dict[str, tuple[str, ...]]


def compact(fields: Iterable[Mapping[str, str]]) -> tuple[Mapping[str, tuple[str, ...]], ...]:
    """Fields as few requests, each of all combinations of its values; no field is in two of them.

    Parameters
    ----------
    fields : iterable of mapping
        Keys of fields, each with one value; a field that comes twice counts once.

    Returns
    -------
    tuple of mapping
        MARS keys to lists of values, in the order of MARS' numbers and names.
    """
    boxes: list[Box] = [
        {key: (value,) for key, value in one} for one in dict.fromkeys(tuple(sorted(one.items())) for one in fields)
    ]
    names = dict.fromkeys(key for box in boxes for key in box)
    for key in sorted(names, key=_place, reverse=True):
        boxes = _joined(boxes, key)
    return tuple({key: box[key] for key in sorted(box, key=_place)} for box in boxes)


def compact_text(fields: Iterable[Mapping[str, str]], *, leave_out: Sequence[str] = ("date", "time")) -> str:
    """Fields in words that fit a line: requests without what everybody knows, parameters by their short names."""
    known = map(shown, fields)
    found = compact({key: value for key, value in one.items() if key not in leave_out} for one in known)
    texts = [",".join(f"{key}={_list(key, values)}" for key, values in box.items()) for box in found]
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return "; ".join(texts[:_SHOWN]) + more


def _joined(boxes: Sequence[Box], key: str) -> list[Box]:
    """Boxes that differ in one key only are one box."""
    groups: dict[tuple[tuple[str, tuple[str, ...]], ...], list[str]] = {}
    without: list[Box] = []
    for box in boxes:
        if key not in box:
            without.append(box)
            continue
        rest = tuple(sorted((name, values) for name, values in box.items() if name != key))
        groups.setdefault(rest, []).extend(box[key])
    return [{**dict(rest), key: tuple(sort_values(key, set(values)))} for rest, values in groups.items()] + without


def _list(key: str, values: Sequence[str]) -> str:
    if key != "param" and (ranged := _range(values)):
        return ranged
    return "/".join(values if len(values) <= _LONGEST else [*values[:3], "...", values[-1]])


def _range(values: Sequence[str]) -> str:
    """Numbers at equal distances as MARS writes them; "" for all else."""
    if len(values) < _FEWEST or not all(value.isdecimal() for value in values):
        return ""
    numbers = [int(value) for value in values]
    step = numbers[1] - numbers[0]
    return f"{values[0]}/to/{values[-1]}/by/{step}" if numbers == [*range(numbers[0], numbers[-1] + 1, step)] else ""


def _place(key: str) -> tuple[int, str]:
    return (_ORDER.index(key), "") if key in _ORDER else (len(_ORDER), key)
