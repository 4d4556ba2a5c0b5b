"""Walltimes as SLURM writes them, and how long a worker lives within one."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from itertools import pairwise

_FORM = re.compile(r"(?:(?P<days>\d+)-)?(?P<clock>\d+(?::\d+){0,2})")
_WITHOUT_END = {"UNLIMITED", "INFINITE", "-1"}


def walltime_s(text: str) -> float | None:
    """Seconds of a walltime; None where it has no end.

    Parameters
    ----------
    text : str
        Minutes, minutes:seconds, hours:minutes:seconds, days-hours, days-hours:minutes or days-hours:minutes:seconds.

    Raises
    ------
    ValueError
        If it has none of these forms.
    """
    said = str(text).strip()
    if said.upper() in _WITHOUT_END:
        return None
    match = _FORM.fullmatch(said)
    if match is None:
        raise ValueError(f"{text!r} is not a walltime such as '01:30:00', '90' (minutes) or '1-12:00:00'")
    parts = [int(part) for part in match["clock"].split(":")]
    if match["days"] is not None:  # begins with hours
        hours, minutes, seconds = (*parts, 0, 0)[:3]
    elif len(parts) == 3:
        hours, minutes, seconds = parts
    else:  # begins with minutes
        hours, (minutes, seconds) = 0, (*parts, 0)[:2]
    total = float(((int(match["days"] or 0) * 24 + hours) * 60 + minutes) * 60 + seconds)
    return total or None  # 0 asks SLURM for no limit


def successor_s(options: Sequence[str]) -> float:
    """How long a job runs before it gets a successor: a minute, at most, before the first of its workers may end.

    Parameters
    ----------
    options : sequence of str
        Of its workers; infinite if they name no lifetime.
    """
    from dask.utils import parse_timedelta

    words = [word for option in options for word in str(option).replace("=", " ").split()]
    given = dict(pairwise(words))
    if "--lifetime" not in given:
        return math.inf
    lifetime = float(parse_timedelta(given["--lifetime"]))
    stagger = float(parse_timedelta(given.get("--lifetime-stagger", "0s")))
    return max(lifetime - stagger - min(60.0, lifetime / 4), lifetime / 4)


def lifetime_options(walltime: str | None) -> list[str]:
    """Options of a worker that ends it by itself before its job is killed, so that its work moves to others first.

    A tenth of the walltime, at least 20 s and at most 10 minutes, is left; workers that began together end apart.
    """
    seconds = walltime_s(walltime) if walltime else None
    if seconds is None:
        return []
    left = min(max(seconds / 10, 20.0), 600.0)
    stagger = min(seconds / 20, 300.0)
    lifetime = max(seconds - left - stagger, seconds / 4)
    return ["--lifetime", f"{lifetime:.0f}s", "--lifetime-stagger", f"{stagger:.0f}s"]
