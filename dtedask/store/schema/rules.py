"""The rules of a schema: which keys a field must have, and which values they may take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    WithJsonSchema,
    model_serializer,
    model_validator,
)
from pydantic_core import CoreSchema

from dtedask.request import parameter_ids
from dtedask.request.types import TypeName

_WORDS: dict[str, dict[str, object]] = {"any": {}, "optional": {"optional": True}, "hidden": {"hidden": True}}


def _texts(value: object) -> object:
    """A list of values, or the same as MARS writes it, ``a/b``; numbers become text."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split("/"))
    if isinstance(value, (list, tuple)):
        return tuple(_text(one) for one in value)
    return (_text(value),)


def _text(value: object) -> object:
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


_VALUE = {"type": ["string", "number"]}
_LIST = {"type": "array", "items": _VALUE}
Values = Annotated[tuple[str, ...], BeforeValidator(_texts), WithJsonSchema({"anyOf": [_VALUE, _LIST]})]


class KeyRule(BaseModel):
    """What a rule says of one key.

    Parameters
    ----------
    allow : tuple of str
        The values that are taken; all where it is empty.
    exclude : tuple of str
        Values that are not taken.
    optional : bool
        Whether a field may lack the key.
    default : str, optional
        Value of a field that lacks the key, which makes it optional.
    hidden : bool
        Whether the key is dropped: it tells no fields apart.
    type : str, optional
        Type of the key under this rule.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    allow: Values = ()
    exclude: Values = ()
    optional: bool = False
    default: Annotated[str, BeforeValidator(_text)] | None = None
    hidden: bool = False
    type: TypeName | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_short_form(cls, value: Any) -> Any:
        """Read ``any``, ``optional``, ``hidden``, a value or a list of values."""
        if value is None:
            return {}
        if isinstance(value, str) and value in _WORDS:
            return _WORDS[value]
        return {"allow": value} if isinstance(value, (str, int, float, list, tuple)) else value

    @model_validator(mode="after")
    def _check_together(self) -> KeyRule:
        if self.allow and self.exclude:
            raise ValueError("'allow' and 'exclude' are two ways to say the same: keep one.")
        if self.hidden and (self.allow or self.exclude or self.optional or self.default is not None or self.type):
            raise ValueError("a hidden key is dropped whatever it is: leave all but 'hidden' out.")
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [_VALUE, _LIST, {"type": "null"}, handler(core)]}

    @property
    def may_lack(self) -> bool:
        """Whether a field may lack the key."""
        return self.optional or self.hidden or self.default is not None

    @model_serializer
    def _short_form(self) -> Any:
        """Write the shortest form that says it."""
        found: dict[str, Any] = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in self.__dict__.items()
            if value not in ((), None, False) and not (name == "optional" and self.default is not None)
        }
        if not found:
            return "any"
        for word, form in _WORDS.items():
            if form == found:
                return word
        if list(found) == ["allow"]:
            return self.allow[0] if len(self.allow) == 1 and self.allow[0] not in _WORDS else list(self.allow)
        return found


def meant(key: str, values: tuple[str, ...]) -> frozenset[str]:
    """Values as fields have them: a short name of several parameters stands for all their paramIds."""
    if key != "param":
        return frozenset(values)
    return frozenset(one for value in values for one in (parameter_ids(value) or (value,)))


class Rule(BaseModel):
    """One rule: a field is taken when it has the keys of the rule, no others, and values that are allowed.

    Parameters
    ----------
    name : str
        What to call it in messages.
    keys : mapping of str to KeyRule
        The keys, in the order in which people should read them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = ""
    keys: Annotated[Mapping[str, KeyRule], Field(min_length=1)]

    def label(self, number: int) -> str:
        """What to call the rule: its number, from 1, and its name."""
        return f"rule {number} '{self.name}'" if self.name else f"rule {number}"
