"""The catalog file: YAML of Intake's version 1, in which entries of others may stand beside ours."""

from __future__ import annotations

import os
import re
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from dtedask.core.documents import load_document
from dtedask.core.errors import DocumentError

DRIVER = "dtedask"
_DRIVERS = frozenset({DRIVER, "dtedask.catalog.source.DtedaskSource", "dtedask.catalog.source:DtedaskSource"})
_CATALOG_DIR = re.compile(r"\{\{\s*CATALOG_DIR\s*\}\}")


class SourceArguments(BaseModel):
    """Arguments of an entry of ours; see `DtedaskSource`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    urlpath: str
    group: str | None = None
    at: str | datetime | None = None
    time: Literal["reference", "valid"] = "reference"
    chunks: int | dict[str, Any] | Literal["auto"] | None = None
    storage_options: dict[str, Any] | None = None


class SourceDocument(BaseModel):
    """One entry, of whatever driver."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    driver: str | list[str] | dict[str, Any]
    description: str = ""
    args: SourceArguments | dict[str, Any] = Field(default_factory=dict)
    metadata: dict[str, Any] = Field(default_factory=dict)
    parameters: dict[str, Any] = Field(default_factory=dict)
    direct_access: str = "forbid"
    cache: list[Any] = Field(default_factory=list)

    @property
    def is_ours(self) -> bool:
        """Whether it opens a cube."""
        return _is_ours(self.driver)

    @field_validator("args", mode="plain")
    @classmethod
    def _check_arguments(cls, value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, dict):
            raise ValueError("it must be a mapping of arguments")
        if _is_ours(info.data.get("driver")):
            SourceArguments.model_validate(value)
        return value


def _is_ours(driver: object) -> bool:
    return isinstance(driver, str) and driver in _DRIVERS


class CatalogDocument(BaseModel):
    """A catalog file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sources: dict[str, SourceDocument] = Field(default_factory=dict)
    metadata: dict[str, Any] = Field(default_factory=dict)
    name: str | None = None
    description: str | None = None
    version: int | None = None
    plugins: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _check_version(cls, data: Any, info: ValidationInfo) -> Any:
        del info
        if isinstance(data, dict) and (data.get("version") == 2 or "entries" in data):
            raise ValueError("this is a catalog of Intake's version 2; entries of cubes stand in catalogs of version 1")
        return data

    @field_validator("sources", mode="before")
    @classmethod
    def _no_sources(cls, value: Any) -> Any:
        return {} if value is None else value


def read_catalog(path: str | os.PathLike[str]) -> CatalogDocument:
    """Read a catalog file and check it.

    Raises
    ------
    DocumentError
        If there is none, or it is wrong; it names file, line and key.
    """
    text = os.fspath(path)
    if "://" in text:
        raise DocumentError(
            f"Cannot read the catalog {text!r}: only files on disk.", hint="Open it with intake.open_catalog."
        )
    return load_document(Path(text), CatalogDocument, kind="catalog")


def expand_directory(urlpath: str, catalog: str | os.PathLike[str]) -> str:
    """Path or URL of a cube, with the folder of the catalog where the entry says ``{{ CATALOG_DIR }}``."""
    folder = str(Path(catalog).expanduser().absolute().parent)
    expanded = _CATALOG_DIR.sub(lambda _: folder, urlpath)
    return expanded if "://" in expanded else os.path.normpath(expanded)


def relative_to_catalog(cube: str, catalog: Path) -> str:
    """How an entry names a cube: relative to the catalog where both are on disk, by its URL elsewhere."""
    if "://" in cube:
        return cube
    path = os.path.relpath(cube, catalog.expanduser().absolute().parent)
    return "{{ CATALOG_DIR }}/" + Path(path).as_posix()
