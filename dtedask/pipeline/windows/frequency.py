"""How often a statistic is due: ``6h``, ``1d``, ``1m``, ``season``, ``1y``, ``run``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from dtedask.core.errors import InvalidValueError

Unit = Literal["hour", "day", "month", "season", "year", "run"]
_UNITS: dict[str, Unit] = {
    **dict.fromkeys(("h", "hour", "hours"), "hour"),
    **dict.fromkeys(("d", "day", "days"), "day"),
    **dict.fromkeys(("m", "month", "months"), "month"),
    "season": "season",
    **dict.fromkeys(("y", "year", "years"), "year"),
    "run": "run",
}
_ALONE = ("season", "year", "month", "day", "hour", "run")
_COUNTED = ("hour", "day", "month", "year")
_FORMS = "It is such as '6h', '1d', '10d', '1m', 'season', '1y' or 'run'."
SECONDS = {"hour": 3600, "day": 86400}
MONTHS = {"month": 1, "season": 3, "year": 12}


@dataclass(frozen=True, slots=True)
class Frequency:
    """A length of time as the calendar has it.

    Parameters
    ----------
    count : int
        How many.
    unit : {"hour", "day", "month", "season", "year", "run"}
        Of what; a ``run`` is all there is.
    """

    count: int
    unit: Unit

    @property
    def seconds(self) -> int | None:
        """Length in seconds; None where the calendar decides."""
        return self.count * SECONDS[self.unit] if self.unit in SECONDS else None

    @property
    def months(self) -> int | None:
        """Length in months; None where it is none."""
        return self.count * MONTHS[self.unit] if self.unit in MONTHS else None

    def times(self, shorter: Frequency) -> int | None:
        """How many of a shorter length this one is; None where it is no whole number of them."""
        for own, other in ((self.seconds, shorter.seconds), (self.months, shorter.months)):
            if own is not None and other is not None and own % other == 0:
                return own // other
        return None

    def __str__(self) -> str:
        if self.unit == "run":
            return "run"
        return f"{self.count} {self.unit}" + ("s" if self.count > 1 else "")


def parse_frequency(text: str, option: str = "output-frequency") -> Frequency:
    """Read a frequency as MultIO writes it, or one of ours.

    Raises
    ------
    InvalidValueError
        If the text is none.
    """
    match = re.fullmatch(r"([1-9][0-9]*)?([a-z]+)", text.strip())
    unit = _UNITS.get(match[2]) if match else None
    if match is None or unit is None or not (match[2] in _ALONE if match[1] is None else unit in _COUNTED):
        raise InvalidValueError(f"Invalid value '{text}' of '{option}'.", hint=_FORMS)
    return Frequency(int(match[1] or 1), unit)
