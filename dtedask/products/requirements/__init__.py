"""What was ordered, read from YAML and MARS-like text: each requirement checked by itself, with file and line."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dtedask.products.requirements.broken import Broken as Broken
    from dtedask.products.requirements.loading import Requirements as Requirements
    from dtedask.products.requirements.loading import load_requirements as load_requirements
    from dtedask.products.requirements.names import file_name as file_name
    from dtedask.products.requirements.names import template_keys as template_keys
    from dtedask.products.requirements.raw import Mistake as Mistake
    from dtedask.products.requirements.schema import requirements_schema as requirements_schema

_HOMES = {
    "Broken": "broken",
    "Mistake": "raw",
    "Requirements": "loading",
    "file_name": "names",
    "load_requirements": "loading",
    "requirements_schema": "schema",
    "template_keys": "names",
}
__all__ = [
    "Broken",
    "Mistake",
    "Requirements",
    "file_name",
    "load_requirements",
    "requirements_schema",
    "template_keys",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'dtedask.products.requirements' has no attribute {name!r}")
    return getattr(import_module(f"dtedask.products.requirements.{_HOMES[name]}"), name)
