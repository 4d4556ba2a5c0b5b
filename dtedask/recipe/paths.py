"""Paths in a recipe."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationInfo

from dtedask.recipe.variables import begins_in_environment, expand

__all__ = ["PathText", "folder_of", "resolve"]


def resolve(value: Any, info: ValidationInfo) -> Any:
    """Make a path absolute.

    It is relative to the file of the recipe, or to the current folder where the environment says how it begins.
    """
    if not isinstance(value, str) or value in ("", "-"):
        return value
    text = os.path.expanduser(expand(value))  # noqa: PTH111 - a pattern is no path
    if "://" in text:
        return text
    return os.path.normpath((Path.cwd() if begins_in_environment(value) else folder_of(info)) / text)


def folder_of(info: ValidationInfo) -> Path:
    """Folder of the recipe; the current one where it stands in no file."""
    path = (info.context or {}).get("path")
    return Path(path).expanduser().absolute().parent if path else Path.cwd()


PathText = Annotated[str, BeforeValidator(resolve), Field(min_length=1)]
