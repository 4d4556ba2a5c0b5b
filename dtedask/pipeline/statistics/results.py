"""What the results of statistics are called: keys, interval, parameter and units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from dtedask.core.errors import FieldError
from dtedask.pipeline.statistics.fields import MOVING
from dtedask.pipeline.statistics.parameters import rate_parameter, result_parameter
from dtedask.pipeline.statistics.series import ALL
from dtedask.pipeline.statistics.spans import is_calendar, span_text, stattype_of
from dtedask.request import format_step
from dtedask.request.parameters import parameter

if TYPE_CHECKING:
    from dtedask.grib import FieldDescription
    from dtedask.pipeline.message import Message
    from dtedask.pipeline.operations import OperationOptions
    from dtedask.pipeline.statistics.follow import Closed
    from dtedask.pipeline.statistics.options import StatisticsOptions
    from dtedask.pipeline.statistics.series import Series

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = {"fraction": "1", "count": "1"}
# Product definition templates of GRIB2 at a time, and those of the same products over an interval.
_OVER_INTERVAL = {2: 12, 3: 13, 4: 14, 5: 9, 6: 10, 40: 42, 41: 43, 45: 47, 48: 46, 55: 62, 57: 67, 58: 68, 70: 72}
_OVER_INTERVAL |= {71: 73, 56: 63, 59: 63, 60: 61}
_SAYS_PARAMETER = frozenset({"shortName", "name", "units"})
_TEMPLATE, _TYPE = "GRIB_productDefinitionTemplateNumber", "GRIB_typeOfStatisticalProcessing"


@dataclass(frozen=True, slots=True)
class Namer:
    """Gives results their keys and their description.

    Parameters
    ----------
    options : StatisticsOptions
        What the plan says.
    """

    options: StatisticsOptions

    def message(self, series: Series, closed: Closed, operation: OperationOptions, values: Any) -> Message:
        """Return the message of a result.

        Raises
        ------
        FieldError
            If there is no parameter for it and the plan insists on one.
        """
        template = series.message
        start, end = self._interval(closed, operation)
        product = self._product(series, closed, operation, end - start)
        kept = _kept(template.keys, product.get("param"))
        times, reference = self._times(series, closed, start, end, operation)
        said = {"operation": operation.name, "operation-frequency": self.options.output_frequency}
        keys = {**kept, **times, **product, **said, **_said_of(closed, reference), **self.options.options.set_metadata}
        description = template.description
        if description is not None:
            description = self._described(description, keys, operation, start - reference, end - reference)
        return template.replaced(keys=keys, values=values, description=description)

    def _interval(self, closed: Closed, operation: OperationOptions) -> tuple[int, int]:
        if operation.info.step_type == "instant":
            return closed.part.last, closed.part.last
        return closed.covered.start, closed.covered.end

    def _times(
        self, series: Series, closed: Closed, start: int, end: int, operation: OperationOptions
    ) -> tuple[dict[str, str], int]:
        """Date, time and step of a result, and its reference time."""
        is_of_window = self.options.options.output_time_reference == "start-of-window"
        if series.reference is not None and not is_of_window:
            keys = {key: str(series.message.keys[key]) for key in ("date", "time") if key in series.message.keys}
            return {**keys, "step": format_step(end - series.reference)}, series.reference
        if operation.info.step_type == "instant":
            return {**_moment(end), "step": "0"}, end
        if is_calendar(self.options.frequency, closed.covered):
            moment = _moment(start)
            return (moment if closed.hour == ALL else {**moment, "time": f"{closed.hour:02d}00"}), start
        return {**_moment(start), "step": format_step(end - start)}, start

    def _product(self, series: Series, closed: Closed, operation: OperationOptions, length: int) -> dict[str, str]:
        """Parameter, timespan and stattype of a result."""
        if operation.info.step_type == "instant":
            return {}
        template, keys = series.message, series.message.keys
        param, info = str(keys.get("param", "")), operation.info
        span = span_text(self.options.window_length or self.options.output_frequency, closed.covered, length)
        says_hour = series.reference is None and is_calendar(self.options.frequency, closed.covered)  # by its time
        hour = "" if closed.hour == ALL or says_hour else f"at{closed.hour:02d}"
        result = _result_parameter(template, operation)
        if result is not None:
            return _named(result, span, "", hour)
        if _is_statistic(template):
            if not self.options.options.disable_squashing and _extends(template, operation):
                return _named(param, span, "", hour)
            outer = stattype_of(self.options.window_length or self.options.output_frequency, operation)
            inner = str(keys.get("stattype", ""))
            return _named(param, str(keys.get("timespan", span)), f"{outer}_{inner}".strip("_"), hour)
        if not self.options.options.disable_strict_mapping and info.grib_type is not None:
            raise FieldError(
                f"There is no parameter for the {info.title} of param={param} (operation {operation.name!r}).",
                hint="Set disable-strict-mapping: true to keep the parameter and have the operation in stattype.",
            )
        return _named(param, span, _word(operation), hour)

    def _described(
        self, before: FieldDescription, keys: Mapping[str, Any], operation: OperationOptions, start: int, end: int
    ) -> FieldDescription:
        texts = {key: str(value) for key, value in keys.items()}
        if operation.info.step_type == "instant":
            return replace(before, keys=texts, step_seconds=end, interval=None)
        attributes = _attributes(before, operation, is_mapped=texts.get("param") != before.keys.get("param"))
        words = _words(before, texts.get("param", ""), operation)
        return replace(
            before,
            keys=texts,
            step_type=operation.info.step_type or "instant",
            interval=(start, end),
            step_seconds=end,
            product=(),
            attributes=attributes,
            **words,
        )


def _kept(keys: Mapping[str, Any], param: str | None) -> dict[str, Any]:
    """Keys that results have from their fields; what says the parameter in other words goes with the parameter."""
    kept = {key: value for key, value in keys.items() if key not in MOVING}
    if param not in (None, str(keys.get("param"))):
        said = {"paramId": param} if "paramId" in kept else {}
        kept = {key: value for key, value in kept.items() if key not in _SAYS_PARAMETER} | said
    return kept


def _is_statistic(template: Message) -> bool:
    description = template.description
    return "timespan" in template.keys or (description is not None and description.interval is not None)


def _result_parameter(template: Message, operation: OperationOptions) -> str | None:
    """Return the parameter that a result has instead of that of its fields; None where it keeps theirs."""
    if operation.param:
        return operation.param
    param = str(template.keys.get("param", ""))
    if operation.units_change == "per second":
        return rate_parameter(param)
    if _is_statistic(template) or operation.units_change in _UNITS:
        return None
    return result_parameter(param, operation.info.grib_type)


def _extends(template: Message, operation: OperationOptions) -> bool:
    """Whether the result is what the fields are, over a longer time: a maximum of maxima, a sum of accumulations."""
    if "stattype" in template.keys or template.description is None:
        return False
    before, after = template.description.step_type, operation.info.step_type
    return before == after or (before, after) == ("accum", "diff")


def _named(param: str, span: str, stattype: str, hour: str) -> dict[str, str]:
    words = "_".join(word for word in (stattype, hour) if word)
    named = {"param": param, "timespan": span, "stattype": words}
    return {key: value for key, value in named.items() if value}


def _word(operation: OperationOptions) -> str:
    """The operation as a stattype, for results that have no parameter of their own."""
    if operation.operation == "exceedance":
        count = "n" if operation.measure == "count" else ""
        return f"{count}{operation.compare.replace('-', '')}{operation.threshold:g}"
    if operation.operation == "quantile":
        return f"q{100 * float(operation.quantile or 0):g}"
    return operation.info.step_type or operation.operation


def _moment(time: int) -> dict[str, str]:
    moment = _EPOCH + timedelta(seconds=time)
    return {"date": f"{moment:%Y%m%d}", "time": f"{moment:%H%M}"}


def _said_of(closed: Closed, reference: int) -> dict[str, Any]:
    """What MultIO says of a result beside MARS keys, and how many fields are in it."""
    start, end = _EPOCH + timedelta(seconds=closed.covered.start), _EPOCH + timedelta(seconds=closed.covered.end)
    return {
        "fields": closed.part.fields,
        "partial": closed.covered.partial,
        "previousDate": f"{start:%Y%m%d}",
        "previousTime": f"{start:%H%M%S}",
        "currentDate": f"{end:%Y%m%d}",
        "currentTime": f"{end:%H%M%S}",
        "startStepInHours": (closed.covered.start - reference) // 3600,
        "endStepInHours": (closed.covered.end - reference) // 3600,
    }


def _words(before: FieldDescription, param: str, operation: OperationOptions) -> dict[str, Any]:
    units = _units(before.units, operation.units_change)
    if param != before.keys.get("param", ""):
        found = parameter(param)
        return {"short_name": found.short_name, "name": found.name, "units": found.units or units}
    name = before.name if before.step_type == operation.info.step_type else f"{before.name}: {operation.info.title}"
    standard_name = before.standard_name if units == before.units else ""
    return {"name": name, "units": units, "standard_name": standard_name}


def _units(units: str, change: str) -> str:
    if change == "squared":
        return f"({units})**2"
    if change == "per second":
        return f"{units} s**-1"
    return _UNITS.get(change, units)


def _attributes(before: FieldDescription, operation: OperationOptions, *, is_mapped: bool) -> dict[str, Any]:
    attributes = dict(before.attributes)
    if _TEMPLATE in attributes:
        template = int(attributes[_TEMPLATE])
        attributes[_TEMPLATE] = _OVER_INTERVAL.get(template, template)
    if not is_mapped and operation.info.grib_type is not None:
        attributes[_TYPE] = operation.info.grib_type
    return attributes
