"""What a plan means by a key, and where a message says its value.

MARS, MultIO and ecCodes have different names for one thing, and models write values as they like. Here both become
text in the canonical form of the key, compared blind to case: ``130``, ``"130"``, ``130.128`` and ``t`` are one
parameter, ``600`` and ``06:00`` one time, ``500.0`` and ``500`` one level.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from time import gmtime, strftime
from typing import TYPE_CHECKING, Any

from dtedask.core.errors import DocumentError, DtedaskError, InvalidValueError
from dtedask.core.nearest import did_you_mean
from dtedask.pipeline.keys.glossary_names import CONCEPTS, FURTHER, NAMES
from dtedask.pipeline.keys.glossary_values import lenient, scalar, strict
from dtedask.request import canonical_value, format_step, is_key, parameter, parameter_ids, parse_step

if TYPE_CHECKING:
    from dtedask.grib import FieldDescription
    from dtedask.pipeline.message import Message

__all__ = ["accepted_texts", "check_key", "concept_of", "is_known", "names_of", "raw_of", "texts_of", "value_of"]

_ABSENT_IS_NONE = frozenset({"timespan", "stattype", "chem", "wavelength"})
_FREE_PREFIXES = ("misc-", "encoder-")


def concept_of(key: str) -> str:
    """Name under which a key is known here, such as ``levelist`` for ``level``; a key unknown here is its own."""
    return CONCEPTS.get(key, key)


def names_of(key: str) -> tuple[str, ...]:
    """Names under which the keys of a message may hold what a key means, its own first."""
    return tuple(dict.fromkeys((key, *NAMES.get(concept_of(key), ()))))


def is_known(key: str) -> bool:
    """Whether MARS, MultIO or ecCodes has such a key."""
    return key in CONCEPTS or key in FURTHER or is_key(key) or key.startswith(_FREE_PREFIXES)


def check_key(key: str, further: Iterable[str] = ()) -> None:
    """Refuse a key that no field has.

    Parameters
    ----------
    key : str
        A key of a plan.
    further : iterable of str
        Keys that the fields of this plan have besides, in the words of the model.

    Raises
    ------
    DocumentError
        Naming the nearest key.
    """
    if is_known(key) or key in further:
        return
    hint = did_you_mean(key, {*CONCEPTS, *FURTHER, *further})
    raise DocumentError(f"No field has a key {key!r}.", hint=hint if hint.startswith("Did") else "")


def raw_of(message: Message, key: str) -> Hashable:
    """Return what a message says about a key, as it stands there.

    It is cheap, and what the other functions give follows from it alone: good for a cache.
    """
    return _term(key).raw(message)


def value_of(message: Message, key: str) -> str | None:
    """Find the value of a key of a message.

    Parameters
    ----------
    message : Message
        A field, or a message of another kind.
    key : str
        A name that MARS, MultIO or ecCodes has for it, such as ``param``, ``shortName`` or ``stepRange``.

    Returns
    -------
    str or None
        In canonical form: of ``param`` the paramId, of ``time`` such as ``0600``; None if the message does not say.
    """
    return _value(key, raw_of(message, key))


def texts_of(message: Message, key: str) -> tuple[str, ...]:
    """All texts, in lower case, by which a plan may name the value of a message; none if it has no value.

    A field of the steps 0 to 24 is named by ``24`` and by ``0-24``; one without timespan by ``none``.
    """
    return _texts(key, raw_of(message, key))


def accepted_texts(key: str, value: object) -> frozenset[str]:
    """Texts of which a field must have one, so that it has the value that a plan names.

    Parameters
    ----------
    key : str
        The key.
    value : object
        One value, neither a list nor a range.

    Raises
    ------
    InvalidValueError
        If the key cannot have this value.
    """
    if isinstance(value, float) and concept_of(key) == "param":
        _check_table(value)
    return _term(key).accepted(scalar(value))


def _check_table(value: float) -> None:
    """Refuse a number whose table may have lost zeros: 228.140 is 228.14 in YAML, table 140 or 14."""
    table = str(value).partition(".")[2]
    if len(table) < len("128") and table != "0":
        raise InvalidValueError(
            f"The parameter {value} may be of table {table} or {table.ljust(3, '0')}.",
            hint="Write it in quotes: '228.140'.",
        )


@dataclass(frozen=True, slots=True)
class _Term:
    """How one key is read: what a message says, its canonical value, the texts that name it, and those of a plan."""

    raw: Callable[[Message], Hashable]
    value: Callable[[Any], str | None]
    texts: Callable[[Any], tuple[str, ...]]
    accepted: Callable[[str], frozenset[str]]


@lru_cache(65_536)
def _value(key: str, raw: Hashable) -> str | None:
    return _term(key).value(raw)


@lru_cache(65_536)
def _texts(key: str, raw: Hashable) -> tuple[str, ...]:
    return tuple(text.lower() for text in _term(key).texts(raw))


@cache
def _term(key: str) -> _Term:
    concept = concept_of(key)
    if concept in _SPECIAL:
        return _SPECIAL[concept](key, concept)
    return _plain(key, concept)


def _plain(key: str, concept: str) -> _Term:
    def value(raw: Any) -> str | None:
        return None if raw is None else lenient(concept, scalar(raw))

    def texts(raw: Any) -> tuple[str, ...]:
        found = value(raw)
        return (("none",) if concept in _ABSENT_IS_NONE else ()) if found is None else (found,)

    def accepted(text: str) -> frozenset[str]:
        if text.lower() == "none" and concept in _ABSENT_IS_NONE:
            return frozenset({"none"})
        return frozenset({strict(concept, text).lower()})

    return _Term(_reader(key, concept), value, texts, accepted)


def _reader(key: str, concept: str) -> Callable[[Message], Hashable]:
    """Read a key under its own name, under the others of its concept, or out of the description."""
    names = names_of(key)
    described = _DESCRIBED.get(concept, _DESCRIBED.get(key))

    def read(message: Message) -> Hashable:
        keys = message.keys
        for name in names:
            if name in keys:
                found: Hashable = keys[name]
                return found
        return described(message.description) if described is not None and message.description is not None else None

    return read


_DESCRIBED: dict[str, Callable[[FieldDescription], Hashable]] = {
    "standardName": lambda one: one.standard_name or None,
    "typeOfLevel": lambda one: one.level_type or None,
    "level": lambda one: one.level,  # by this name only: MARS has no levelist for 2 metres above the ground
    "stepType": lambda one: one.step_type,
    "gridType": lambda one: one.grid.kind,
    "grid": lambda one: one.grid.label,
    "edition": lambda one: one.edition,
    "packingType": lambda one: one.packing,
    "bitsPerValue": lambda one: one.bits_per_value,
    "nside": lambda one: _of_grid(one, "nside"),
    "orderingConvention": lambda one: _of_grid(one, "ordering"),
}


def _of_grid(description: FieldDescription, name: str) -> Hashable:
    found: Hashable = description.grid.description.get(name) if description.grid.kind == "healpix" else None
    return found


# ---- keys that are more than a text


def _param(key: str, concept: str) -> _Term:
    def texts(raw: Any) -> tuple[str, ...]:
        return () if raw is None else _param_names(lenient("param", scalar(raw)))

    def accepted(text: str) -> frozenset[str]:
        return frozenset(one.lower() for one in _param_ids(canonical_value("param", text)))

    plain = _plain(key, concept)
    return _Term(_named_param(plain.raw), plain.value, texts, accepted)


def _named_param(read: Callable[[Message], Hashable]) -> Callable[[Message], Hashable]:
    """Read a parameter, by its short name where there is nothing else."""

    def raw(message: Message) -> Hashable:
        found = read(message)
        return message.keys.get("shortName") if found is None else found

    return raw


def _param_ids(canonical: str) -> tuple[str, ...]:
    """All paramIds of a canonical parameter, which may be a short name of several, and it."""
    if canonical[:1].isdecimal() and canonical.replace(".", "").isdecimal():
        return (canonical,)
    return tuple(dict.fromkeys((canonical, *parameter_ids(canonical), *parameter_ids(canonical.lower()))))


def _param_names(canonical: str) -> tuple[str, ...]:
    """All that a plan may call the parameter of a field: as `_param_ids`, and its short name, for globs."""
    try:
        name = parameter(canonical).short_name
    except DtedaskError:
        return _param_ids(canonical)
    return tuple(dict.fromkeys((*_param_ids(canonical), name)))


def _of_parameter(key: str, concept: str) -> _Term:
    """Names and units: those of the description, of a key (a model's own ``name`` first), or of the parameter."""
    attribute = {"shortName": "short_name"}.get(concept, concept)
    read, read_param = _reader(key, concept), _reader("param", "param")

    def raw(message: Message) -> Hashable:
        both = read(message), getattr(message.description, attribute, "") or None
        said = both if concept == "name" else both[::-1]
        return said if any(said) else ("param", read_param(message))

    def texts(raw: Any) -> tuple[str, ...]:
        if raw[0] == "param":
            found = _of_known_parameter(raw[1], attribute)
            return () if found is None else (found,)
        return tuple(dict.fromkeys(str(one) for one in raw if one))

    return _Term(raw, lambda raw: next(iter(texts(raw)), None), texts, lambda text: frozenset({text.lower()}))


def _of_known_parameter(param: Hashable, attribute: str) -> str | None:
    try:
        return None if param is None else str(getattr(parameter(str(param)), attribute)) or None
    except DtedaskError:
        return None


_RawStep = tuple[Hashable, Hashable, tuple[int, int] | None]


def _step(_key: str, concept: str) -> _Term:
    """Steps: a key gives the end, or start and end; the interval of an accumulation may stand in the description."""
    forms: dict[str, Callable[[int, int], str]] = {
        "startStep": lambda start, _end: format_step(start),
        "endStep": lambda _start, end: format_step(end),
        "stepRange": lambda start, end: format_step(end, start),
    }

    def value(raw: _RawStep) -> str | None:
        if concept == "step" and raw[0] is not None:
            return lenient("step", scalar(raw[0]))
        ends = _ends(raw)
        return None if ends is None else forms.get(concept, forms["endStep"])(*ends)

    def texts(raw: _RawStep) -> tuple[str, ...]:
        first, ends = value(raw), _ends(raw)
        if first is None or ends is None or concept not in ("step", "stepRange"):
            return () if first is None else (first,)
        return tuple(dict.fromkeys((first, format_step(ends[1]), format_step(ends[1], ends[0]))))

    return _Term(_raw_step, value, texts, lambda text: frozenset({strict("step", text).lower()}))


def _raw_step(message: Message) -> _RawStep:
    keys, description = message.keys, message.description
    interval = None if description is None else description.interval
    return keys.get("step", keys.get("endStep")), keys.get("stepRange"), interval


def _ends(raw: _RawStep) -> tuple[int, int] | None:
    """Start and end of the step in seconds; a range counts where it ends with the step."""
    step, interval = _seconds(raw[0]), raw[2]
    if step is None or step[0] != step[1]:
        return step or _seconds(raw[1]) or interval
    ranges = [one for one in (interval, _seconds(raw[1])) if one is not None and one[1] == step[1]]
    return ranges[0] if ranges else step


def _seconds(step: Hashable) -> tuple[int, int] | None:
    try:
        found = None if step is None else parse_step(scalar(step))
    except InvalidValueError:
        return None
    return None if found is None else (found.end_s if found.start_s is None else found.start_s, found.end_s)


def _number_of_member(key: str, concept: str) -> _Term:
    """The member; that of a control forecast is 0."""
    plain = _plain(key, concept)

    def raw(message: Message) -> Hashable:
        found = plain.raw(message)
        return "0" if found is None and message.keys.get("type") == "cf" else found

    return _Term(raw, plain.value, plain.texts, plain.accepted)


def _valid(key: str, concept: str) -> _Term:
    """Date and time at which a field is valid: the end of its step."""
    plain = _plain(key, concept)
    form = "%Y%m%d" if concept == "validDate" else "%H%M"

    def raw(message: Message) -> Hashable:
        found = plain.raw(message)
        if found is not None or "date" not in message.keys:
            return found
        return strftime(form, gmtime(message.valid_time))

    return _Term(raw, plain.value, plain.texts, plain.accepted)


_SPECIAL: dict[str, Callable[[str, str], _Term]] = {
    "param": _param,
    "shortName": _of_parameter,
    "name": _of_parameter,
    "units": _of_parameter,
    "step": _step,
    "stepRange": _step,
    "startStep": _step,
    "endStep": _step,
    "number": _number_of_member,
    "validDate": _valid,
    "validTime": _valid,
}
