"""The reference of formats, made from the models of their options.

``python -m dtedask.products.formats.reference > docs/reference/formats.md`` writes it anew.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator

from dtedask.pipeline.documents.reference import options_tables
from dtedask.products.format import format_class, format_types
from dtedask.products.formats.reference_examples import EXAMPLES, HEAD, MORE

__all__ = ["reference"]


def reference() -> str:
    """Return the page in Markdown."""
    ours = sorted(name for name, place in format_types().items() if place.startswith("dtedask."))
    lines = [HEAD, *_overview(ours), *(line for name in ours for line in _section(name)), MORE]
    return "\n".join(lines).rstrip() + "\n"


def _overview(names: list[str]) -> Iterator[str]:
    yield "| `format` | file | media type |\n|---|---|---|"
    for name in names:
        kind = format_class(name)
        what = "folder " if kind.is_folder else ""
        yield f"| [`{name}`](#{name}) | {f'{what}`{kind.suffix}`' if kind.suffix else 'none'} | `{kind.media_type}` |"
    yield ""


def _section(name: str) -> Iterator[str]:
    kind = format_class(name)
    yield f"## {name}\n"
    for text in (kind.__doc__, kind.Options.__doc__):
        yield inspect.cleandoc(text or "").replace("``", "`") + "\n"
    yield f"```yaml\n{EXAMPLES[name].strip()}\n```\n"
    yield from options_tables(kind.Options, left_out={"type"})


if __name__ == "__main__":
    sys.stdout.write(reference())
