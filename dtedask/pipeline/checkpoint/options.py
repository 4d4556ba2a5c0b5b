"""When a run saves its state, and where: `checkpoint` of a plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

__all__ = ["CheckpointOptions"]


class CheckpointOptions(BaseModel):
    """When the state of a run is saved, always behind a flush: ``flush``, ``never``, or a mapping.

    Without one it is saved once a minute.
    """

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, populate_by_name=True, frozen=True)

    every: Annotated[int, Field(ge=0)] = 0
    """After so many flushes; 0 does not count them."""
    interval_s: Annotated[float, Field(ge=0, alias="interval")] = 60.0
    """At the first flush after so many seconds; 0 does not look at the time."""
    url: str = ""
    """Folder or URL of a root to save it in; by default ``.plans/NAME`` below the output."""

    @model_validator(mode="before")
    @classmethod
    def _words(cls, value: Any) -> Any:
        words = {"flush": {"every": 1, "interval": 0}, "never": {"every": 0, "interval": 0}}
        if isinstance(value, str) and value in words:
            return words[value]
        if isinstance(value, Mapping) and "every" in value and not {"interval", "interval_s"} & set(value):
            return {**value, "interval": 0}
        return value

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Words are legal, too."""
        words = {"type": "string", "enum": ["flush", "never"]}
        return {"anyOf": [words, handler(schema)], "description": cls.__doc__}

    @property
    def never(self) -> bool:
        """Whether nothing is ever saved."""
        return not self.every and not self.interval_s

    def is_due(self, flushes: int, seconds: float) -> bool:
        """Whether it is time, so many flushes and seconds after the last."""
        return bool((self.every and flushes >= self.every) or (self.interval_s and seconds >= self.interval_s))
