"""Places of many fields that differ in little more than their labels, as nearly all fields of a model do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dtedask.request import whole_months
from dtedask.store.identity import Address, address_of
from dtedask.store.labels import Dimension, Label, label_of
from dtedask.store.opaque import is_opaque

if TYPE_CHECKING:
    from dtedask.grib import FieldDescription
    from dtedask.store.schema import Schema

_MOST = 4096
_MOST_LABELS = 65_536
# What counts along from field to field; all else of a field decides which array it belongs to.
_COUNTED = frozenset({"date", "time", "step", "number", "levelist"})
_KEYS_OF_LABEL = {
    "forecast_reference_time": ("date", "time"),
    "step": ("step",),
    "member": ("number",),
    "level": ("levelist",),
}
_Signature = tuple[object, ...]


class Addresses:
    """Finds places as `address_of` does, which is asked once for fields that differ in their labels only.

    Parameters
    ----------
    schema : Schema
        The schema of the root. Under rules, or with types of its own, every field is looked at.
    """

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._is_plain = schema.language is None and not schema.rules
        self._known: dict[_Signature, Address] = {}
        self._labels: dict[tuple[str, ...], Label] = {}

    def of(self, description: FieldDescription) -> Address:
        """Place of a field.

        Raises
        ------
        FieldError
            If a key that every field needs is missing, or the keys contradict each other.
        """
        signature = _signature_of(description) if self._is_plain else None
        if signature is None:
            return address_of(description, self.schema)
        known = self._known.get(signature)
        if known is None:
            known = address_of(description, self.schema)
            if all(name in _KEYS_OF_LABEL for name in known.variable.dims):
                if len(self._known) >= _MOST:
                    self._known.clear()
                self._known[signature] = known
            return known
        keys = description.keys
        labels = tuple([self._label(name, keys) for name in known.variable.dims])
        return Address(
            known.cube,
            known.group,
            known.variable,
            labels,
            description.grid,
            description.product,
            known.cube_keys,
            known.group_keys,
            keys,
            known.types,
        )

    def _label(self, name: str, keys: Mapping[str, str]) -> Label:
        place = (name, *[keys.get(key, "") for key in _KEYS_OF_LABEL[name]])
        label = self._labels.get(place)
        if label is None:
            if len(self._labels) >= _MOST_LABELS:
                self._labels.clear()
            label = self._labels[place] = label_of(Dimension(name), keys)
        return label


def _signature_of(description: FieldDescription) -> _Signature | None:
    """All that decides about the place of a field but its labels; None where a label decides too."""
    keys, interval = description.keys, description.interval
    step = keys.get("step", "0")
    if is_opaque(description.grid) or "hdate" in keys or (interval is None and "-" in step):
        return None
    return (
        tuple([item for item in keys.items() if item[0] not in _COUNTED]),
        tuple([key for key in keys if key in _COUNTED]),
        len(keys.get("date", "")),
        keys.get("number") == "0",
        keys.get("number") if keys.get("type") == "cf" else None,
        "-" in step,
        description.step_seconds == 0,
        None if interval is None else _length(interval, keys),
        None if "levelist" in keys else description.level,
        description.short_name,
        description.name,
        description.units,
        description.standard_name,
        description.step_type,
        description.level_type,
        description.edition,
        description.grid,
        tuple(description.attributes.items()),
    )


def _length(interval: tuple[int, int], keys: Mapping[str, str]) -> int | str:
    """Length of a statistical interval, as far as it tells variables apart: those that begin at step 0 grow."""
    if whole_months(keys, interval) is not None:
        return "months"
    return interval[1] - interval[0] if interval[0] != 0 or "timespan" in keys else -1
