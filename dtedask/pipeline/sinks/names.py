"""Names of files by the keys of fields."""

from __future__ import annotations

import re
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dtedask.core.errors import FieldError
from dtedask.core.nearest import did_you_mean

if TYPE_CHECKING:
    from dtedask.pipeline.message import Message

_PLACE = re.compile(r"\{(\w+)\}")


def file_name(template: str, message: Message, rotate: str = "") -> str:
    """The name of the file that a field goes to.

    Parameters
    ----------
    template : str
        ``{key}`` stands for the value of a key of the field; ``{shortName}`` for the name of its parameter,
        ``{level}`` for its level, 0 where it has none, and ``{validDate}``, ``{validTime}`` for the time at which it is
        valid.
    message : Message
        The field.
    rotate : str
        ``step`` or ``day`` add what tells one file from the next, where the template does not say it.

    Raises
    ------
    FieldError
        If the field lacks a key.
    """
    name = template
    if rotate == "step" and not {"step", "validTime"} & set(_PLACE.findall(template)):
        name = _with("{date}-{time}-{step}", template)
    elif rotate == "day" and not {"date", "validDate"} & set(_PLACE.findall(template)):
        name = _with("{validDate}", template)
    return _PLACE.sub(lambda found: _value(found[1], message, template), name)


def numbered(path: Path, number: int) -> Path:
    """The name of the next file, where files are cut by their size."""
    return path if number == 0 else path.with_name(f"{path.stem}-{number:04}{path.suffix}")


def served(path: Path) -> Path:
    """The name of the file of this host."""
    return path.with_name(f"{socket.gethostname()}-{path.name}")


def _with(more: str, template: str) -> str:
    path = Path(template)
    return str(path.with_name(f"{path.stem}-{more}{path.suffix}"))


def _value(key: str, message: Message, template: str) -> str:
    if key in message.keys:
        return str(message.keys[key]).replace("/", "_")
    if key == "level":
        return str(message.keys.get("levelist", 0))
    if key == "shortName" and message.description is not None:
        return message.description.short_name or f"p{message.keys.get('param', '')}"
    if key in ("validDate", "validTime"):
        valid = datetime.fromtimestamp(message.valid_time, UTC)
        return valid.strftime("%Y%m%d" if key == "validDate" else "%H%M")
    known = [*map(str, message.keys), "shortName", "validDate", "validTime"]
    raise FieldError(
        f"The {message} has no key {key!r}, which the name {template!r} asks for.", hint=did_you_mean(key, known)
    )
