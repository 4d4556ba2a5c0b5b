"""A small forecast that no model made: analytic fields that look like weather, the same every time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, field_validator

from dtedask import __version__

if TYPE_CHECKING:
    from dtedask.store import Store
    from dtedask.store.past.field_history import FieldHistory

_PRESSURE_LEVEL = {"z": "129", "t": "130", "u": "131", "v": "132", "q": "133"}
_SURFACE = {"2t": "167", "msl": "151", "10u": "165", "10v": "166", "tcwv": "137"}
_OR_NUMBER = WithJsonSchema({"type": ["string", "integer"]})  # YAML reads 20240603 as a number


class DemoForecast(BaseModel):
    """A made ensemble forecast: which fields it has."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    date: Annotated[str, _OR_NUMBER] = "20240603"
    """Day on which it starts."""
    time: Annotated[str, _OR_NUMBER] = "0000"
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
            yield Arrival(self, step)

    def messages_of(self, step: int) -> Iterator[bytes]:
        """Yield the fields of a step as GRIB2."""
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

    def keys_of(self, step: int) -> dict[str, str]:
        """Keys that all fields of a step have."""
        fixed = {"class": "rd", "stream": "enfo", "expver": "demo", "date": self.date, "time": self.time}
        return {**fixed, "step": str(step)}

    def _keys(self, step: int, member: int) -> dict[str, str]:
        kind = {"type": "pf", "number": str(member)} if member else {"type": "cf"}
        return self.keys_of(step) | kind


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a model writes at one step.

    Parameters
    ----------
    forecast : DemoForecast
        The forecast.
    step : int
        Hours after the start.
    """

    forecast: DemoForecast
    step: int

    @property
    def name(self) -> str:
        """Name of the file that the model would write."""
        return f"demo-{self.forecast.date}-{self.forecast.time}-{self.step:03d}.grib2"

    @property
    def source(self) -> str:
        """What the history says of it: its name, and a digest of all that its values depend on."""
        made_of = f"{__version__} {self.forecast.model_dump_json(exclude={'steps'})}"
        return f"{self.name} [made, {hashlib.sha256(made_of.encode()).hexdigest()[:16]}]"

    @property
    def keys(self) -> dict[str, str]:
        """Keys that all of its fields have."""
        return self.forecast.keys_of(self.step)

    @property
    def fields(self) -> int:
        """Number of its fields."""
        per_member = len(_PRESSURE_LEVEL) * len(self.forecast.levels) + len(_SURFACE)
        return self.forecast.members * per_member

    @property
    def data(self) -> bytes:
        """GRIB2 messages, made anew each time."""
        return b"".join(self.forecast.messages_of(self.step))


class Arrived:
    """Which steps of a made forecast are in a root as they were made, by its history.

    Parameters
    ----------
    store : Store
        The root, or several.
    """

    def __init__(self, store: Store) -> None:
        self._schema = store.schema()
        self._stores = store.apart()
        self._histories: dict[str, list[FieldHistory]] = {}
        self._sources: dict[str, int] = {}

    def has(self, arrival: Arrival) -> bool:
        """Whether a step arrived, and none of its fields was touched since."""
        from dtedask.store.identity import cube_of

        if self._schema.rules or self._schema.language is not None:
            return False  # its fields may be anywhere
        cube, _ = cube_of(arrival.keys, self._schema)
        if cube not in self._histories:
            self._histories[cube] = [store.field_history(cube) for store in self._stores]
        return any(self._knows(history, arrival) for history in self._histories[cube])

    def _knows(self, history: FieldHistory, arrival: Arrival) -> bool:
        for commit in history.update():
            self._sources.update(
                dict.fromkeys((f"{history.url} {source}" for source in commit.sources), commit.sequence)
            )
        sequence = self._sources.get(f"{history.url} {arrival.source}", 0)
        return sequence >= max(history.begin, history.last_change_at(arrival.keys))
