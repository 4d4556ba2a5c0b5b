"""The tables of the reference of requirements, made from the models.

``python -m dtedask.products.requirements.reference docs/reference/requirements.md`` writes them anew into the page.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel

from dtedask.products.requirements.areas import area_names
from dtedask.products.requirements.keywords import (
    DeliveryKeywords,
    FormatKeywords,
    OrderKeywords,
    PostProcessingKeywords,
)
from dtedask.products.requirements.naming_keys import COMPUTED

__all__ = ["refreshed"]

_MODELS: dict[str, type[BaseModel]] = {
    "how": PostProcessingKeywords,
    "format": FormatKeywords,
    "delivery": DeliveryKeywords,
    "order": OrderKeywords,
}
_MARKED = re.compile(r"<!-- table: (\w+) -->\n.*?<!-- end -->\n", re.DOTALL)


def refreshed(page: str) -> str:
    """Return a page in Markdown with its marked tables made anew."""
    return _MARKED.sub(lambda match: f"<!-- table: {match[1]} -->\n{_table_of(match[1])}<!-- end -->\n", page)


def _table_of(name: str) -> str:
    if name == "names":
        return _table(("key", "stands for"), ((f"`{{{key}}}`", said.about) for key, said in COMPUTED.items()))
    if name == "areas":
        rows = ((f"`{area}`", "/".join(f"{edge:g}" for edge in edges)) for area, edges in area_names().items())
        return _table(("name", "north/west/south/east"), sorted(rows))
    fields = _MODELS[name].model_fields.items()
    return _table(
        ("keyword", "meaning", "default"),
        ((f"`{info.alias or key}`", _text(info.description or ""), _default(info.default)) for key, info in fields),
    )


def _table(head: Iterable[str], rows: Iterable[tuple[str, ...]]) -> str:
    titles = list(head)
    lines = [titles, ["---"] * len(titles), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _text(text: str) -> str:
    words = " ".join(inspect.cleandoc(text).replace("``", "`").split())
    return words.replace("|", "\\|")


def _default(value: object) -> str:
    if not isinstance(value, str | int) or value in ("", False):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


if __name__ == "__main__":
    for name in sys.argv[1:]:
        file = Path(name)
        file.write_text(refreshed(file.read_text("utf-8")), "utf-8")
