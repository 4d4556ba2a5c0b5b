"""Tables by which keys of a field give it others, as MultIO's metadata mappings are written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from dtedask.core.errors import DocumentError, InvalidValueError
from dtedask.core.nearest import did_you_mean
from dtedask.pipeline.keys.glossary import accepted_texts, concept_of
from dtedask.request import canonical_value, parameter

__all__ = ["Lookup", "MappingTable"]

Value = str | int | float | bool


class KeyMapping(BaseModel):
    """How rows of the table are found, and what is taken out of them."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, populate_by_name=True, frozen=True)

    match: dict[str, str]
    """One key of the field, and the column in which its value is looked for."""
    map: dict[str, str] = {}
    """Keys that the field gets, and the columns of their values; every row has them."""
    optional_map: dict[str, str] = Field({}, alias="optional-map")
    """Keys that the field gets from rows that have a value in the column."""
    target_path: str = Field("", alias="target-path")
    """Key that holds what is mapped as keys of its own, such as ``encoder-overwrites``; by default the field itself."""

    @model_validator(mode="after")
    def _does_something(self) -> KeyMapping:
        if len(self.match) != 1:
            raise DocumentError(
                f"A mapping matches one key, and this one {len(self.match)}.", hint="Write several mappings."
            )
        if not (self.map or self.optional_map):
            raise DocumentError("A mapping maps nothing.", hint="It has 'map', 'optional-map' or both.")
        return self


class MappingTable(BaseModel):
    """Rows, and how fields get keys out of them."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, populate_by_name=True, frozen=True)

    mappings: list[KeyMapping] = Field(min_length=1)
    """Applied one after the other."""
    data: list[dict[str, Value]]
    """The rows: a value for each column."""

    @model_validator(mode="after")
    def _has_what_is_mapped(self) -> MappingTable:
        self.lookups()
        return self

    def lookups(self) -> list[Lookup]:
        """Make what fields are looked up in."""
        return [_lookup(one, self.data) for one in self.mappings]


@dataclass(frozen=True, slots=True)
class Lookup:
    """A mapping with its rows.

    Parameters
    ----------
    key : str
        Key of the field that is looked for.
    rows : mapping of str to mapping
        By each text that names a value of the key: the keys that a field gets.
    target_path : str
        The key that holds them, "" for the field itself.
    """

    key: str
    rows: Mapping[str, Mapping[str, Value]]
    target_path: str

    def find(self, texts: tuple[str, ...]) -> Mapping[str, Value] | None:
        """Keys for a field whose value is named by texts; None where there is no row."""
        return next((self.rows[text] for text in texts if text in self.rows), None)


def _lookup(mapping: KeyMapping, data: list[dict[str, Value]]) -> Lookup:
    ((key, column),) = mapping.match.items()
    rows: dict[str, Mapping[str, Value]] = {}
    for number, row in enumerate(data, 1):
        try:
            given = dict(_given(mapping, row, number, column))
            texts = accepted_texts(key, _cell(row, number, column))
        except InvalidValueError as error:
            raise DocumentError(f"Row {number}: {error.message}", hint=error.hint) from error
        for text in texts:
            if rows.setdefault(text, given) != given:
                raise DocumentError(
                    f"Row {number} has {column}: {row[column]!r}, as an earlier row that says something else.",
                    hint="A field takes one row: leave one of them out.",
                )
    return Lookup(key, rows, mapping.target_path)


def _given(mapping: KeyMapping, row: dict[str, Value], number: int, column: str) -> Iterator[tuple[str, Value]]:
    for key, name in mapping.map.items():
        yield key, _for(key, _cell(row, number, name, f" (of {column}: {row.get(column)!r})"))
    yield from ((key, _for(key, row[name])) for key, name in mapping.optional_map.items() if name in row)


def _for(key: str, value: Value) -> Value:
    """Value of a key; a parameter may be given by its name, and is the one of it."""
    if concept_of(key) != "param" or "." in str(value):
        return value
    number = canonical_value("param", value)
    return number if number.isdecimal() else parameter(number).id


def _cell(row: Mapping[str, Any], number: int, column: str, which: str = "") -> Value:
    if column not in row:
        hint = did_you_mean(column, row) or "Give it, or map it under 'optional-map'."
        raise DocumentError(f"Row {number}{which} has no {column!r}.", hint=hint)
    value: Value = row[column]
    return value
