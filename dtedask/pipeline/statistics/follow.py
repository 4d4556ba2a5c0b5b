"""Fields go into windows, and windows close: the rules, which look at times only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dtedask.core.errors import FieldError
from dtedask.pipeline.statistics.fields import first_distance_of, runs_along_dates, time_step_of
from dtedask.pipeline.statistics.openings import unknown
from dtedask.pipeline.statistics.series import ALL, Folding, Pane, Part, Series, joined
from dtedask.pipeline.windows import Coverage, Times, Tumbling, Window, coverage, said

if TYPE_CHECKING:
    from dtedask.pipeline.compute import Compute
    from dtedask.pipeline.message import Message
    from dtedask.pipeline.statistics.options import StatisticsOptions

_HOUR, _DAY = 3600, 86400


@dataclass(frozen=True, slots=True)
class Closed:
    """A window, or an hour of the day in it, whose fields are in.

    Parameters
    ----------
    window : Window
        The window.
    covered : Coverage
        What fields cover of it.
    part : Part
        What is folded.
    hour : int
        Hour of the day; `ALL` where hours are not told apart.
    opening : array, optional
        Values at the start of the window.
    """

    window: Window
    covered: Coverage
    part: Part
    hour: int
    opening: Any


@dataclass(frozen=True, slots=True)
class Follower:
    """Follows series of fields through windows; it holds what the plan says, and nothing that changes.

    Parameters
    ----------
    options : StatisticsOptions
        What the plan says.
    folding : Folding
        What is done with the fields of a window.
    """

    options: StatisticsOptions
    folding: Folding
    windows: Tumbling = field(init=False)
    together: int = field(init=False)
    hours: frozenset[int] | None = field(init=False)
    step_s: int | None = field(init=False)

    def __post_init__(self) -> None:
        hours = self.options.by_hour_of_day
        chosen = None if hours is False else frozenset(range(24) if hours is True else hours)
        object.__setattr__(self, "windows", Tumbling(self.options.frequency, self.options.options.window_type))
        object.__setattr__(self, "together", self.options.windows_together or 1)
        object.__setattr__(self, "hours", chosen)
        object.__setattr__(self, "step_s", self.options.options.distance)

    def begin(self, message: Message, time: int) -> Series:
        """Return the series that a field is the first of; the field is not in it yet."""
        along_dates = runs_along_dates(message.keys, self.options.time_axis)
        reference = None if along_dates else message.reference_time
        is_condition = self._is_condition(time, reference)
        anchor = reference if reference is not None else time - (self.windows.is_forward and not is_condition)
        origin = self.windows.origin(anchor)
        window = self.windows.window_of(time + is_condition, origin)
        step_s = self.step_s or time_step_of(message.keys)
        series = Series(_template(message), reference, origin, Pane(window))
        series.distance, series.first_distance = step_s, step_s or first_distance_of(message)
        return series

    def take(self, series: Series, message: Message, time: int, compute: Compute) -> Iterator[Closed]:
        """Take a field, and give the windows that it closes.

        Raises
        ------
        FieldError
            If it is not later than the field before, or its window has been given already.
        """
        if series.last is None:
            if self._open_with(series, message, time, compute):
                return
        elif time <= series.last or not self._is_after_start(time, series.pane.window):
            raise _late(message, time, series)
        series.passes(time, self.step_s)
        if not self._is_before_end(time, series.pane.window):
            yield from self._close(series, compute)
            self._move_on(series, self.windows.window_of(time, series.origin), compute)
        if series.first is None:
            series.message = _template(message)
        self._fold(series, message.values, time, compute)
        if self._is_last(series, time):
            yield from self._close(series, compute)
            self._move_on(series, self.windows.following(series.pane.window, series.origin), compute)

    def end(self, series: Series, compute: Compute) -> Iterator[Closed]:
        """Give the window that is open at the end of a run."""
        if series.pane.fields:
            yield from self._close(series, compute, ends=True)
            window = series.pane.window
            if not window.is_endless:
                window = self.windows.following(window, series.origin)
            self._move_on(series, window, compute)

    def so_far(self, series: Series, compute: Compute) -> Iterator[Closed]:
        """Give what is in the window that takes fields, and leave it open."""
        if series.pane.fields:
            yield from self._close(series, compute, ends=True)

    def _is_condition(self, time: int, reference: int | None) -> bool:
        """Whether the first field of a series is the state at the start, which no window takes."""
        if not self.windows.is_forward:
            return False
        if reference is not None:
            return time == reference
        if not self.options.options.initial_condition_present:
            return False
        return self.windows.window_of(time + 1, self.windows.origin(time)).start == time

    def _open_with(self, series: Series, message: Message, time: int, compute: Compute) -> bool:
        """Take the state at the start from the first field of a series where it is that."""
        is_condition = self._is_condition(time, series.reference)
        if self.folding.operations.needs_opening:
            if is_condition:
                series.pane.opening = message.values
            elif series.reference is None or series.pane.window.start > series.reference:
                series.pane.opening = compute.call("unknown", unknown, message.values)
        if is_condition:
            series.passes(time, self.step_s)
        return is_condition

    def _is_after_start(self, time: int, window: Window) -> bool:
        return time > window.start if self.windows.is_forward else time >= window.start

    def _is_before_end(self, time: int, window: Window) -> bool:
        return time <= window.end if self.windows.is_forward else time < window.end

    def _is_last(self, series: Series, time: int) -> bool:
        """Whether no other field can come into the window."""
        end = series.pane.window.end
        if self.windows.is_forward:
            return time == end and (series.first_distance is not None or series.first != time)
        return series.distance is not None and time + series.distance >= end

    def _fold(self, series: Series, values: Any, time: int, compute: Compute) -> None:
        pane = series.pane
        if pane.fields == 0:
            pane.first = time
            if series.first is None:
                series.first = time
            if self.folding.operations.needs_opening and not self.windows.is_forward:
                self._open_inside(series, values, time, compute)
        pane.fields += 1
        hour = ALL if self.hours is None else time % _DAY // _HOUR
        if self.hours is None or hour in self.hours:
            part = pane.parts.get(hour)
            if part is None:
                part = pane.parts[hour] = Part()
            part.take(values, time, self.folding, compute)

    def _open_inside(self, series: Series, values: Any, time: int, compute: Compute) -> None:
        """A window that takes its start has the values there in its first field."""
        pane = series.pane
        if time == pane.window.start:
            pane.opening = values
        elif series.reference is None or pane.window.start > series.reference:
            pane.opening = compute.call("unknown", unknown, values)

    def _close(self, series: Series, compute: Compute, *, ends: bool = False) -> Iterator[Closed]:
        panes = self._panes(series)
        window = Window(self.windows.back(series.pane.window, self.together - 1), series.pane.window.end)
        times = Times(
            first=panes[0].first,
            last=series.last if ends and series.last is not None else window.end,
            first_distance=series.first_distance,
            distance=series.distance,
            reference=series.reference,
            begins=panes[0].first == series.first,
            ends=ends,
        )
        covered = coverage(window, times, is_forward=self.windows.is_forward)
        for hour in sorted({hour for pane in panes for hour in pane.parts}):
            parts = [pane.parts[hour] for pane in panes if hour in pane.parts]
            yield Closed(window, covered, joined(parts, self.folding, compute), hour, panes[0].opening)

    def _panes(self, series: Series) -> list[Pane]:
        """Panes of the rolling window that ends with the open one."""
        start = self.windows.back(series.pane.window, self.together - 1)
        return [*(pane for pane in series.earlier if pane.window.start >= start), series.pane]

    def _move_on(self, series: Series, window: Window, compute: Compute) -> None:
        before = series.pane
        if self.together > 1:
            series.earlier = [*series.earlier, before][1 - self.together :]
        series.pane = Pane(window)
        if self.folding.operations.needs_opening and self.windows.is_forward:
            series.pane.opening = self._carried(before, window, compute)

    def _carried(self, before: Pane, window: Window, compute: Compute) -> Any:
        """Values at the start of a window: those of the last field before, unless a whole window lies between."""
        if ALL not in before.parts:
            return before.opening
        part = before.parts[ALL]
        values = compute.call("carry", self.folding.carry, part.merged if part.segment is None else part.segment)
        return values if before.window.end == window.start else compute.call("unknown", unknown, values)


def _template(message: Message) -> Message:
    return message.replaced(values=None, data=None)


def _late(message: Message, time: int, series: Series) -> FieldError:
    last = "" if series.last is None else f" after that of {said(series.last)}"
    return FieldError(
        f"The field of {said(time)} comes{last}, and the window {series.pane.window} is open: {message}.",
        hint="Statistics take the fields of a series in the order of time, each once: sort the input first.",
    )
