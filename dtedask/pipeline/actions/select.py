"""The action `select`: only some fields go on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ModelWrapValidatorHandler, field_validator, model_validator

from dtedask.core.errors import DocumentError
from dtedask.pipeline.action import Action, ActionOptions, Context
from dtedask.pipeline.keys.glossary import check_key
from dtedask.pipeline.keys.matching import AllOf, AnyOf, Criterion, KeysAre, Not, Selector
from dtedask.pipeline.keys.value_tests import value_test
from dtedask.pipeline.message import Kind, Message

if TYPE_CHECKING:
    from dtedask.pipeline.compute import Compute

Fields = dict[str, Any] | list[dict[str, Any]]
_FURTHER_KEYS: ContextVar[tuple[str, ...]] = ContextVar("_FURTHER_KEYS", default=())


class Condition(BaseModel):
    """A condition: ``match`` and ``ignore``, or one of ``any``, ``all`` and ``not``, which hold conditions in turn."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, populate_by_name=True, frozen=True)

    match: Fields | None = None
    """Fields that agree with one of these maps; each key has a value or a list of values."""
    ignore: Fields | None = None
    """Not those that agree with one of these maps."""
    any: list[Condition] | None = None
    """Fields for which one of these conditions holds."""
    all: list[Condition] | None = None
    """Fields for which all of these conditions hold."""
    not_: Condition | None = Field(None, alias="not")
    """Fields for which this condition does not hold."""
    enforce_same_key_types: bool = Field(default=True, alias="enforce-same-key-types")
    """Accepted from MultIO's plans, without effect: here values are compared whatever their types are."""

    @field_validator("match", "ignore")
    @classmethod
    def _keys_exist(cls, maps: Fields | None) -> Fields | None:
        for one in _listed(maps):
            for key, values in one.items():
                _check(key)
                value_test(key, values)
        return maps

    @model_validator(mode="after")
    def _says_one_thing(self) -> Condition:
        given = [name for name in ("any", "all", "not") if getattr(self, "not_" if name == "not" else name) is not None]
        if self.match is not None or self.ignore is not None:
            given.append("match" if self.match is not None else "ignore")
        if len(given) != 1:
            raise DocumentError(
                f"A condition says {' and '.join(given) or 'nothing'}.",
                hint="It has either match and ignore, or one of any, all and not.",
            )
        return self

    def criterion(self) -> Criterion:
        """Build what is asked of a field."""
        if self.not_ is not None:
            return Not(self.not_.criterion())
        if self.any is not None:
            return AnyOf(tuple(part.criterion() for part in self.any))
        if self.all is not None:
            return AllOf(tuple(part.criterion() for part in self.all))
        parts: list[Criterion] = [] if self.match is None else [_one_of(self.match)]
        return AllOf((*parts, *([] if self.ignore is None else [Not(_one_of(self.ignore))])))


class SelectOptions(Condition, ActionOptions):
    """Which fields."""

    type: Literal["select"] = "select"
    """What the action does."""
    keys: tuple[str, ...] = ()
    """Further keys that fields of this plan have, in the words of the model; no other unknown key is accepted."""

    @model_validator(mode="wrap")
    @classmethod
    def _know_further_keys(cls, data: Any, handler: ModelWrapValidatorHandler[SelectOptions]) -> SelectOptions:
        keys = data.get("keys", ()) if isinstance(data, Mapping) else ()
        token = _FURTHER_KEYS.set(tuple(str(key) for key in keys) if isinstance(keys, list | tuple) else ())
        try:
            return handler(data)
        finally:
            _FURTHER_KEYS.reset(token)


class Select(Action):
    """Hands on the fields that a condition takes, and all messages that are no fields."""

    Options = SelectOptions

    def __init__(self, options: SelectOptions, context: Context) -> None:
        super().__init__(options, context)
        self._selector = Selector(options.criterion())

    def accepts(self, keys: Mapping[str, Any]) -> bool:
        """Whether a field of these keys would be handed on."""
        return self._selector.accepts(Message(Kind.FIELD, keys))

    def handle(self, message: Message, state: Any, compute: Compute) -> Iterable[Message]:  # noqa: ARG002
        """See `Action`."""
        if not message.is_field or self._selector.accepts(message):
            yield message


def _listed(maps: Fields | None) -> list[dict[str, Any]]:
    return [] if maps is None else [maps] if isinstance(maps, dict) else maps


def _one_of(maps: Fields) -> Criterion:
    return AnyOf(tuple(KeysAre.of(one) for one in _listed(maps)))


def _check(key: str) -> None:
    try:
        check_key(key, _FURTHER_KEYS.get())
    except DocumentError as error:
        hint = f"{error.hint} A key of the model's own is named under 'keys' of the action.".strip()
        raise DocumentError(error.message, hint=hint) from None
