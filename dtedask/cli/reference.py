"""The reference of the command line, made from its help.

``python -m dtedask.cli.reference > docs/reference/cli.md`` writes it anew.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from dtedask.cli.app import command

_HEAD = """# The command `dtedask`

Made from the help texts by `python -m dtedask.cli.reference`; `dtedask COMMAND --help` shows the same.

- Data goes to standard output; progress, logs, warnings and errors to standard error. `--json` gives pure JSON: one
  object, or one object a line where there may be many. There is no colour when piped or under `NO_COLOR`.
- `--debug` (tracebacks and all logs), `--verbose` or `-v` (logs) and `--quiet` or `-q` (no progress) may stand
  anywhere.
- A request is written as MARS does, `class=od,param=t,levelist=500/850`, in one word or several; `@FILE` reads it from
  a file and `-` from standard input. See [requests](requests.md).
- Exit status: 0 done, 1 failed, 2 wrong usage or document, 3 nothing matched, 130 interrupted. A reader that leaves
  early, as `| head` does, is no failure.
- Every command is there as `dask dtedask ...` as well.
"""


def reference() -> str:
    """Return the page in Markdown."""
    return "\n".join([_HEAD, *_sections(command(), ("dtedask",))])


def _sections(group: Any, path: tuple[str, ...]) -> Iterator[str]:
    for name, found in group.commands.items():
        if hasattr(found, "commands"):
            yield from _sections(found, (*path, name))
        else:
            yield _section(found, (*path, name))


def _section(found: Any, path: tuple[str, ...]) -> str:
    text, _, examples = found.help.partition("\b\n")
    words = [_argument(one) for one in found.params if one.param_type_name == "argument"]
    rows = [row for one in found.params for row in _rows(one)]
    lines = [example.strip() for example in examples.splitlines()[1:]]
    return "\n".join(
        [
            f"## {' '.join(path)}",
            "",
            f"`{' '.join([*path, '[OPTIONS]', *words])}`",
            "",
            text.strip(),
            "",
            *(["| | meaning | default |", "|---|---|---|", *rows, ""] if rows else []),
            "```bash",
            *lines,
            "```",
            "",
        ]
    )


def _argument(one: Any) -> str:
    name = f"{_name(one)}..." if one.nargs == -1 else _name(one)
    return name if one.required else f"[{name}]"


def _name(one: Any) -> str:
    return str(one.metavar or one.name.upper()).strip("[].")


def _rows(one: Any) -> Iterator[str]:
    if one.name == "help":
        return
    if one.param_type_name == "argument":
        yield f"| `{_name(one)}` | {one.help} | {_default(one)} |"
        return
    value = "" if getattr(one, "is_flag", False) else f" {one.metavar or '|'.join(_choices(one))}"
    # A bar in a table ends a cell, even between backquotes.
    names = ", ".join(f"`{name}{value}`" for name in one.opts).replace("|", "\\|")
    yield f"| {names} | {one.help} | {_default(one)} |"


def _choices(one: Any) -> list[str]:
    from typing import get_args

    return [str(choice) for choice in get_args(_annotation(one))] or [one.name.upper()]


def _annotation(one: Any) -> Any:
    return getattr(getattr(one, "type_descriptor", None), "annotation", None)


def _default(one: Any) -> str:
    if one.required:
        return "required"
    return f"`{one.default}`" if one.default not in (None, False, "", []) else ""


if __name__ == "__main__":
    sys.stdout.write(reference())
