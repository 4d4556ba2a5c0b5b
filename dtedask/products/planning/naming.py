"""Names of the files of products."""

from __future__ import annotations

import string
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from dtedask.core.errors import ProductError

if TYPE_CHECKING:
    from dtedask.products.requirement import Cycle, Requirement


def file_name(
    template: str, keys: Mapping[str, str], requirement: Requirement, cycle: Cycle, *, suffix: str = ""
) -> str:
    """Fill in the template of a name."""
    beside = {"name": requirement.name, "owner": requirement.owner, "cycle": str(cycle)}
    try:
        found = template.format_map({**beside, **keys})
    except KeyError as error:
        raise ProductError(f"The name {template!r} needs {error}, which the field does not have.") from error
    return found if found.endswith(suffix) else found + suffix


@lru_cache(4096)
def template_keys(template: str) -> tuple[str, ...]:
    """Keys that a name has a place for."""
    return tuple(name for _, name, _, _ in string.Formatter().parse(template) if name)
