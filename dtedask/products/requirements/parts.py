"""Parts of a requirement made of their keywords: how it is made, written, delivered and ordered."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from dtedask.core.document_errors import describe
from dtedask.core.errors import DocumentError
from dtedask.products.delivery import DeliveryOptions
from dtedask.products.format import FormatOptions, format_class
from dtedask.products.requirement import PostProcessing
from dtedask.products.requirements.keywords import (
    DeliveryKeywords,
    FormatKeywords,
    OrderKeywords,
    PostProcessingKeywords,
    format_of,
)
from dtedask.products.requirements.splitting import Finding

__all__ = ["WrongPartError", "deliveries", "digest", "order", "post_processing", "written_as"]

Context = dict[str, Any]
Model = TypeVar("Model", bound=BaseModel)
_FORMAT = "grib2"
_NAME = "{name}-{date}{time}-{step}{suffix}"


class WrongPartError(Exception):
    """What is wrong in a part; only this package sees it.

    Parameters
    ----------
    findings : tuple of Finding
        At least one.
    """

    def __init__(self, *findings: Finding) -> None:
        super().__init__(*findings)
        self.findings = findings


def post_processing(said: Mapping[str, Any], context: Context) -> tuple[PostProcessing, str]:
    """How fields are made, and the digest of it.

    Raises
    ------
    WrongPartError
        If a keyword is wrong.
    """
    keywords = _checked(PostProcessingKeywords, said, context)
    try:
        how = keywords.post_processing()
    except DocumentError as error:
        raise WrongPartError(Finding(("interpolation",), error.message, error.hint)) from error
    return how, digest(repr(how))


def written_as(
    said: Any, beside: Mapping[str, Any], below: Mapping[str, Any], context: Context
) -> tuple[FormatOptions, str, str]:
    """How products are written, the digest of it, and the template of names where none is given.

    Parameters
    ----------
    said : object
        What stands under ``format``; None for the default.
    beside, below : mapping
        Options that stand beside it, and those of defaults: these are left out where the format has no such thing.
    context : mapping
        For validators.

    Raises
    ------
    WrongPartError
        If there is no such format, or it has no such option or value.
    """
    chosen = format_of(_FORMAT if said is None else said)
    if isinstance(chosen, Mapping) and isinstance(chosen.get("type"), str):
        legal = _options_of(chosen["type"])
        wrong = [name for name in beside if legal is not None and name not in legal]
        if wrong:
            text = "the format {!r} has no {!r}.".format(chosen["type"], "{}")
            raise WrongPartError(*(Finding((name,), text.format(name), "Leave it out.") for name in wrong))
        more = {name: value for name, value in below.items() if legal and name in legal and name not in chosen}
        chosen = {**more, **chosen, **beside}
    options = _checked(FormatKeywords, {"format": chosen}, context).format
    made = format_class(options.type)
    template = getattr(made, "default_name", _NAME)
    if "{suffix}" not in template and not template.endswith(made.suffix):
        template += "{suffix}"
    return options, digest(options.model_dump_json()), template


def deliveries(said: Mapping[str, Any], context: Context) -> tuple[tuple[DeliveryOptions, ...], str]:
    """Where products go, and the digest of it.

    Raises
    ------
    WrongPartError
        If there is no such delivery, or it has no such option or value.
    """
    found = tuple(_checked(DeliveryKeywords, said, context).delivery)
    return found, digest(*(one.model_dump_json() for one in found))


def order(said: Mapping[str, Any], context: Context) -> OrderKeywords:
    """Who wants it, and by when.

    Raises
    ------
    WrongPartError
        If a keyword is wrong.
    """
    return _checked(OrderKeywords, said, context)


def digest(*texts: str) -> str:
    """sha256 of some texts, in hexadecimal."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def _checked(model: type[Model], said: Mapping[str, Any], context: Context) -> Model:
    try:
        return model.model_validate(said, context=context)
    except ValidationError as error:
        items = error.errors(include_url=False)
        raise WrongPartError(*(_finding(dict(item), model, said) for item in items)) from error


def _finding(item: dict[str, Any], model: type[BaseModel], said: Mapping[str, Any]) -> Finding:
    found = describe(item, model, said)
    return Finding(found.path, found.text, found.hint)


def _options_of(name: str) -> frozenset[str] | None:
    """Names of the options of a format; None where there is no such format."""
    try:
        fields = format_class(name).Options.model_fields
    except DocumentError:
        return None
    return frozenset(one for key, info in fields.items() for one in (key, info.alias or key)) - {"type"}
