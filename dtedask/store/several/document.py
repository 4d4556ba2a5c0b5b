"""The roots document: which fields live in which roots, and which of them new fields go to."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from dtedask.core.documents import load_document
from dtedask.request import Language, canonical_key
from dtedask.store.location import Location
from dtedask.store.schema import Schema

Policy = Literal["first", "round-robin", "least-used"]
Unavailable = Literal["raise", "warn"]
_SECRET = re.compile(r"://[^/]*@|[?&](?:\w*[-_])?(?:key|secret|token|password|signature)=", re.IGNORECASE)


def _resolve(value: Any, info: ValidationInfo) -> Any:
    """Make a path absolute; it is relative to the document."""
    if not isinstance(value, str):
        return value
    if _SECRET.search(value):
        raise ValueError("credentials do not belong into a document; they come from the environment.")
    text = os.path.expanduser(os.path.expandvars(value))  # noqa: PTH111 - a URL is no path
    if re.search(r"\$\{?\w", text):
        raise ValueError(f"{value!r} names a variable that is not set.")
    if "://" in text:
        return Location.parse(text).url
    return os.path.normpath(_folder(info) / text)


def _folder(info: ValidationInfo) -> Path:
    path = (info.context or {}).get("path")
    return Path(path).expanduser().absolute().parent if path else Path.cwd()


Url = Annotated[str, BeforeValidator(_resolve), Field(min_length=1)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, populate_by_name=True)


class RootEntry(_Section):
    """One root; its path alone may stand in place of the section."""

    path: Url
    """Folder or URL; relative to the document."""
    writable: bool = True
    """Whether fields may be archived into it and wiped from it."""


class Space(_Section):
    """Fields that live together in some roots."""

    select: dict[str, str] = {}
    """MARS keys and regular expressions for their whole values; empty takes every field."""
    policy: Policy = "first"
    """Which root a new run goes to: the first, each in its turn, or the one with the most room."""
    roots: Annotated[list[RootEntry], Field(min_length=1)]
    """The roots; of a field that stands in several of them the first counts."""

    @field_validator("select", mode="before")
    @classmethod
    def _as_mapping(cls, value: Any) -> Any:
        """Read FDB's form too: ``class=od,stream=oper|enfo``."""
        if value is None:
            return {}
        if not isinstance(value, str):
            return value
        pairs = [part.split("=", 1) for part in value.split(",") if part.strip()]
        if wrong := [part for part in pairs if len(part) != 2]:
            raise ValueError(f"{wrong[0][0]!r} is no 'key=expression'.")
        names = [key.strip() for key, _ in pairs]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"the key {twice[0]!r} is there twice.")
        return dict(zip(names, (found.strip() for _, found in pairs), strict=True))

    @field_validator("select", mode="after")
    @classmethod
    def _expressions(cls, value: dict[str, str]) -> dict[str, str]:
        for key, text in value.items():
            try:
                re.compile(text)
            except re.error as error:
                raise ValueError(f"the expression {text!r} of {key!r} is wrong: {error}.") from error
        return value

    @field_validator("roots", mode="before")
    @classmethod
    def _paths_are_roots(cls, value: Any) -> Any:
        found = [value] if isinstance(value, str | Mapping) else value
        if not isinstance(found, list):
            return found
        return [{"path": one} if isinstance(one, str | os.PathLike) else one for one in found]

    @field_validator("roots", mode="after")
    @classmethod
    def _no_root_twice(cls, value: list[RootEntry]) -> list[RootEntry]:
        paths = [one.path for one in value]
        if twice := [path for path in paths if paths.count(path) > 1]:
            raise ValueError(f"the root {twice[0]!r} is there twice.")
        return value


class RootsDocument(_Section):
    """Several roots that are read as one, and the rules by which fields find theirs."""

    version: Literal[1] = 1
    """Version of the document's form."""
    spaces: Annotated[list[Space], Field(min_length=1)]
    """A field goes to the first space that selects it."""
    schema_: Annotated[Schema | None, Field(alias="schema")] = None
    """Schema of roots that do not exist yet: its file, or the schema itself."""
    on_unavailable: Annotated[Unavailable | None, Field(alias="on-unavailable")] = None
    """What a root does to reading that is down: an error, or a warning; by default the setting."""

    @field_validator("schema_", mode="before")
    @classmethod
    def _load_schema(cls, value: Any, info: ValidationInfo) -> Any:
        return load_document(str(_resolve(value, info)), Schema, kind="schema") if isinstance(value, str) else value

    @model_validator(mode="after")
    def _keys_are_known(self) -> RootsDocument:
        language = self.schema_.language if self.schema_ else None
        for number, space in enumerate(self.spaces):
            for key in space.select:
                if _canonical(key, language) != key:
                    raise ValueError(f"spaces[{number}].select: write {_canonical(key, language)!r} for {key!r}.")
        return self

    @model_validator(mode="after")
    def _is_writable_or_not(self) -> RootsDocument:
        """One root cannot be writable in one space and not in another: what is written there would be both."""
        known: dict[str, bool] = {}
        for root in self.roots:
            if known.setdefault(root.path, root.writable) != root.writable:
                raise ValueError(f"the root {root.path!r} is writable in one space and not in another.")
        return self

    @property
    def roots(self) -> list[RootEntry]:
        """The roots of all spaces, in order; one that stands in several spaces comes several times."""
        return [root for space in self.spaces for root in space.roots]

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """JSON schema of the document, with what may be written in place of a section."""
        schema = cls.model_json_schema(by_alias=True)
        space = schema["$defs"]["Space"]["properties"]
        space["select"] = {**space["select"], "anyOf": [_typed(space["select"]), {"type": "string"}]}
        root = {"anyOf": [space["roots"]["items"], {"type": "string"}]}
        listed = {"type": "array", "items": root, "minItems": 1}
        said = {key: value for key, value in space["roots"].items() if key in ("title", "description")}
        space["roots"] = {**said, "anyOf": [listed, *root["anyOf"]]}
        schema["properties"]["schema"]["anyOf"].append({"type": "string"})
        return schema


def load_roots(source: str | os.PathLike[str] | Mapping[str, Any]) -> RootsDocument:
    """Read a roots document.

    Parameters
    ----------
    source : str, os.PathLike or mapping
        A file, YAML text, or what it would hold. Paths in it are relative to the file, else to the current folder.

    Raises
    ------
    DocumentError
        Naming file, line, key and the nearest legal one.
    """
    return load_document(source, RootsDocument, kind="roots")


def _canonical(key: str, language: Language | None) -> str:
    return canonical_key(key) if language is None else language.key(key)


def _typed(schema: dict[str, Any]) -> dict[str, Any]:
    """Take the type out of a schema that gets alternatives."""
    return {name: schema.pop(name) for name in ("type", "additionalProperties") if name in schema}
