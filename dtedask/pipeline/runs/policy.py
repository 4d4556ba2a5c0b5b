"""What is done when an action fails: `on-error` of plans and actions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, field_validator, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

__all__ = ["OnError"]

_OF_MULTIO = {
    "recover": "retry",
    "ignore": "skip",
    "abort": "propagate",
    "abort-transport": "propagate",
    "abort-all-transports": "propagate",
}


class OnError(BaseModel):
    """What to do with a message that an action fails on: a word, or a mapping with a `type`.

    MultIO's words are read, too: ``recover`` is ``retry``, with a bound; ``ignore`` is ``skip``; ``abort`` and the
    like are ``propagate``.
    """

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, populate_by_name=True, frozen=True)

    type: Literal["propagate", "retry", "skip", "dead-letter"] = "propagate"
    """`propagate` ends the pipeline and, once the others are done, fails the run; `retry` tries again; `skip` leaves
    the field out and counts it; `dead-letter` keeps it, to be replayed."""
    retries: Annotated[int, Field(ge=0, alias="maxRetries")] = 3
    """How often to try again, after the first time."""
    delay_s: Annotated[float, Field(ge=0, alias="delay")] = 1.0
    """How many seconds to wait before each new try."""
    then: Literal["propagate", "skip", "dead-letter"] = "propagate"
    """What to do where all tries failed."""
    to: str = ""
    """Folder of the dead letters; by default beside the output."""

    @model_validator(mode="before")
    @classmethod
    def _short_and_foreign(cls, value: Any) -> Any:
        if isinstance(value, str):
            value = {"type": value}
        if isinstance(value, Mapping):
            said = dict(value)
            word = said.get("type", "propagate")
            return {**said, "type": _OF_MULTIO.get(word, word) if isinstance(word, str) else word}
        return value

    @field_validator("to")
    @classmethod
    def _is_a_folder(cls, value: str) -> str:
        if "://" in value:
            raise ValueError(f"dead letters are kept in a folder of this machine; {value!r} is none")
        return value

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Words are legal, too."""
        words = ["propagate", "retry", "skip", "dead-letter", *_OF_MULTIO]
        return {"anyOf": [{"type": "string", "enum": words}, handler(schema)], "description": cls.__doc__}

    @property
    def tries(self) -> int:
        """How often a message is given to the action at most."""
        return 1 + self.retries if self.type == "retry" else 1

    @property
    def at_last(self) -> Literal["propagate", "skip", "dead-letter"]:
        """What is done when no try is left."""
        return self.then if self.type == "retry" else self.type

    @property
    def keeps_going(self) -> bool:
        """Whether the state must be as it was before the failure, since it is used again."""
        return self.type != "propagate"
