"""Parameters by paramId and short name, from `parameters.tsv.gz`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

from dtedask.core.errors import InvalidValueError
from dtedask.request.hints import nearest

_ECMWF_END = 500_000  # below are the paramIds of WMO and ECMWF, above those of other centres
_NUMBERS = r"\d+(?:\.\d+){1,2}(?:[.@:_-][a-z0-9]+)?"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter as ecCodes knows it.

    Parameters
    ----------
    id : str
        The paramId, such as ``"130"``.
    short_name, name, units : str
        Such as ``"t"``, ``"Temperature"`` and ``"K"``; empty units where the tables give none.
    """

    id: str
    short_name: str
    name: str
    units: str


def parameter(param: str | int) -> Parameter:
    """Find the parameter of a paramId or of a short name.

    Of a short name that several centres use, the one of WMO and ECMWF.

    Raises
    ------
    InvalidValueError
        If there is none, or if several parameters of WMO and ECMWF bear the short name.
    """
    text = str(param).strip()
    if text in _rows():
        return _parameter(text)
    if text.isdecimal():
        raise InvalidValueError(f"Unknown paramId '{text}'.", hint="See https://codes.ecmwf.int/grib/param-db.")
    ids = accepted_ids(canonical_param(text))
    own = [number for number in ids if int(number) < _ECMWF_END] or list(ids)
    if len(own) > 1:
        raise InvalidValueError(
            f"Several parameters are called '{text}'.", hint=f"Give one paramId of {', '.join(own)}."
        )
    return _parameter(own[0])


def parameter_ids(short_name: str) -> tuple[str, ...]:
    """All paramIds that bear a short name, in ascending order; none for a name that nothing bears."""
    return _by_name().get(short_name, ())


@lru_cache(4096)
def variable_name(param_id: str, short_name: str) -> str:
    """Name of a parameter's variable in a cube: it follows from the parameter alone.

    The lowest of the paramIds that share a short name keeps it, the others are called such as ``tp_228228``, and
    parameters without a name ``p<paramId>``.
    """
    suffix = re.sub(r"\W", "_", param_id)
    if short_name in ("", "~", "unknown"):
        return f"p{suffix}"
    ids = parameter_ids(short_name)
    name = short_name.replace("/", "_")
    return name if ids and ids[0] == param_id else f"{name}_{suffix}"


@lru_cache(4096)
def canonical_param(text: str) -> str:
    """Write a parameter as its paramId, or its short name where it means several paramIds.

    Accepts paramIds (``130``), MARS' number and table (``130.128``), short names and names in any case, and the
    numbers of parameters that ecCodes does not know (``0.1.2``).
    """
    if text.isdecimal() and int(text) > 0:
        return str(int(text))
    if re.fullmatch(_NUMBERS, text.lower()):
        return _from_table(text.lower())
    name = _spelling(text)
    if name is None:
        raise InvalidValueError(f"Unknown parameter '{text}'.", hint=_hint(text))
    ids = accepted_ids(name)
    return ids[0] if len(ids) == 1 else name


@lru_cache(4096)
def accepted_ids(name: str) -> tuple[str, ...]:
    """ParamIds that a canonical ``param`` of a request means: several for some short names.

    MARS is blind to case, and some centres tell ``T`` from ``t``: a name with capitals means both.
    """
    found = {*parameter_ids(name), *parameter_ids(name.lower())}
    return tuple(sorted(found, key=int)) or (name,)


def _spelling(text: str) -> str | None:
    """Find the short name that is written as, or means, a text."""
    for name in (text, text.lower()):
        if name in _by_name():
            return name
    word = " ".join(text.lower().split())
    return _other_spellings().get(word)


def _from_table(text: str) -> str:
    """MARS' number.table as a paramId; the numbers of an unknown parameter stay."""
    parts = text.split(".")
    if len(parts) == 2 and all(part.isdecimal() for part in parts):
        number, table = int(parts[0]), int(parts[1])
        offset = {128: 0, 1: 3000, 2: 3000, 3: 3000}.get(table, table * 1000)  # WMO's own tables are 3000 and up
        param_id = str(offset + number)
        if number < 256 and table not in range(4, 128) and param_id in _rows():
            return param_id
    return text


def _hint(text: str) -> str:
    found = None if text.isdecimal() else nearest(text, _by_name())
    if found is None:
        return "Give a short name such as 't' or a paramId such as '130'."
    one = _parameter(_by_name()[found][0])
    return f"Did you mean '{found}' ({one.name})?"


def _parameter(param_id: str) -> Parameter:
    return Parameter(*_rows()[param_id].split("\t"))


@cache
def _rows() -> Mapping[str, str]:
    """Line of the table by paramId; split on demand, since most are never asked for."""
    import gzip
    from pathlib import Path

    packed = Path(__file__).with_name("parameters.tsv.gz").read_bytes()
    lines = gzip.decompress(packed).decode().split("\n")[1:-1]
    return {line.partition("\t")[0]: line for line in lines}


@cache
def _by_name() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for line in _rows().values():
        number, name, _ = line.split("\t", 2)
        found.setdefault(name, []).append(number)
    return {name: tuple(ids) for name, ids in found.items()}


@cache
def _other_spellings() -> Mapping[str, str]:
    """Short name by long name, and by itself in lower case; the lowest paramId wins."""
    rows = [line.split("\t") for line in _rows().values()]
    found: dict[str, str] = {}
    for row in rows:
        found.setdefault(row[1].lower(), row[1])
    for row in rows:
        found.setdefault(row[2].lower(), row[1])
    return found
