"""What goes through a pipeline: fields, domains, masks, flushes and notices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from dtedask.core.errors import FieldError
from dtedask.request import canonical_keys, is_key, parse_step

if TYPE_CHECKING:
    import numpy as np

    from dtedask.grib import Coordinate, FieldDescription

__all__ = ["Keys", "Kind", "Message", "valid_time_of"]

Keys = Mapping[str, Any]
_LETTER = 1  # MARS has domains of one letter


class Kind(Enum):
    """What a message is, as MultIO tags it."""

    FIELD = "field"
    DOMAIN = "domain"
    MASK = "mask"
    FLUSH = "flush"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True, eq=False)
class Message:
    """One message of a stream; it is never changed, `replaced` gives another one.

    Parameters
    ----------
    kind : Kind
        What it is.
    keys : mapping
        All that a plan can ask for: MARS keys in canonical form (texts), and others such as ``category``,
        ``domain``, ``operation`` or ``flushKind``.
    values : numpy.ndarray, or a value that a graph will compute
        Of a field, in the shape of its grid, missing points NaN; of a mask booleans; of a domain its index map.
    description : FieldDescription, optional
        Of a field, what its keys do not say: grid, units, names, statistical interval. Its `keys` are those that the
        field came with; `keys` of the message are the truth.
    coordinates : mapping of str to Coordinate, optional
        Of the grid, where they are known; one object for all fields of a grid.
    data : bytes, optional
        The field, encoded.
    origin : str
        Where it came from, for errors: file and offset, or cube and chunk.
    """

    kind: Kind
    keys: Keys
    values: Any = None
    description: FieldDescription | None = None
    coordinates: Mapping[str, Coordinate] | None = field(default=None, repr=False)
    data: bytes | None = field(default=None, repr=False)
    origin: str = ""

    @classmethod
    def of_field(
        cls,
        description: FieldDescription,
        values: np.ndarray | Any,
        *,
        coordinates: Mapping[str, Coordinate] | None = None,
        origin: str = "",
        **keys: Any,
    ) -> Message:
        """Make the message of a field; further keys stand beside those of its description.

        Raises
        ------
        FieldError
            If values are an array, but not of the shape of the grid.
        """
        shape = getattr(values, "shape", description.grid.shape)
        if shape != description.grid.shape:
            raise FieldError(
                f"The values of param={description.keys.get('param', '?')} have the shape {shape}, and the grid "
                f"{description.grid.label} has {description.grid.shape}.",
                hint="Rows run north to south, columns west to east; parts of fields are written with their domain.",
            )
        return cls(Kind.FIELD, {**description.keys, **keys}, values, description, coordinates, None, origin)

    @classmethod
    def flush(cls, flush_kind: str = "step", **keys: Any) -> Message:
        """Make a flush; `flush_kind` is as in MultIO, such as ``step`` or ``end-of-simulation``."""
        return cls(Kind.FLUSH, {"flushKind": flush_kind, **keys})

    @property
    def is_field(self) -> bool:
        """Whether it is a field."""
        return self.kind is Kind.FIELD

    @property
    def mars_keys(self) -> dict[str, str]:
        """MARS keys of a field, as it is archived; the name that a model gives its domain is none of them."""
        found = {key: str(value) for key, value in self.keys.items() if is_key(key)}
        if len(found.get("domain", "")) > _LETTER:
            del found["domain"]
        return found

    @property
    def reference_time(self) -> int:
        """Reference time of a field, in seconds since 1970-01-01 00 UTC.

        Raises
        ------
        FieldError
            If it has no date.
        """
        try:
            return _epoch_s(str(self.keys["date"]), str(self.keys.get("time", "0000")))
        except KeyError:
            raise FieldError(
                f"The field {self} has no date.", hint="Statistics over time need date, time and step."
            ) from None

    @property
    def step_s(self) -> int:
        """End of the step of a field, in seconds after the reference time."""
        return _step_s(str(self.keys.get("step", "0")))

    @property
    def valid_time(self) -> int:
        """Time at which a field is valid, in seconds since 1970-01-01 00 UTC: that of the end of its step."""
        return self.reference_time + self.step_s

    def replaced(self, **changes: Any) -> Message:
        """Return the message with other parts."""
        parts: dict[str, Any] = {
            "kind": self.kind,
            "keys": self.keys,
            "values": self.values,
            "description": self.description,
            "coordinates": self.coordinates,
            "data": self.data,
            "origin": self.origin,
        }
        return Message(**(parts | changes))  # a third of the time that dataclasses.replace takes

    def with_keys(self, **keys: Any) -> Message:
        """Return the message with some keys replaced; a value None takes a key away."""
        merged = {**self.keys, **keys}
        for key in [key for key, value in merged.items() if value is None]:
            del merged[key]
        return self.replaced(keys=merged)

    def __str__(self) -> str:
        shown = ",".join(f"{key}={value}" for key, value in self.keys.items())
        return f"{self.kind.value} {shown}" + (f" ({self.origin})" if self.origin else "")


def valid_time_of(keys: Keys) -> int:
    """Valid time of a field that has these keys, in seconds since 1970-01-01 00 UTC; 0 where they say no date."""
    if "date" not in keys:
        return 0
    return _epoch_s(str(keys["date"]), str(keys.get("time", "0000"))) + _step_s(str(keys.get("step", "0")))


@lru_cache(65_536)
def _epoch_s(date: str, time: str) -> int:
    keys = canonical_keys({"date": date, "time": time})
    moment = datetime.strptime(keys["date"] + keys["time"], "%Y%m%d%H%M").replace(tzinfo=UTC)
    return int(moment.timestamp())


@lru_cache(65_536)
def _step_s(step: str) -> int:
    return parse_step(step).end_s
