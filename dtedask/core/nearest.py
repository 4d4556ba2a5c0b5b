"""Hints for a word that is none of the words that are known."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: str, known: Iterable[str], *, listed: int = 12) -> str:
    """Say which known word was probably meant, or list them where none is near.

    Returns
    -------
    str
        A sentence, made for the hint of an error; empty when nothing is known.
    """
    words = sorted(set(known))
    near = get_close_matches(word.lower(), [known.lower() for known in words], n=1, cutoff=0.6)
    if near:
        return f"Did you mean {next(known for known in words if known.lower() == near[0])!r}?"
    if not words:
        return ""
    more = f" and {len(words) - listed} more" if len(words) > listed else ""
    return f"Known are {', '.join(words[:listed])}{more}."
