"""What the sinks `netcdf` and `zarr` share: fields wait, and a flush adds them to files by the CF conventions."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from dtedask.core.errors import SinkError
from dtedask.pipeline.sink import Sink, SinkOptions
from dtedask.pipeline.sinks.cf import Moment, Spot, spot_of
from dtedask.pipeline.sinks.contents import field_of
from dtedask.pipeline.sinks.manifest import Keys, Written, field_keys
from dtedask.pipeline.sinks.names import file_name

if TYPE_CHECKING:
    from dtedask.grib import FieldDescription
    from dtedask.pipeline.action import Context
    from dtedask.pipeline.message import Message

Waiting = tuple[Keys, Spot, np.ndarray]


class CfOptions(SinkOptions):
    """What files by the CF conventions have in common."""

    path: str
    """The file or folder, relative to the plan; ``{date}_{step}`` and the like take the values of a field's keys."""
    append: bool = True
    """Add to what is there, and replace fields that come again; false begins anew."""
    dtype: Literal["float32", "float64"] = "float32"
    """Type of the values: those of a field, rounded."""


class CfSink(Sink):
    """Collects fields, and hands those of a file to `_add` with every flush."""

    Options = CfOptions

    def __init__(self, options: CfOptions, context: Context) -> None:
        super().__init__(options, context)
        self._waiting: dict[str, dict[tuple[object, ...], Waiting]] = {}
        self._begun: set[str] = set()
        self._written: list[Written] = []

    def take(self, message: Message) -> None:
        """See `Sink`."""
        described, values = field_of(message)
        keys = field_keys(message.keys)
        described = _with_keys(described, message)
        valid, reference = message.valid_time, message.reference_time
        start = valid if described.interval is None else reference + described.interval[0]
        spot = spot_of(described, Moment(valid, reference, start), message.coordinates or {})
        identity = (spot.variable, spot.moment, spot.axes)
        name = file_name(self.options.path, message)
        self._waiting.setdefault(name, {})[identity] = (keys, spot, np.asarray(values, dtype=self.options.dtype))

    def flush(self, message: Message) -> Iterable[Written]:  # noqa: ARG002 - every flush writes
        """See `Sink`."""
        for name in list(self._waiting):
            path = self.context.folder / name
            begins = not self.options.append and name not in self._begun
            try:
                self._written += self._add(path, list(self._waiting[name].values()), begins=begins)
            except OSError as error:
                raise SinkError(
                    f"{str(path)!r} cannot be written: {error.strerror or error}.",
                    hint="What was acknowledged stays. When there is room again, the same flush writes what is left.",
                ) from error
            self._begun.add(name)
            del self._waiting[name]
        done, self._written = self._written, []
        return done

    def save(self) -> dict[str, Any]:
        """See `Sink`."""
        return {"begun": sorted(self._begun)}

    def load(self, saved: dict[str, Any]) -> None:
        """See `Sink`."""
        self._begun = set(saved.get("begun", ()))

    @abstractmethod
    def _add(self, path: Path, fields: list[Waiting], *, begins: bool) -> list[Written]:
        """Add fields to a file, all of them or none, durably; `begins` leaves out what is there."""


def _with_keys(described: FieldDescription, message: Message) -> FieldDescription:
    if message.data is not None:
        return described
    return replace(described, keys=message.mars_keys)
