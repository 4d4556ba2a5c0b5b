"""How much of a window fields cover, judged by their times alone."""

from __future__ import annotations

from dataclasses import dataclass

from dtedask.pipeline.windows.window import Window


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a statistic of a window is a statistic of.

    Parameters
    ----------
    start, end : int
        Seconds since 1970-01-01 00 UTC: the window, or the part of it that fields cover.
    partial : bool
        Whether it is a part.
    """

    start: int
    end: int
    partial: bool


@dataclass(frozen=True, slots=True)
class Times:
    """Times of the fields of a window, in seconds since 1970-01-01 00 UTC.

    Parameters
    ----------
    first, last : int
        Of the first and the last of them.
    first_distance, distance : int, optional
        Time between fields at the beginning of the series, and at the end of it; None while there is one only.
    reference : int, optional
        Reference time of a forecast, before which there is nothing.
    begins : bool
        Whether the first of them is the first of the series.
    ends : bool
        Whether no field comes after the last of them.
    """

    first: int
    last: int
    first_distance: int | None = None
    distance: int | None = None
    reference: int | None = None
    begins: bool = False
    ends: bool = False


def coverage(window: Window, times: Times, *, is_forward: bool) -> Coverage:
    """Return which part of a window fields cover.

    Fields stand for the time before them in windows that take their end, and for the time after them in windows that
    take their start. A window within a series is covered, whatever is missing inside it; the first and the last one
    of a series may not be.
    """
    if window.is_endless:
        return _whole_run(window, times, is_forward=is_forward)
    start = _start(window, times, is_forward=is_forward) if times.begins else window.start
    end = _end(window, times, is_forward=is_forward) if times.ends else window.end
    return Coverage(start, end, start > window.start or end < window.end)


def _start(window: Window, times: Times, *, is_forward: bool) -> int:
    bound = window.start if times.reference is None else max(window.start, times.reference)
    distance = times.first_distance
    if is_forward:
        return times.first if distance is None else max(bound, times.first - distance)
    return times.first if distance is None or times.first - bound >= distance else bound


def _end(window: Window, times: Times, *, is_forward: bool) -> int:
    distance = times.distance
    if is_forward:
        is_whole = distance is not None and window.end - times.last < distance
        return window.end if is_whole else times.last
    return times.last if distance is None else min(window.end, times.last + distance)


def _whole_run(window: Window, times: Times, *, is_forward: bool) -> Coverage:
    if not is_forward:
        return Coverage(times.first, times.last + (times.distance or 0), partial=False)
    bound = window.start if times.reference is None else times.reference
    if times.first_distance is None:
        return Coverage(times.first if times.reference is None else bound, times.last, partial=False)
    start = times.first - times.first_distance
    return Coverage(start if times.reference is None else max(bound, start), times.last, partial=False)
