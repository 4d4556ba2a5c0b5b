"""Command lines of a shell: values are never part of their text, they come in variables that the line refers to."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from dtedask.core.errors import TriggerError
from dtedask.notify.triggers.templates import Part, Place

__all__ = ["ShellLine", "needs_shell", "shell_line"]

_TOKEN = re.compile(r"""\\.|'[^']*'|"(?P<double>(?:\\.|[^"\\])*)"|(?P<plain>[^\\'"]+)|.""", re.DOTALL)
_IN_QUOTES = re.compile(r"\$[A-Za-z_0-9({?$!#@*-]|`")
_SYNTAX = re.compile(r"[|&;<>()`*?\n]|\$[A-Za-z_0-9({?$!#@*-]|(?:^|\s)[~#]")
_FIRST = re.compile(r"\s*(?:[A-Za-z_]\w*=|(?:\.|exec|source|cd|export|if|for|while|case|until)\s)")

Where = Literal["word", "single", "double", "comment", "unsafe"]


@dataclass(slots=True)
class ShellLine:
    """A line for the shell, and the variables that it refers to.

    Parameters
    ----------
    text : str
        The line.
    variables : dict of str to str
        Name and value of each.
    """

    text: str = ""
    variables: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Scanner:
    """Follows where in a line one is: between quotes, in a comment, in what a value cannot be put into."""

    stack: list[str] = field(default_factory=list)  # of ' " ( and `
    comment: bool = False
    here: bool = False  # a here-document was begun: its text has rules of its own
    last: str = " "

    @property
    def where(self) -> Where:
        top = self.stack[-1] if self.stack else ""
        if self.here or "`" in self.stack or "((" in self.stack or "{" in self.stack:
            return "unsafe"
        if self.comment:
            return "comment"
        return "single" if top == "'" else "double" if top == '"' else "word"

    def read(self, text: str) -> None:
        """Go on behind a piece of the line."""
        place = 0
        while place < len(text):
            place += self._step(text, place)
            self.last = text[min(place, len(text)) - 1]

    def _step(self, text: str, place: int) -> int:
        """Take one or more characters; returns how many."""
        sign, top = text[place], self.stack[-1] if self.stack else ""
        if self.comment:
            self.comment = sign != "\n"
            return 1
        if top == "'":
            if sign == "'":
                self.stack.pop()
            return 1
        if sign == "\\":
            return 2
        for opening, mark in (("$((", "(("), ("$(", "("), ("${", "{")):
            if text.startswith(opening, place):
                self.stack.append(mark)
                return len(opening)
        return self._plain(text, place, sign, top)

    def _plain(self, text: str, place: int, sign: str, top: str) -> int:
        if top == "((" and text.startswith("))", place):
            self.stack.pop()
            return 2
        if (sign == ")" and top == "(") or (sign == "}" and top == "{") or (sign == top and sign in '"`'):
            self.stack.pop()
        elif sign in '"`' or (top != '"' and sign in "'("):
            self.stack.append(sign)
        elif top != '"' and text.startswith("<<", place):
            self.here = True
        elif top != '"' and sign == "#" and self.last in " \t\n;|&(":
            self.comment = True
        return 1


def shell_line(parts: Sequence[Part], value: Callable[[Place], str | None]) -> ShellLine:
    """Put values into a line, each of them one word or part of one word, whatever it holds.

    Parameters
    ----------
    parts : sequence of str or Place
        The line.
    value : callable
        Gives the value of a place, or None where the place is the shell's own, such as ``${HOME}``.

    Raises
    ------
    TriggerError
        If a value stands where no quotes would keep it together.
    """
    scanner, line = _Scanner(), ShellLine()
    for part in parts:
        if isinstance(part, str):
            line.text += part
            scanner.read(part)
            continue
        found = value(part)
        if found is None:
            line.text += part.text
        elif scanner.where != "comment":
            line.text += _reference(part, found, scanner.where, line.variables)
        scanner.last = "x"
    return line


def _reference(place: Place, value: str, where: Where, variables: dict[str, str]) -> str:
    if where == "unsafe":
        raise TriggerError(
            f"{place.text} stands in a here-document, in backquotes, in arithmetic or in ${{...}}, where a value "
            "cannot be kept together.",
            hint="Use the environment variables of the event there, such as $DTEDASK_EVENT_ID, or $( ).",
            is_lasting=True,
        )
    name = f"DTEDASK_VALUE_{len(variables) + 1}"
    variables[name] = value
    return {"word": f'"${{{name}}}"', "double": f"${{{name}}}", "single": f"'\"${{{name}}}\"'"}[where]


def needs_shell(parts: Sequence[Part]) -> bool:
    """Say whether a line means something to a shell only: pipes, redirections, variables, several commands."""
    text = "".join(part if isinstance(part, str) else "x" for part in parts)
    if _FIRST.match(text):
        return True
    for token in _TOKEN.finditer(text):
        quoted, plain = token["double"], token["plain"]
        if (quoted and _IN_QUOTES.search(quoted)) or (plain and _SYNTAX.search(plain)):
            return True
    return False
