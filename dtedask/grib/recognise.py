"""Describe messages fast: remember what equal sections meant, ask ecCodes only about what is new.

What counts along (date, step, member, level) is filled into the description of the first message of a template. The
first few different values of each are compared with what ecCodes says; a template where they differ is read by
ecCodes from then on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from dtedask.geo import Grid, PointOrder
from dtedask.grib.describe import describe
from dtedask.grib.field import FieldDescription
from dtedask.grib.keys import format_level
from dtedask.grib.observe import Observed, exactly, observe
from dtedask.grib.sections import Frame
from dtedask.request import format_step

_Read = Callable[[], bytes]
_PROOFS = 2
_MOST = 2048
_FREE_KEYS = frozenset(
    (
        *("class", "stream", "expver", "type", "levtype", "param", "date", "time", "step", "number", "levelist"),
        *("model", "resolution", "dataset", "activity", "experiment", "generation", "realization", "domain"),
        *("chem", "wavelength", "direction", "frequency", "timespan", "stattype"),
    )
)


class _Template:
    """The first message of a template, and how often each variable part has been proven."""

    __slots__ = ("base", "field", "is_free", "proofs", "reads_range")

    def __init__(self, base: Observed, field: FieldDescription) -> None:
        self.base = base
        self.field = field
        self.proofs = [0] * 6
        self.reads_range = "-" in field.keys.get("step", "")
        self.is_free = set(field.keys) <= _FREE_KEYS and self.predict(base) == field

    def predict(self, seen: Observed) -> FieldDescription:
        """Return the description of another message of the template."""
        keys = dict(self.field.keys)
        keys["date"], keys["time"] = seen.date, seen.time
        begin, end = seen.start_s, seen.step_s
        keys["step"] = format_step(end, begin if self.reads_range else None)
        if "number" in keys and seen.number is not None:
            keys["number"] = str(seen.number)
        level = self.field.level
        if seen.level is not None:
            level = float(seen.level)
            keys["levelist"] = format_level(level)
        known = self.field
        return FieldDescription(
            keys,
            known.short_name,
            known.name,
            known.units,
            known.standard_name,
            known.step_type,
            None if known.interval is None else (begin, end),
            end,
            known.level_type,
            level,
            known.edition,
            known.grid,
            known.order,
            seen.packing or known.packing,
            seen.bits_per_value if seen.packing else known.bits_per_value,
            seen.has_bitmap,
            known.product,
            known.attributes,
        )

    def needs_proof(self, seen: Observed) -> bool:
        """Whether a variable part has a new value that has not been compared often enough."""
        needs = False
        for place, (value, known) in enumerate(zip(seen[1:7], self.base[1:7], strict=True)):
            if value != known and self.proofs[place] < _PROOFS:
                self.proofs[place] += 1
                needs = True
        return needs


class Recogniser:
    """Describes messages and remembers; safe to share between threads (at worst ecCodes is asked twice)."""

    def __init__(self) -> None:
        self._templates: dict[tuple[object, ...], _Template] = {}
        self._exact: dict[tuple[object, ...], FieldDescription] = {}
        self._grids: dict[tuple[int, bytes], tuple[Grid, PointOrder]] = {}

    def forget(self) -> None:
        """Forget everything."""
        self._templates.clear()
        self._exact.clear()
        self._grids.clear()

    def describe(self, frame: Frame, read: _Read) -> FieldDescription:
        """Return what a message of one field says; `read` gives its bytes and is called only when needed."""
        seen = observe(frame)
        if not seen.date:
            return self._describe_exactly(frame, seen, read)
        template = self._templates.get(seen.template)
        if template is None:
            return self._learn(frame, seen, read)
        if not template.is_free:
            return self._describe_exactly(frame, exactly(frame), read)
        field = template.predict(seen)
        if template.needs_proof(seen):
            asked = self._ask(frame, read)
            template.is_free = asked == field
            return asked
        return field

    def _ask(self, frame: Frame, read: _Read) -> FieldDescription:
        """Ask ecCodes, but for the grid only once."""
        section = (frame.edition, frame.section(3 if frame.edition == 2 else 2))
        field = describe(read(), grid=self._grids.get(section))
        if section[1] and section not in self._grids:
            if len(self._grids) >= _MOST:
                self._grids.clear()
            self._grids[section] = (field.grid, field.order)
        return field

    def _learn(self, frame: Frame, seen: Observed, read: _Read) -> FieldDescription:
        field = self._ask(frame, read)
        if len(self._templates) >= _MOST:
            self._templates.clear()
        self._templates[seen.template] = _Template(seen, field)
        return field

    def _describe_exactly(self, frame: Frame, seen: Observed, read: _Read) -> FieldDescription:
        known = self._exact.get(seen.template)
        if known is None:
            if len(self._exact) >= _MOST:
                self._exact.clear()
            known = self._exact[seen.template] = self._ask(frame, read)
        if not seen.packing:
            return known
        packed = (seen.packing, seen.bits_per_value, seen.has_bitmap)
        if packed == (known.packing, known.bits_per_value, known.has_bitmap):
            return known
        return replace(known, packing=seen.packing, bits_per_value=seen.bits_per_value, has_bitmap=seen.has_bitmap)
