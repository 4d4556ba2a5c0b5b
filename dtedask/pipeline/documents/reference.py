"""The reference of actions and sinks, made from the models of their options.

``python -m dtedask.pipeline.documents.reference > docs/reference/actions.md`` writes it anew.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Container, Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from dtedask.pipeline.action import ActionOptions, action_class, action_types
from dtedask.pipeline.documents.reference_examples import EXAMPLES
from dtedask.pipeline.sink import sink_class, sink_types

__all__ = ["options_tables", "reference"]

_HEAD = """# Actions

Made from the models by `python -m dtedask.pipeline.documents.reference`; `dtedask plan schema` prints the same for
editors.

A [plan](plans.md) is a list of actions; each has a `type` and options. Unknown options are refused with line and
nearest name. Names and meaning are those of [MultIO](https://github.com/ecmwf/multio) 2.12 where it has the action,
with what is ours beside them.

Messages go through the actions in order. Fields are changed, held back or ended; flushes, notices, domains and
masks go on as they are unless an action says that it takes them. Whichever action gives a field another parameter,
grid or unit changes its keys and its description together.

```console
$ cat > plan.yaml <<END
> actions:
>   - {type: select, match: {shortName: "2*"}}
>   - {type: print, prefix: selected}
>   - {type: sink, sinks: [{type: cube}]}
> END
$ dtedask plan check plan.yaml
```

## Keys and values

Where a plan names a key of a field, all names are read that MARS, MultIO and ecCodes have for it: `level` and
`levelist`, `paramId` and `param`, `startDate`, `dataDate` and `date`, `member`, `number` and `perturbationNumber`.
What keys do not say is taken from the field's description: `shortName`, `name`, `units`, `typeOfLevel`,
`gridType`, `grid`, `stepType`, `stepRange`, `validDate`, `validTime`. Values are compared in canonical form, blind
to case and type: `130`, `"130"`, `130.128` and `t` are one parameter, `600` and `06:00` one time, `500.0` and
`500` one level. A field of the steps 0 to 24 is named by `24` and by `0-24`; one without timespan by `none`; the
control forecast is member 0.

| in `match` and `ignore` | takes |
|---|---|
| `500`, `[500, 850]`, `500/850` | these values |
| `0/to/240/by/6`, `20240601/to/20240630` | a range of MARS; without `by` everything between |
| `"10*"`, `"t?"`, `"[uv]"` | a glob; of `param` on its short name |
| `">=500"`, `"<100"`, `"!=2t"` | a comparison |
"""


def reference() -> str:
    """Return the page in Markdown."""
    parts = [_HEAD, _common()]
    parts += [_section(name, action_class(name), EXAMPLES.get(name, "")) for name in _ours(action_types())]
    parts.append("## Sinks\n\nOptions of the sinks of the action [sink](#sink).\n")
    parts += [_section(name, sink_class(name), "", "Sink ") for name in _ours(sink_types())]
    return "\n".join(parts)


def _ours(types: Mapping[str, str]) -> list[str]:
    """Names of those that come with dtedask, without those of installed packages."""
    return sorted(name for name, place in types.items() if place.startswith("dtedask."))


def _common() -> str:
    schema = ActionOptions.model_json_schema()
    own = {name: option for name, option in schema["properties"].items() if name != "type"}
    table = [_row(name, option, schema) for name, option in own.items()]
    nested = _nested(own, schema, [])
    return "\n".join(["## Options of every action", "", *_table(table), *nested])


def _section(name: str, kind: Any, example: str, what: str = "") -> str:
    said = [_text(kind.__doc__), "", _text(kind.Options.__doc__)]
    code = ["```yaml", example.strip(), "```", ""] if example else []
    tables = options_tables(kind.Options, left_out=ActionOptions.model_fields.keys() | {"on-error"})
    return "\n".join([f"{'###' if what else '##'} {what}{name}", "", *said, "", *tables, *code])


def options_tables(options: type[BaseModel], *, left_out: Container[str]) -> list[str]:
    """Lines of Markdown: a table of options with kind, default and meaning, and one for each model in them."""
    schema = options.model_json_schema()
    own = {key: option for key, option in schema["properties"].items() if key not in left_out}
    rows = [_row(key, option, schema, required=key in schema.get("required", ())) for key, option in own.items()]
    return [*_table(rows), *_nested(own, schema, [])]


def _table(rows: list[str]) -> list[str]:
    return ["| option | value | default | |", "|---|---|---|---|", *rows, ""] if rows else ["It has no options.", ""]


def _row(name: str, option: Mapping[str, Any], schema: Mapping[str, Any], *, required: bool = False) -> str:
    default = "required" if required else _default(option.get("default"))
    words = _cell(_text(option.get("description", "")))
    return f"| `{name}` | {_cell(_kind(option, schema))} | {default} | {words} |"


def _text(text: str | None) -> str:
    """Bring a docstring into the form of Markdown."""
    words = inspect.cleandoc(text or "").replace("``", "`")
    return re.sub(r"`(\w+)`_", r"`\1`", words)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _default(value: Any) -> str:
    if value is None or value == "" or value in ([], {}):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`" if not isinstance(value, dict) else ""


def _kind(option: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """Say in words which values an option takes."""
    if "$ref" in option:
        return f"`{_definition(option)}`, below"
    if "enum" in option:
        return ", ".join(f"`{value}`" for value in option["enum"])
    if "const" in option:
        return f"`{option['const']}`"
    several = option.get("anyOf") or option.get("oneOf")
    if several:
        kinds = [_kind(one, schema) for one in several if one.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    return _simple(option, schema)


_SIMPLE = {"string": "text", "integer": "whole number", "number": "number", "boolean": "`true` or `false`"}


def _simple(option: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    kind = option.get("type")
    if kind == "array":
        items = option.get("items") or {}
        return (
            "list of the [sinks](#sinks)" if _is_any_of_ours(items) else f"list of {_kind(items, schema) or 'values'}"
        )
    if kind == "object":
        values = option.get("additionalProperties")
        return f"map of {_kind(values, schema) or 'values'}" if isinstance(values, dict) else "map"
    return _SIMPLE.get(str(kind), "any value" if kind is None else str(kind))


def _is_any_of_ours(items: Mapping[str, Any]) -> bool:
    """Whether items are all the sinks that there are, whose options stand in sections of their own."""
    return any("allOf" in one for one in items.get("anyOf", ()))


def _definition(option: Mapping[str, Any]) -> str:
    return str(option["$ref"]).rpartition("/")[2]


def _references(option: Any) -> Iterator[str]:
    if isinstance(option, Mapping):
        if "$ref" in option:
            yield _definition(option)
        elif not _is_any_of_ours(option):
            for value in option.values():
                yield from _references(value)
    elif isinstance(option, list):
        for value in option:
            yield from _references(value)


def _as_map(definition: Mapping[str, Any]) -> Mapping[str, Any]:
    """The map among what a model can be written as, such as a word or a map."""
    return next((one for one in definition.get("anyOf", ()) if "properties" in one), definition)


def _nested(options: Mapping[str, Any], schema: Mapping[str, Any], seen: list[str]) -> list[str]:
    """Tables of models that stand in options, each once."""
    lines: list[str] = []
    for name in dict.fromkeys(_references(options)):
        definition = _as_map(schema["$defs"][name])
        if name in seen or "properties" not in definition:
            continue
        seen.append(name)
        own = definition["properties"]
        rows = [_row(key, one, schema, required=key in definition.get("required", ())) for key, one in own.items()]
        lines += [f"`{name}`: {_text(definition.get('description', ''))}", "", *_table(rows)]
        lines += _nested(own, schema, seen)
    return lines


if __name__ == "__main__":
    sys.stdout.write(reference())
