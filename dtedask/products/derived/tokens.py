"""Words of a formula."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from dtedask.products.derived.faults import fault

__all__ = ["Token", "tokens_of"]

Kind = Literal["number", "name", "quoted", "mark", "end"]
_SPACE = re.compile(r"\s+")
_NUMBER = re.compile(r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_NAME = re.compile(r"[0-9]*[A-Za-z_µ°Ω][A-Za-z0-9_µ°Ω]*")
_QUOTED = re.compile(r"'([^'\n]*)'|\"([^\"\n]*)\"")
_MARK = re.compile(r"\*\*|<=|>=|==|!=|<>|&&|\|\||[-+*/^<>=!(),\[\]%.:]")
_LONGEST = 4_000


@dataclass(frozen=True, slots=True)
class Token:
    """One word.

    Parameters
    ----------
    kind : {"number", "name", "quoted", "mark", "end"}
        What it is.
    text : str
        As it is written; of quoted names what stands between the quotes.
    column : int
        Where it begins, counted from 0.
    end : int
        Where it ends.
    """

    kind: Kind
    text: str
    column: int
    end: int


def tokens_of(text: str) -> list[Token]:
    """Take a formula apart; the last token is the end.

    Raises
    ------
    ProductError
        If it holds what belongs into no formula, or is far too long.
    """
    if len(text) > _LONGEST:
        raise fault(text[:_LONGEST], 0, f"it has {len(text)} letters, at most {_LONGEST} are allowed.")
    found: list[Token] = []
    place = 0
    while place < len(text):
        if space := _SPACE.match(text, place):
            place = space.end()
            continue
        found.append(_next(text, place))
        place = found[-1].end
    return [*found, Token("end", "", len(text), len(text))]


def _next(text: str, place: int) -> Token:
    number, name = _NUMBER.match(text, place), _NAME.match(text, place)
    # A name may begin with digits: 10u is one, 1e5 is a number.
    if name is not None and (number is None or (number.end() < name.end() and "." not in number[0])):
        return Token("name", name[0], place, name.end())
    if number is not None:
        return Token("number", number[0], place, number.end())
    if quoted := _QUOTED.match(text, place):
        return Token("quoted", (quoted[1] or quoted[2] or "").strip(), place, quoted.end())
    if mark := _MARK.match(text, place):
        return Token("mark", mark[0], place, mark.end())
    if text[place] in "'\"":
        raise fault(text, place, "the quote is not closed.", "Close it before the end of the line.")
    raise fault(text, place, f"{text[place]!r} belongs into no formula.")
