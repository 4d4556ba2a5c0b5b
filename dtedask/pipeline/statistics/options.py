"""What a plan says of statistics."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from dtedask.core.errors import InvalidValueError
from dtedask.pipeline.action import ActionOptions
from dtedask.pipeline.operations import AnyOperation, told_apart
from dtedask.pipeline.windows import Frequency, Offset, parse_frequency

Reset = Literal["hour", "day", "month", "year", "never"]


class StatisticsDetails(BaseModel):
    """What stands under ``options`` of statistics; names and meanings are those of MultIO."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, populate_by_name=True, frozen=True)

    window_type: Offset = Field("forward-offset", alias="window-type")
    """Whether a window takes its end, ``(start, end]``, or its start, ``[start, end)``."""
    time_step: int | None = Field(None, alias="time-step", gt=0)
    """Seconds of a time step; by default what the fields say (key timeStep), or the distance of the fields."""
    step_frequency: int = Field(1, alias="step-frequency", gt=0)
    """Time steps from one field to the next."""
    initial_condition_present: bool = Field(False, alias="initial-condition-present")
    """The first field of each series is the state at the start: no part of a window, but the value to count from."""
    value_count_threshold: int | None = Field(None, alias="value-count-threshold")
    """How many values a point needs that are not missing; by default all."""
    solver_reset: Reset = Field("never", alias="solver-reset-accumulate-fields-every")
    """When the model sets its accumulated fields to zero: there, de-accumulate takes them as they are."""
    use_current_time: bool = Field(False, alias="use-current-time")
    """Accepted: times are always made of date, time and step."""
    use_current_datetime: bool = Field(False, alias="use-current-datetime")
    """Accepted: times are always made of date, time and step."""
    write_restart: bool = Field(False, alias="write-restart")
    """Accepted: the state of a run is in its checkpoints, see ``dtedask plan run --checkpoint``."""
    read_restart: bool = Field(False, alias="read-restart")
    """Accepted: a run goes on from its last checkpoint by itself."""
    debug_restart: bool = Field(False, alias="debug-restart")
    """Accepted, without effect."""
    is_client_side: bool = Field(False, alias="is-client-side")
    """Accepted, without effect: there is one process."""
    restart_path: str = Field("", alias="restart-path")
    """Accepted: checkpoints are in a cube."""
    restart_prefix: str = Field("", alias="restart-prefix")
    """Accepted: checkpoints are in a cube."""
    restart_time: str = Field("", alias="restart-time")
    """Accepted: checkpoints are in a cube."""
    restart_lib: str = Field("", alias="restart-lib")
    """Accepted: checkpoints are in a cube."""
    log_prefix: str = Field("", alias="log-prefix")
    """Accepted, without effect."""
    output_time_reference: Literal["start-of-forecast", "start-of-window"] | None = Field(
        None, alias="output-time-reference"
    )
    """Date and time of results: those of the forecast, which is the default, or of the start of the window."""
    disable_strict_mapping: bool = Field(True, alias="disable-strict-mapping")
    """False: a result that no parameter is made for is an error; else it keeps its parameter, with a stattype."""
    disable_squashing: bool = Field(False, alias="disable-squashing")
    """Name a maximum of maxima, and the like, as a statistic of a statistic, not as one over a longer time."""
    set_metadata: dict[str, Any] = Field({}, alias="set-metadata")
    """Keys that every result gets."""

    @field_validator("value_count_threshold", mode="after")
    @classmethod
    def _positive(cls, threshold: int | None) -> int | None:
        if threshold is not None and (threshold == 0 or threshold < -1):
            raise ValueError("it is a number of values from 1, or -1 for all")
        return None if threshold == -1 else threshold

    @property
    def distance(self) -> int | None:
        """Seconds from one field to the next, where the plan says so."""
        return None if self.time_step is None else self.time_step * self.step_frequency


class StatisticsOptions(ActionOptions):
    """Which statistics, and over which windows."""

    operations: Annotated[tuple[AnyOperation, ...], AfterValidator(told_apart)]
    """What is done, each a name or a map: ``average``, ``{operation: exceedance, threshold: 273.15}``."""
    output_frequency: str = Field(alias="output-frequency")
    """How long windows are: ``6h``, ``1d``, ``10d``, ``1m``, ``season``, ``1y``, or the whole ``run``."""
    window_length: str | None = Field(None, alias="window-length")
    """Rolling windows: their length, a multiple of the output frequency."""
    by_hour_of_day: bool | list[int] = Field(False, alias="by-hour-of-day")
    """One statistic for each hour of the day, or for those of a list."""
    partial: bool = False
    """Give statistics of windows that are not whole at the start and at the end of a run, too."""
    time_axis: Literal["auto", "step", "date"] = Field("auto", alias="time-axis")
    """What fields run along: the steps of one forecast, or dates; by default analyses and climate runs along dates."""
    options: StatisticsDetails = StatisticsDetails()
    """Further options, as MultIO has them."""

    @field_validator("output_frequency", "window_length", mode="after")
    @classmethod
    def _is_frequency(cls, text: str | None) -> str | None:
        if text is not None:
            try:
                parse_frequency(text)
            except InvalidValueError as error:
                raise ValueError(f"invalid value '{text}': {error.hint}") from error
        return text

    @field_validator("by_hour_of_day", mode="after")
    @classmethod
    def _are_hours(cls, hours: bool | list[int]) -> bool | list[int]:
        if isinstance(hours, list) and not all(0 <= hour <= 23 for hour in hours):
            raise ValueError(f"hours of the day go from 0 to 23, not {hours}")
        return hours

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.window_length is not None and self.windows_together is None:
            raise ValueError(
                f"window-length '{self.window_length}' is no multiple of output-frequency '{self.output_frequency}'"
            )
        if self.by_hour_of_day is not False:
            self._check_hours()
        return self

    def _check_hours(self) -> None:
        for one in self.operations:
            if one.info.needs_opening:
                raise ValueError(
                    f"the operation {one.name!r} counts from the start of a window, not by hour of the day"
                )

    @property
    def frequency(self) -> Frequency:
        """How long the windows are, or how far rolling ones move."""
        return parse_frequency(self.output_frequency)

    @property
    def fields_in_window(self) -> int:
        """How many fields a window has about, for the memory it needs; hourly ones where the plan does not say."""
        frequency = self.frequency
        seconds = frequency.seconds or (frequency.months or 12) * 31 * 86_400
        return -(-seconds // (self.options.distance or 3_600))

    @property
    def windows_together(self) -> int | None:
        """How many windows of the output frequency one rolling window spans, 1 without; None if no whole number."""
        if self.window_length is None:
            return 1
        return parse_frequency(self.window_length).times(self.frequency)
