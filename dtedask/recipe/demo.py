"""A small forecast that no model made: analytic fields that look like weather, the same every time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

_PRESSURE_LEVEL = {"z": "129", "t": "130", "u": "131", "v": "132", "q": "133"}
_SURFACE = {"2t": "167", "msl": "151", "10u": "165", "10v": "166", "tcwv": "137"}


class DemoForecast(BaseModel):
    """A made ensemble forecast: which fields it has."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    date: str = "20240603"
    """Day on which it starts."""
    time: str = "0000"
    """Time at which it starts."""
    steps: tuple[Annotated[int, Field(ge=0, le=1000)], ...] = (0, 6, 12, 18, 24)
    """Hours after the start, in the order in which they arrive."""
    members: Annotated[int, Field(ge=1, le=50)] = 3
    """Members, the control forecast included."""
    levels: tuple[Annotated[int, Field(ge=1, le=1000)], ...] = (1000, 850, 500, 250)
    """Pressure levels, hPa."""
    degrees: Annotated[float, Field(ge=0.5, le=30)] = 3.0
    """Distance of the points of its global grid."""

    @field_validator("date", "time", mode="before")
    @classmethod
    def _is_canonical(cls, value: Any, info: Any) -> str:
        from dtedask.request import canonical_value

        return canonical_value(info.field_name, value)

    @field_validator("degrees")
    @classmethod
    def _divides_the_globe(cls, degrees: float) -> float:
        if (90 / degrees) % 1:
            raise ValueError(f"{degrees:g} does not divide 90 degrees; take 1, 2, 3, 5 or 10.")
        return degrees

    def arrivals(self) -> Iterator[Arrival]:
        """Yield what arrives, step by step: the fields of all members as GRIB2."""
        for step in self.steps:
            data = b"".join(self._messages(step))
            yield Arrival(f"demo-{self.date}-{self.time}-{step:03d}.grib2", step, data)

    def _messages(self, step: int) -> Iterator[bytes]:
        from dtedask.grib import encode
        from dtedask.recipe.weather import Weather

        weather = Weather(self.degrees, step)
        for member in range(self.members):
            for name, level, keys in self._fields():
                yield encode(weather.field(name, level, member), self._keys(step, member) | keys, weather.grid)

    def _fields(self) -> Iterator[tuple[str, int | None, dict[str, str]]]:
        for name, param in _PRESSURE_LEVEL.items():
            for level in self.levels:
                yield name, level, {"levtype": "pl", "levelist": str(level), "param": param}
        for name, param in _SURFACE.items():
            yield name, None, {"levtype": "sfc", "param": param}

    def _keys(self, step: int, member: int) -> dict[str, str]:
        kind = {"type": "pf", "number": str(member)} if member else {"type": "cf"}
        fixed = {"class": "rd", "stream": "enfo", "expver": "demo", "date": self.date, "time": self.time}
        return {**fixed, **kind, "step": str(step)}


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a model writes at one step.

    Parameters
    ----------
    name : str
        Name of the file that it would write.
    step : int
        Hours after the start.
    data : bytes
        GRIB2 messages.
    """

    name: str
    step: int
    data: bytes
