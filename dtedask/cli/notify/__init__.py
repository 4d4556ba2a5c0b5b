"""`dtedask notify`: notifications over HTTP; one module for each command."""

from __future__ import annotations

from importlib import import_module

import typer

__all__ = ["add_to"]

_MODULES = ("serve", "send", "replay", "schema", "failed", "recover", "expect")


def add_to(group: typer.Typer) -> None:
    """Add the commands of all modules."""
    for name in _MODULES:
        import_module(f"{__name__}.{name}").add_to(group)
