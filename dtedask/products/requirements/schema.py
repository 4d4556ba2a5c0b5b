"""The JSON schema of documents of requirements, for editors and other programs."""

from __future__ import annotations

from typing import Any

from dtedask.products.requirements.keywords import (
    FORMAT_OPTIONS,
    DeliveryKeywords,
    FormatKeywords,
    OrderKeywords,
    PostProcessingKeywords,
)
from dtedask.products.requirements.splitting import DERIVED_KEYS, IGNORED, METHOD_OPTIONS
from dtedask.request.vocabulary import key_order, tables

__all__ = ["requirements_schema"]

_SCHEMA = "https://json-schema.org/draft/2020-12/schema"
_VALUE: dict[str, Any] = {
    "anyOf": [
        {"type": ["string", "number", "null"]},
        {"type": "array", "items": {"type": ["string", "number"]}},
    ]
}
_MODELS = (OrderKeywords, PostProcessingKeywords, FormatKeywords, DeliveryKeywords)


def requirements_schema() -> dict[str, Any]:
    """JSON schema of a document of requirements, with all formats and deliveries that are installed."""
    definitions: dict[str, Any] = {}
    keywords: dict[str, Any] = {}
    for model in _MODELS:
        schema = model.model_json_schema(by_alias=True)
        definitions.update(schema.pop("$defs", {}))
        keywords.update({name: _optional(name, said) for name, said in schema["properties"].items()})
    requirement = {"type": "object", "properties": keywords | _others(keywords), "additionalProperties": False}
    definitions["Requirement"] = {**requirement, "description": "One requirement; each key of MARS may stand in it."}
    one = {"$ref": "#/$defs/Requirement"}
    document = {
        "type": "object",
        "properties": {
            "description": {"type": "string", "description": "What they are for."},
            "defaults": {**one, "description": "Keys that requirements have where they do not say otherwise."},
            "areas": {
                "type": "object",
                "additionalProperties": {"$ref": "#/$defs/Area"},
                "description": "Names of areas: north/west/south/east in degrees.",
            },
            "requirements": {"type": "array", "items": one, "description": "The requirements."},
        },
        "additionalProperties": False,
    }
    definitions["Area"] = keywords["area"]
    several = {"type": "array", "items": one}
    return {
        "$schema": _SCHEMA,
        "title": "Requirements of products",
        "anyOf": [document, several, one],
        "$defs": definitions,
    }


def _optional(name: str, said: dict[str, Any]) -> dict[str, Any]:
    """A keyword that may be empty, which takes a default away."""
    about = said.pop("description", "")
    plain = {key: value for key, value in said.items() if key not in ("title", "default")}
    return {"anyOf": [*_shorter(name, plain), plain, {"type": "null"}], "description": about}


def _shorter(name: str, said: dict[str, Any]) -> list[dict[str, Any]]:
    """What may be written in the place of a mapping or a list."""
    if name == "delivery":
        said["items"] = {"anyOf": [{"type": "string"}, said["items"]]}
        return [said["items"]]
    if name == "file":
        return [{"type": "string"}]
    return [{"type": "string"}] if name == "format" else []


def _others(keywords: dict[str, Any]) -> dict[str, Any]:
    """Keys of MARS, options of formats, and other words."""
    selecting = {key: _VALUE for key in (*key_order(), *tables()["aliases"], *DERIVED_KEYS) if key not in keywords}
    request = {
        "anyOf": [
            {"type": "string"},
            {"type": "object", "properties": {**selecting, "grid": _VALUE}, "additionalProperties": False},
            {"type": "null"},
        ],
        "description": "Fields, by keys of MARS: a mapping, or a text as MARS has it.",
    }
    options = {name: {"description": "Option of the format."} for name in FORMAT_OPTIONS}
    words = {name: {"description": "Accepted, without effect."} for name in sorted(IGNORED)}
    options |= {name: {"description": "Option of the method, as MIR calls it."} for name in METHOD_OPTIONS}
    options["non-linear"] = keywords["missing"]
    names = dict.fromkeys(("target", "filename"), keywords["file"])
    return {**selecting, "request": request, **options, **words, **names}
