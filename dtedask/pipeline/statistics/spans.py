"""How keys say the length of a statistic: timespan and stattype."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dtedask.pipeline.windows import Coverage, Frequency, parse_frequency
from dtedask.request import format_step

if TYPE_CHECKING:
    from dtedask.pipeline.operations import OperationOptions

_LENGTHS = {"hour": "{}h", "day": "da", "month": "mo", "season": "se", "year": "ye", "run": "ru"}
_OPERATIONS = {"average": "av", "maximum": "mx", "minimum": "mn", "stddev": "sd", "accumulate": "ac"}


def is_calendar(frequency: Frequency, covered: Coverage) -> bool:
    """Whether a statistic is one of whole months, seasons or years."""
    return frequency.months is not None and not covered.partial


def span_text(text: str, covered: Coverage, length: int) -> str:
    """Timespan of a statistic: ``24h``; ``month``, ``season``, ``year`` where the calendar decides.

    Parameters
    ----------
    text : str
        Length of the windows, as the plan says it.
    covered : Coverage
        What fields cover of the window.
    length : int
        Length of the interval in seconds.
    """
    frequency = parse_frequency(text)
    if is_calendar(frequency, covered):
        return frequency.unit if frequency.count == 1 else f"{frequency.count}{frequency.unit}s"
    hours = format_step(length)
    return f"{hours}h" if hours.isdecimal() else hours


def stattype_of(text: str, operation: OperationOptions) -> str:
    """Stattype of a statistic of a statistic, as MARS has it for days and months: ``damx``, ``moav``."""
    frequency = parse_frequency(text)
    unit = _LENGTHS[frequency.unit].format(frequency.count)
    count = "" if frequency.count == 1 or frequency.unit == "hour" else str(frequency.count)
    return f"{count}{unit}{_OPERATIONS.get(operation.operation, operation.info.step_type or operation.operation)}"
