"""Command lines that are wrong: what is said of them."""

from __future__ import annotations

import re
from typing import Any

from dtedask.cli.console import say, show_error
from dtedask.core.nearest import did_you_mean


def usage_error() -> type[Exception]:
    """Class of the errors that typer raises for a wrong command line, whichever click it is made of."""
    import typer

    return next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")


def show_usage_error(error: Any) -> int:
    """Write how the command is used and what was wrong; returns the exit status."""
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
        return int(error.exit_code)
    if context is not None:
        say(context.get_usage())
        say(f"Try '{context.command_path} --help' for help.")
    message = error.format_message().replace("Value error, ", "").strip()
    show_error(*_with_nearest(message, error))
    return int(error.exit_code)


def _with_nearest(message: str, error: Any) -> tuple[str, str]:
    """Add the nearest legal word, where typer only lists them."""
    options = getattr(error, "possibilities", None)
    if options:
        return message.partition(" (Possible")[0] + ".", did_you_mean(error.option_name, options)
    choice = re.search(r"'([^']*)' is not one of (.*)\.$", message)
    if choice:
        return message, did_you_mean(choice[1], re.findall(r"'([^']*)'", choice[2]))
    return message, ""
