"""The action `metadata-mapping`: keys of a field give it others, by a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from dtedask.core.documents import load_document
from dtedask.core.errors import DocumentError, FieldError
from dtedask.pipeline.action import Action, ActionOptions, Context
from dtedask.pipeline.keys.glossary import concept_of, names_of, texts_of, value_of
from dtedask.pipeline.keys.mapping_table import Lookup, MappingTable, Value
from dtedask.pipeline.keys.parameters import with_parameter
from dtedask.pipeline.message import Kind, Message
from dtedask.request import is_key

if TYPE_CHECKING:
    from dtedask.pipeline.compute import Compute

_DESCRIBED = {
    "shortName": "short_name",
    "units": "units",
    "standardName": "standard_name",
    "typeOfLevel": "level_type",
    "stepType": "step_type",
}


class MetadataMappingOptions(ActionOptions):
    """Which table, and how strict it is."""

    type: Literal["metadata-mapping"] = "metadata-mapping"
    """What the action does."""
    mapping: str = ""
    """YAML file of the table, relative to the plan."""
    table: MappingTable | None = None
    """The table itself, instead of a file."""
    enforce_match: bool = Field(default=True, alias="enforce-match")
    """Refuse fields that lack the key, or have a value that is in no row; else they go on as they are."""
    overwrite_existing: bool = Field(default=False, alias="overwrite-existing")
    """Replace values that a field has; else it keeps them."""

    def files(self) -> tuple[str, ...]:
        """See `ActionOptions`."""
        return (self.mapping,) if self.mapping else ()

    @model_validator(mode="after")
    def _has_one_table(self) -> MetadataMappingOptions:
        if bool(self.mapping) == (self.table is not None):
            raise DocumentError("An action has one table.", hint="Give either 'mapping', a file, or 'table'.")
        return self


class MetadataMapping(Action):
    """Gives keys to fields; other messages go on as they are."""

    Options = MetadataMappingOptions

    def __init__(self, options: MetadataMappingOptions, context: Context) -> None:
        super().__init__(options, context)
        table = options.table
        if table is None:
            table = load_document(context.folder / options.mapping, MappingTable, kind="mapping table")
        self.lookups = table.lookups()

    def handle(self, message: Message, state: Any, compute: Compute) -> Iterable[Message]:  # noqa: ARG002
        """See `Action`."""
        if message.is_field:
            for lookup in self.lookups:
                message = self._mapped(message, lookup)
        return [message]

    def explain(self) -> str:
        """See `Action`."""
        rows = sum(len(lookup.rows) for lookup in self.lookups)
        keys = ", ".join(sorted({key for lookup in self.lookups for row in lookup.rows.values() for key in row}))
        return f"{self.options.mapping or 'table'}: {rows} values of {self.lookups[0].key} give {keys}"

    def _mapped(self, message: Message, lookup: Lookup) -> Message:
        texts = texts_of(message, lookup.key)
        row = lookup.find(texts)
        if row is None:
            if self.options.enforce_match:
                raise _unmatched(message, lookup, self.options.mapping)
            return message
        if lookup.target_path:
            return self._into(message, lookup.target_path, row)
        for key, value in row.items():
            if self.options.overwrite_existing or not any(name in message.keys for name in names_of(key)):
                message = _with(message, key, value)
        return message

    def _into(self, message: Message, path: str, row: Mapping[str, Value]) -> Message:
        known = message.keys.get(path) or {}
        return message.with_keys(**{path: {**known, **row} if self.options.overwrite_existing else {**row, **known}})


def _with(message: Message, key: str, value: Value) -> Message:
    """Return the message with one key, under its own name and under that of MARS, and a description that agrees."""
    concept = concept_of(key)
    said = value_of(Message(Kind.FIELD, {key: value}), key)
    if concept == "param" and said is not None:
        changed = with_parameter(message, said)
        return changed if key == "param" else changed.with_keys(**{key: said})
    keys: dict[str, Any] = {key: said if is_key(key) else value}
    if is_key(concept):
        keys[concept] = said
    changed = message.with_keys(**keys)
    attribute = _DESCRIBED.get(concept)
    if attribute is None or changed.description is None:
        return changed
    words: dict[str, Any] = {attribute: str(value)}
    return changed.replaced(description=replace(changed.description, **words))


def _unmatched(message: Message, lookup: Lookup, place: str) -> FieldError:
    value = value_of(message, lookup.key)
    what = f"has no key {lookup.key!r}" if value is None else f"has {lookup.key}: {value}, which is in no row"
    return FieldError(
        f"The {message} {what} of the table{' ' + place if place else ''}.",
        hint="Add a row, select other fields before, or set enforce-match: false.",
    )
