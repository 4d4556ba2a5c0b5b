"""What people see: data on standard output, everything else on standard error."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dtedask.core.sizes import size_text as size

if TYPE_CHECKING:
    from rich.console import Console

__all__ = [
    "emit",
    "emit_json",
    "emit_mapping",
    "emit_table",
    "messages",
    "plural",
    "say",
    "show_error",
    "show_warning",
    "size",
]
_WIDE = 1000


def emit(line: str = "") -> None:
    """Write one line of data to standard output, where whoever follows it through a pipe has it at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def emit_json(value: Any, *, indent: int | None = None) -> None:
    """Write one JSON value to standard output, on one line unless `indent` says otherwise."""
    separators = (",", ":") if indent is None else None
    emit(json.dumps(value, separators=separators, indent=indent, default=str, ensure_ascii=False))


def emit_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, right: Sequence[str] = ()) -> None:
    """Write a table to standard output.

    Parameters
    ----------
    columns : sequence of str
        Headings.
    rows : iterable of sequence
        Cells.
    right : sequence of str
        Columns that hold numbers.
    """
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name, justify="right" if name in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_plain(cell) for cell in row))
    _print(table)


def emit_mapping(values: Mapping[str, object]) -> None:
    """Write keys and values to standard output, one a line."""
    width = max(map(len, values), default=0)
    for key, value in values.items():
        first, *rest = str(value).splitlines() or [""]
        emit(f"{key:<{width}}  {first}".rstrip())
        for line in rest:
            emit(f"{'':<{width}}  {line}")


def _print(table: Any) -> None:
    """Write a table: fitted to a terminal; elsewhere as wide as it is, without colour and spaces at line ends."""
    from rich.console import Console

    if sys.stdout.isatty():
        Console(highlight=False, emoji=False).print(table)
        return
    console = Console(highlight=False, emoji=False, width=_WIDE, color_system=None, force_terminal=False)
    with console.capture() as text:
        console.print(table)
    for line in text.get().splitlines():
        emit(line.rstrip())


def messages() -> Console:
    """Standard error as Rich sees it."""
    from rich.console import Console

    return Console(file=sys.stderr, highlight=False, emoji=False, soft_wrap=True)


def say(text: str) -> None:
    """Write one line for people to standard error."""
    sys.stderr.write(f"{text}\n")


def show_error(message: str, hint: str = "") -> None:
    """Write an error, and what to do next, to standard error."""
    _show("Error", "bold red", _in_commands(message), _in_commands(hint))


_SPELLINGS = {"on_error='skip'": "--on-error skip", "`at=`": "--at", "use retrieve_tree": "use --tree"}


def _in_commands(text: str) -> str:
    """What Python calls an argument, as a command line calls it."""
    for name, option in _SPELLINGS.items():
        text = text.replace(name, option)
    return text.strip()


def show_warning(message: str) -> None:
    """Write a warning to standard error, on one line."""
    _show("Warning", "bold yellow", message)


def plural(count: int, noun: str) -> str:
    """``1 field``, ``1,200 fields``."""
    if count == 1:
        return f"1 {noun}"
    return f"{count:,} {noun[:-1]}ies" if noun.endswith("y") else f"{count:,} {noun}s"


def _show(word: str, style: str, message: str, hint: str = "") -> None:
    if not sys.stderr.isatty() or os.environ.get("NO_COLOR"):
        say(f"{word}: {message}")
        if hint:
            say(f"  {hint}")
        return
    from rich.text import Text

    text = Text.assemble((f"{word}: ", style), message)
    messages().print(text if not hint else Text.assemble(text, "\n  ", hint))


def _plain(cell: object) -> Any:
    """Text as it is: square brackets are no markup."""
    from rich.text import Text

    return Text("" if cell is None else str(cell))
