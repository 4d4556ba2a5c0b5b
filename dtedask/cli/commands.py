"""How a command is made: its help holds examples, which the tests run."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import typer

NAMES = {"help_option_names": ["-h", "--help"]}


def new_group(**options: Any) -> typer.Typer:
    """Make a group of commands with plain help texts."""
    return typer.Typer(
        add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, context_settings=NAMES, **options
    )


def add(group: typer.Typer, name: str, function: Callable[..., None], *examples: str) -> None:
    """Add a command to a group.

    Parameters
    ----------
    group : typer.Typer
        Where to.
    name : str
        Name of the command.
    function : callable
        What it does; its docstring is the help.
    examples : str
        Command lines that show its use.
    """
    # The backspace keeps the lines of a paragraph apart.
    lines = "\n".join(f"  {example}" for example in examples)
    text = f"{inspect.getdoc(function)}\n\n\b\n{'Example' if len(examples) == 1 else 'Examples'}:\n{lines}"
    group.command(name, help=text, short_help=(inspect.getdoc(function) or "").splitlines()[0], context_settings=NAMES)(
        function
    )
