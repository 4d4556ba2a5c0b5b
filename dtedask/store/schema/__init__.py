"""The schema of a root: where keys live in a cube, how values are stored, and which fields are taken."""

from dtedask.store.schema.document import (
    CUBE_KEYS,
    CUBE_QUALIFIERS,
    GROUP_KEYS,
    VARIABLE_KEYS,
    Layout,
    Schema,
    Values,
    default_schema,
)
from dtedask.store.schema.load import import_fdb, load_schema
from dtedask.store.schema.matching import Fitted
from dtedask.store.schema.overlap import SchemaWarning
from dtedask.store.schema.rules import KeyRule, Rule
from dtedask.store.schema.text import schema_text
from dtedask.store.schema.update import SchemaUpdate, differences

__all__ = [
    "CUBE_KEYS",
    "CUBE_QUALIFIERS",
    "GROUP_KEYS",
    "VARIABLE_KEYS",
    "Fitted",
    "KeyRule",
    "Layout",
    "Rule",
    "Schema",
    "SchemaUpdate",
    "SchemaWarning",
    "Values",
    "default_schema",
    "differences",
    "import_fdb",
    "load_schema",
    "schema_text",
]
