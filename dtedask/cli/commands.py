"""How a command is made: its help holds examples, which the tests run."""

from __future__ import annotations

import functools
import inspect
import sys
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
    brief = (inspect.getdoc(function) or "").splitlines()[0]
    group.command(name, help=text, short_help=brief, context_settings=NAMES)(_told_of_closed_pipes(function))


class ReaderLeftError(Exception):
    """Standard output is closed, as by `| head`."""


def _told_of_closed_pipes(function: Callable[..., None]) -> Callable[..., None]:
    """Turn a broken pipe into an error that typer does not take for a failure."""

    @functools.wraps(function)
    def run(*arguments: Any, **options: Any) -> None:
        try:
            function(*arguments, **options)
            sys.stdout.flush()
        except BrokenPipeError as error:
            raise ReaderLeftError from error

    return run
