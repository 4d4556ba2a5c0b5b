"""The actions `statistics` and `statistics-mtg2`: numbers over windows of time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dtedask.pipeline.action import Action, Context, Saved
from dtedask.pipeline.message import Kind, Message
from dtedask.pipeline.operations import OperationSet
from dtedask.pipeline.statistics.facts import WindowFacts
from dtedask.pipeline.statistics.fields import Signature, runs_along_dates, signature_of, time_of
from dtedask.pipeline.statistics.follow import Closed, Follower
from dtedask.pipeline.statistics.openings import FROM_ZERO, resets_at
from dtedask.pipeline.statistics.options import StatisticsOptions
from dtedask.pipeline.statistics.results import Namer
from dtedask.pipeline.statistics.saving import load_series, save_series
from dtedask.pipeline.statistics.series import Folding, Series
from dtedask.pipeline.values.numbers import numbers_of
from dtedask.pipeline.windows import Frequency, parse_frequency

if TYPE_CHECKING:
    from dtedask.pipeline.compute import Compute

_DAY = 86400
_FORGET_AFTER = 10 * _DAY
_ENDS = frozenset({"end-of-simulation", "last-step", "close-connection"})
SO_FAR = "partial-statistics"  # a flush of this kind asks for what is in windows that are still open


SeriesKey = tuple[Signature, int | None]


@dataclass(slots=True)
class StatisticsState:
    """How far all series have come.

    Parameters
    ----------
    series : dict
        Of each series, by what tells it apart: its keys, and the reference time of a forecast.
    tidied : int
        Time of the field at which series that are over were last forgotten.
    known : dict
        Of each order of keys that was met, the same in the order of the alphabet, and whether it runs along dates.
    """

    series: dict[SeriesKey, Series] = field(default_factory=dict)
    tidied: int = 0
    known: dict[Signature, tuple[Signature, bool]] = field(default_factory=dict)


class Statistics(Action):
    """Takes fields into windows, and gives a field for each window and operation once the window is full."""

    Options = StatisticsOptions

    def __init__(self, options: StatisticsOptions, context: Context) -> None:
        super().__init__(options, context)
        threshold = options.options.value_count_threshold
        self.operations = OperationSet(options.operations, value_count_threshold=threshold)
        self.folding = Folding(self.operations)
        self.follower = Follower(options, self.folding)
        self.namer = Namer(options)

    def start(self) -> StatisticsState:
        """Return the state before the first field."""
        return StatisticsState()

    def handle(self, message: Message, state: StatisticsState, compute: Compute) -> Iterable[Message]:
        """See `Action`."""
        if message.kind is Kind.FIELD:
            yield from self._field(message, state, compute)
            return
        if message.kind is Kind.FLUSH:
            yield from self._flush(message, state, compute)
        yield message

    def save(self, state: StatisticsState) -> Saved:
        """See `Action`."""
        saved = save_series(state.series.values())
        saved.document["tidied"] = state.tidied
        return saved

    def load(self, saved: Saved) -> StatisticsState:
        """See `Action`."""
        state = StatisticsState(tidied=saved.document.get("tidied", 0))
        for series in load_series(saved):
            state.series[_sorted(signature_of(series.message)), series.reference] = series
        return state

    def kept(self, state: StatisticsState, message: Message) -> StatisticsState:
        """See `Action`: a field changes one series, and most flushes none."""
        if message.kind is not Kind.FIELD:
            return super().kept(state, message) if message.keys.get("flushKind") in _ENDS else state
        all_series = dict(state.series)
        if "date" in message.keys:
            key = self._key(message, state)
            if key in all_series:
                all_series[key] = all_series[key].kept()
        return StatisticsState(all_series, state.tidied, state.known)

    def memory_bytes(self, fields: int, field_bytes: int) -> int:
        """See `Action`; two states a field and window: the segments that are merged, and the one under way."""
        windows = self.follower.together + 1
        hours = 1 if self.follower.hours is None else len(self.follower.hours)
        opening = field_bytes * windows if self.operations.needs_opening else 0
        state = self.operations.memory_bytes(self.options.fields_in_window, field_bytes)
        return fields * (windows * hours * state + opening)

    def explain(self) -> str:
        """See `Action`."""
        options, follower = self.options, self.follower
        bounds = "(start, end]" if follower.windows.is_forward else "[start, end)"
        names = ", ".join(one.name for one in self.operations.operations)
        length = parse_frequency(options.window_length or options.output_frequency)
        threshold = options.options.value_count_threshold
        hours = sorted(follower.hours or ())
        said = {
            f"{names} over windows {bounds} of {length}": True,
            f"in steps of {options.frequency}": follower.together > 1,
            "which begin at another hour each day": _drifts(options.frequency),
            f"apart for each hour of the day {', '.join(map(str, hours))}": bool(hours),
            f"missing with less than {threshold} values": threshold is not None,
            "partial windows too": options.partial,
        }
        return "; ".join(text for text, is_so in said.items() if is_so)

    def _field(self, message: Message, state: StatisticsState, compute: Compute) -> Iterator[Message]:
        numbers_of(message, self.options.type)
        time = time_of(message)
        series = self._series(message, time, state)
        for closed in self.follower.take(series, message, time, compute):
            yield from self._results(series, closed, compute)

    def _flush(self, message: Message, state: StatisticsState, compute: Compute) -> Iterator[Message]:
        kind = message.keys.get("flushKind")
        for series in state.series.values():
            if kind in _ENDS:
                for closed in self.follower.end(series, compute):
                    yield from self._results(series, closed, compute)
            elif kind == SO_FAR:
                for closed in self.follower.so_far(series, compute):
                    yield from self._results(series, closed, compute, asked=True)

    def _series(self, message: Message, time: int, state: StatisticsState) -> Series:
        key = self._key(message, state)
        series = state.series.get(key)
        if series is None:
            _tidy(state, time)
            series = state.series[key] = self.follower.begin(message, time)
        return series

    def _key(self, message: Message, state: StatisticsState) -> SeriesKey:
        """All that tells the series of a field apart."""
        signature = signature_of(message)
        known = state.known.get(signature)
        if known is None:
            along_dates = runs_along_dates(message.keys, self.options.time_axis)
            known = state.known[signature] = (_sorted(signature), along_dates)
        return known[0], None if known[1] else message.reference_time

    def _results(self, series: Series, closed: Closed, compute: Compute, *, asked: bool = False) -> Iterator[Message]:
        if closed.covered.partial and not (asked or self.options.partial):
            return
        facts = WindowFacts(
            start_s=closed.covered.start,
            end_s=closed.covered.end,
            first_s=closed.part.first,
            last_s=closed.part.last,
            count=closed.part.fields,
            time_step_s=series.distance,
            partial=closed.covered.partial,
        )
        for operation in self.operations.operations:
            opening = self._opening(closed, operation.operation)
            values = compute.call(
                operation.name, self.folding.finish, operation.name, closed.part.merged, facts, opening
            )
            yield self.namer.message(series, closed, operation, values)

    def _opening(self, closed: Closed, operation: str) -> Any:
        if operation in FROM_ZERO and resets_at(closed.window.start, self.options.options.solver_reset):
            return None
        return closed.opening


def _tidy(state: StatisticsState, time: int) -> None:
    """Forget forecasts that have had nothing to say for a long time, so that a stream of many runs keeps its size."""
    if time - state.tidied < _DAY:
        return
    state.tidied = time
    over = [key for key, series in state.series.items() if _is_over(series, time)]
    for key in over:
        del state.series[key]


def _is_over(series: Series, time: int) -> bool:
    is_empty = series.pane.fields == 0 and series.last is not None
    return series.reference is not None and is_empty and time - (series.last or 0) > _FORGET_AFTER


def _sorted(signature: Signature) -> Signature:
    return (signature[0], *sorted(signature[1:], key=str))


def _drifts(frequency: Frequency) -> bool:
    """Whether windows begin at other hours of the day from day to day."""
    seconds = frequency.seconds
    return seconds is not None and _DAY % seconds != 0 and seconds % _DAY != 0
