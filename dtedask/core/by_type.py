"""Parts of documents whose model is found by their key ``type``, among all that are installed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import InitErrorDetails, PydanticCustomError, core_schema

from dtedask.core.errors import DocumentError
from dtedask.core.nearest import did_you_mean

__all__ = ["BY_TYPE", "ByType"]

BY_TYPE = "by_type"


class ByType:
    """Marks a part of a document whose key ``type`` says which model it must be.

    It stands in an annotation: ``list[Annotated[ActionOptions, ByType(...)]]``. Models may be added by packages, so
    they are looked up when a document is read, and all of them stand in the JSON schema.

    Parameters
    ----------
    what : str
        What such a part is, for messages, such as ``"action"``.
    names : callable
        Gives the types that there are.
    model : callable
        Gives the model of a type; raises DocumentError where there is none.
    canonical : callable, optional
        Gives the type that is meant by what stands in a document, such as an older name of it.
    """

    def __init__(
        self,
        what: str,
        names: Callable[[], Iterable[str]],
        model: Callable[[str], type[BaseModel]],
        canonical: Callable[[str], str] = str,
    ) -> None:
        self.what = what
        self._names = names
        self._model = model
        self._canonical = canonical

    def model_of(self, document: object) -> type[BaseModel] | None:
        """Model of a part of a document, None where its type is missing or unknown."""
        name = self._name(document) if isinstance(document, Mapping) else None
        if name is None:
            return None
        try:
            return self._model(name)
        except DocumentError:
            return None

    def names(self) -> list[str]:
        """Types that there are, sorted."""
        return sorted(self._names())

    def check(self, document: Any, context: Any = None) -> BaseModel:
        """Return the checked object of a part of a document.

        Raises
        ------
        pydantic.ValidationError
            With the place of what is wrong in the part.
        """
        if isinstance(document, BaseModel):
            return document
        if not isinstance(document, Mapping):
            raise PydanticCustomError("dict_type", "it must be a mapping of keys, with a type")
        name = self._name(document)
        if name is None:
            raise self._without_type(document)
        try:
            model = self._model(name)
        except DocumentError as error:
            raise _error(self.what, "type", name, error.message, error.hint) from error
        return model.model_validate({**document, "type": name}, context=context)

    def _name(self, document: Mapping[str, Any]) -> str | None:
        given = document.get("type", 0)
        if given is None and "null" in self._names():
            return "null"  # YAML's null without quotes
        return self._canonical(given) if isinstance(given, str) else None

    def _without_type(self, document: Mapping[str, Any]) -> ValidationError:
        if "type" in document:
            text = f"The type of this {self.what} is {document['type']!r}, which is no name."
            return _error(self.what, "type", document["type"], text, did_you_mean("", self.names()))
        near = get_close_matches("type", map(str, document), n=1)
        if near:
            return _error(self.what, near[0], None, "", "Did you mean 'type'?")
        text = f"This {self.what} has no type."
        return _error(self.what, "type", None, text, did_you_mean("", self.names()))

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.with_info_plain_validator_function(
            lambda document, info: self.check(document, info.context),
            serialization=core_schema.plain_serializer_function_ser_schema(_dumped, info_arg=True),
        )

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        found = []
        for name in self.names():
            model = self.model_of({"type": name})
            if model is None:
                continue  # a package that cannot be loaded: who uses it is told
            of_model = handler(model.__pydantic_core_schema__)
            found.append({"allOf": [of_model, {"properties": {"type": {"const": name}}}]})
        return {"anyOf": found}


def _dumped(value: BaseModel, info: core_schema.SerializationInfo) -> dict[str, Any]:
    return value.model_dump(
        mode=info.mode,
        by_alias=info.by_alias,
        exclude_unset=info.exclude_unset,
        exclude_defaults=info.exclude_defaults,
        exclude_none=info.exclude_none,
    )


def _error(what: str, key: str, given: object, text: str, hint: str) -> ValidationError:
    error = PydanticCustomError(BY_TYPE, "{text}", {"text": text, "hint": hint})
    return ValidationError.from_exception_data(what, [InitErrorDetails(type=error, loc=(key,), input=given)])
