"""Keys that are given with a GRIB message, which must say the same as the message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dtedask.core.errors import FieldError

if TYPE_CHECKING:
    from dtedask.grib import Message
    from dtedask.request import Request


def place_of(message: Message) -> str:
    """What to call a message in an error, such as ``"a.grib at offset 0"``."""
    return f"{message.location or 'the given bytes'} at offset {message.offset}"


def check_agreement(wanted: Request, message: Message) -> None:
    """Check that a message has the keys that were given with it.

    Parameters
    ----------
    wanted : Request
        The keys; of a key with several values the message must have one.
    message : Message
        The message.

    Raises
    ------
    FieldError
        If a key of the message differs, or the message lacks it; names the key, both values and the place.
    """
    field = message.field
    keys = {**field.keys, "grid": field.grid.label}
    failing = wanted.failing_key(keys, aliases={"step": _steps(message)})
    if failing is None:
        return
    asked = f"{failing}={'/'.join(wanted[failing])}"
    if failing not in keys:
        raise FieldError(
            f"The key {asked} was given, but the message of {place_of(message)} has no {failing}.",
            hint="Leave the key out: a GRIB message is archived under its own keys.",
        )
    raise FieldError(
        f"The key {asked} was given, but the message of {place_of(message)} has {failing}={keys[failing]}.",
        hint="Correct the key, or leave it out: a GRIB message is archived under its own keys.",
    )


def _steps(message: Message) -> tuple[str, ...]:
    """Steps that a field answers to: the end of its interval, and the whole interval."""
    from dtedask.request import format_step

    field = message.field
    end = format_step(field.step_seconds)
    return (end,) if field.interval is None else (end, format_step(field.interval[1], field.interval[0]))
