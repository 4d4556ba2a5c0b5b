"""By when products are wanted: so long after the base time, or at a time of day."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import lru_cache

from dtedask.core.errors import DocumentError, InvalidValueError
from dtedask.products.requirement import ClockTime
from dtedask.request.steps import parse_duration, parse_step

__all__ = ["read_deadline"]

_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?:\s*Z)?(?:\s*\+\s*(\d{1,3})\s*d)?", re.IGNORECASE)
_LONGEST_S = 366 * 86400
_FORMS = "Write +7h or 1h30m after the base time; 06:30, the next time that it is; or 06:30+1d, days after its day."


@lru_cache(4096)
def read_deadline(text: str) -> timedelta | ClockTime:
    """Read a deadline.

    Parameters
    ----------
    text : str
        ``+7h``, ``90m``, ``1h30m``: after the base time; a number is hours. ``06:30``: the next time after the base
        time that it is so late, UTC. ``06:30+1d``: at that time on the first day after the day of the base time.

    Raises
    ------
    DocumentError
        If it is none.
    """
    said = text.strip()
    if match := _CLOCK.fullmatch(said):
        return ClockTime(int(match[1]) * 60 + int(match[2]), None if match[3] is None else int(match[3]))
    plain = said.removeprefix("+").strip()
    try:
        if plain.startswith("-"):
            raise DocumentError(f"The deadline {said!r} is before the base time.", hint=_FORMS)
        parse_step(plain)
        if re.search(r"\d-\d", plain):
            raise DocumentError(f"{said!r} is no deadline.", hint=_FORMS)
    except InvalidValueError:
        raise DocumentError(f"{said!r} is no deadline.", hint=_FORMS) from None
    seconds = parse_duration(plain)
    if seconds > _LONGEST_S:
        raise DocumentError(f"The deadline {said!r} is more than a year after the base time.", hint=_FORMS)
    return timedelta(seconds=seconds)
