"""The reference of methods of interpolation, made from the models of their options.

``python -m dtedask.geo.interpolation.reference > docs/reference/interpolation.md`` writes it anew.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from dtedask.geo.interpolation.method import method_class, method_types

__all__ = ["reference"]

_HEAD = """# Methods of interpolation

Made from the models by `python -m dtedask.geo.interpolation.reference`. What the methods do, and how they differ from
MIR, is [explained](../explanation/interpolation.md).

`method=` of `geo.weights`, `geo.regrid` and `dtedask regrid --method` takes these names, or MIR's words for them;
options are further keywords. Unknown options are refused.

```python
from dtedask import geo

matrix = geo.weights("O16", "10/10", method="k-nearest", count=3, weighting="inverse-distance-squared", cache=False)
assert matrix.nnz < 3 * geo.Grid("10/10").size + 1
```
"""


def reference() -> str:
    """Write the page: every method of ours, and its options with kind and default."""
    ours = sorted(name for name, place in method_types().items() if place.startswith("dtedask."))
    return "\n".join([_HEAD, *(line for name in ours for line in _method(name))]).rstrip() + "\n"


def _method(name: str) -> Iterator[str]:
    kind = method_class(name)
    yield f"## {name}\n"
    yield f"{(inspect.getdoc(kind) or '').split(chr(10) * 2)[0]}\n"
    schema = kind.Options.model_json_schema()
    options: dict[str, Any] = schema.get("properties", {})
    if not options:
        return
    yield "| option | takes | default | |\n|---|---|---|---|"
    required = schema.get("required", [])
    for option, said in options.items():
        default = "needed" if option in required else f"`{said.get('default')}`"
        text = " ".join(said.get("description", "").split())
        yield f"| `{option}` | {_kind(said, schema.get('$defs', {}))} | {default} | {text} |"
    yield ""


def _kind(said: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    if "$ref" in said:
        return _kind(definitions[said["$ref"].rpartition("/")[2]], definitions)
    if "enum" in said:
        return ", ".join(f"`{value}`" for value in said["enum"])
    if "const" in said:
        return f"`{said['const']}`"
    if "anyOf" in said:
        return " or ".join(_kind(one, definitions) for one in said["anyOf"])
    if said.get("format") == "path":
        return "path"
    names = {"number": "number", "integer": "whole number", "boolean": "true or false", "null": "nothing"}
    return names.get(str(said.get("type")), str(said.get("type", "anything")))


if __name__ == "__main__":
    sys.stdout.write(reference())
