"""Names of products: a template that is filled in by the keys of a field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from dtedask.core.errors import DocumentError, ProductError
from dtedask.core.nearest import did_you_mean
from dtedask.products.requirements.naming_keys import COMPUTED, NameKey
from dtedask.request.vocabulary import is_key

if TYPE_CHECKING:
    from dtedask.products.requirement import Cycle, Requirement

__all__ = ["check_template", "file_name", "template_keys"]

OF_REQUIREMENT = ("name", "owner", "format", "grid", "suffix")
"""Keys that are the same for all products of a requirement."""
_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_KEY = re.compile(r"([A-Za-z][A-Za-z0-9_]*)(\?)?(?::(.*))?", re.DOTALL)
_SEPARATORS = "-_."
_WIDTH = re.compile(r"0?\d{1,2}")
_LONGEST = 255  # bytes of one part of a path, on all file systems that matter
_IMPOSSIBLE = re.compile(r"[\x00-\x1f\x7f\\]")


@dataclass(frozen=True, slots=True)
class _Place:
    """A place of a template that is filled in."""

    key: str
    form: str
    computed: NameKey | None
    before: str | None = None
    """Of one that may be absent: the separator in front, which is left out with it."""


def file_name(
    template: str, keys: Mapping[str, str], requirement: Requirement, cycle: Cycle, *, suffix: str = ""
) -> str:
    """Fill in the template of a product's name.

    Parameters
    ----------
    template : str
        Such as ``{owner}/{shortName}-{date}{time}-{step:03}{suffix}``; ``{{`` and ``}}`` stand for braces. A key with a
        question mark, ``-{levelist?}``, is left out with the separator in front of it where a field does not have it.
    keys : mapping of str to str
        MARS keys of a field in canonical form.
    requirement : Requirement
        What the product is of.
    cycle : Cycle
        Its run; for fields that do not say their date and time.
    suffix : str
        What ``{suffix}`` stands for, such as ``.grib2``.

    Returns
    -------
    str
        A path below the place of delivery, with ``/`` for folders.

    Raises
    ------
    ProductError
        If the field has no such key, or the name would lead out of the place of delivery.
    """
    known = keys if "date" in keys and "time" in keys else {**cycle.keys, **keys}
    pieces = _parsed(template)
    name = "".join(
        piece if isinstance(piece, str) else _filled(piece, known, requirement, suffix, template) for piece in pieces
    )
    _check_path(name, f"The name {name!r} of a product of {requirement.name!r}", ProductError)
    return name


@lru_cache(4096)
def template_keys(template: str) -> tuple[str, ...]:
    """MARS keys of fields that decide about the name: fields that agree in all of them are one product.

    Raises
    ------
    DocumentError
        If the template has a key that does not exist.
    """
    found: dict[str, None] = {}
    for piece in _parsed(template):
        if isinstance(piece, _Place) and piece.key not in OF_REQUIREMENT:
            found.update(dict.fromkeys(piece.computed.needs if piece.computed else (piece.key,)))
    return tuple(found)


@lru_cache(4096)
def check_template(template: str) -> None:
    """Look whether names can be made of a template.

    Raises
    ------
    DocumentError
        If it is empty, has a key that does not exist, or leads out of the place of delivery.
    """
    text = "".join("x" if isinstance(piece, _Place) else piece for piece in _parsed(template))
    _check_path(text, f"The template of names {template!r}", DocumentError)


@lru_cache(4096)
def _parsed(template: str) -> tuple[str | _Place, ...]:
    pieces: list[str | _Place] = []
    at = 0
    for match in _PIECE.finditer(template):
        pieces.append(template[at : match.start()])
        at = match.end()
        if match[0] in ("{{", "}}"):
            pieces.append(match[0][0])
        elif match[1] is None:
            raise DocumentError(f"A brace in the template {template!r} has no other.", hint="Write {{ for a brace.")
        else:
            place = _place(match[1], template)
            if place.before is not None and pieces[-1] and str(pieces[-1])[-1] in _SEPARATORS:
                place = replace(place, before=str(pieces[-1])[-1])
                pieces[-1] = str(pieces[-1])[:-1]
            pieces.append(place)
    pieces.append(template[at:])
    return tuple(piece for piece in pieces if piece != "")


def _place(text: str, template: str) -> _Place:
    match = _KEY.fullmatch(text.strip())
    if match is None:
        raise DocumentError(f"'{{{text}}}' in the template {template!r} is no key.", hint="Write such as {step}.")
    key, form = match[1], match[3] or ""
    if not (key in OF_REQUIREMENT or key in COMPUTED or is_key(key)):
        known = [*OF_REQUIREMENT, *COMPUTED, *_USUAL]
        raise DocumentError(f"Unknown key {key!r} in the template {template!r}.", hint=did_you_mean(key, known))
    if form and "%" not in form and not _WIDTH.fullmatch(form):
        raise DocumentError(
            f"The form {form!r} of {key!r} in the template {template!r} is unknown.",
            hint="Give a width, such as {step:03}, or parts of a date, such as {base:%Y/%m}.",
        )
    return _Place(key, form, COMPUTED.get(key), "" if match[2] else None)


_USUAL = ("class", "date", "expver", "levelist", "levtype", "number", "param", "step", "stream", "time", "type")


def _filled(place: _Place, keys: Mapping[str, str], requirement: Requirement, suffix: str, template: str) -> str:
    value: str | datetime | None
    if place.key in OF_REQUIREMENT:
        value = _of_requirement(place.key, requirement, suffix)
    elif place.computed is not None:
        value = place.computed.value(keys)
    else:
        value = keys.get(place.key, "0" if place.key == "step" else None)
    if value is None and place.before is not None:
        return ""
    if value is None:
        said = ",".join(f"{key}={one}" for key, one in keys.items())
        raise ProductError(
            f"The field {said} of {requirement.name!r} has no {place.key!r}, which the name {template!r} asks for.",
            hint=f"Take {{{place.key}}} out of the name, or make two requirements.",
        )
    text = _formed(value, place.form)
    if isinstance(value, str) and "/" in value:
        raise ProductError(
            f"The value {text!r} of {place.key!r} cannot stand in the name of a product of {requirement.name!r}.",
            hint="It would be a folder: take it out of the template.",
        )
    return (place.before or "") + text


def _of_requirement(key: str, requirement: Requirement, suffix: str) -> str:
    if key == "suffix":
        return suffix
    if key == "format":
        return requirement.format.type
    return (requirement.how.grid or "native") if key == "grid" else str(getattr(requirement, key))


def _formed(value: str | datetime, form: str) -> str:
    if isinstance(value, datetime):
        return value.strftime(form or "%Y%m%d%H%M")
    if not form:
        return value
    if "%" in form:
        return _as_time(value).strftime(form)
    fill = "0" if form.startswith("0") else " "
    return value.rjust(int(form), fill)


def _as_time(value: str) -> datetime:
    """A date or a time of day as what `strftime` takes; other values have none."""
    for form in ("%Y%m%d", "%H%M", "%Y%m"):
        if len(value) == {"%Y%m%d": 8, "%H%M": 4, "%Y%m": 6}[form] and value.isdecimal():
            return datetime.strptime(value, form)  # noqa: DTZ007 - only its parts are written
    raise ProductError(
        f"{value!r} is no date, and the name asks for parts of one.", hint="Take {base:...} or {valid:...}."
    )


def _check_path(path: str, what: str, error: type[DocumentError | ProductError]) -> None:
    parts = path.split("/")
    if not path.strip():
        raise error(f"{what} is empty.", hint="Give such as {name}-{step}{suffix}.")
    if path.startswith(("/", "~")) or re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", path):
        raise error(f"{what} is absolute.", hint="Names are below the place of delivery: give that as 'delivery'.")
    if any(part in ("", ".", "..") for part in parts) or _IMPOSSIBLE.search(path):
        raise error(f"{what} is no path below the place of delivery.", hint="Leave out '..', '//' and backslashes.")
    if any(len(part.encode()) > _LONGEST for part in parts):
        raise error(f"{what} is too long for a file system.", hint=f"Keep each part below {_LONGEST} bytes.")
