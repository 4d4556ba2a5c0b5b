"""The nearest legal word, for the hint of an error."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(word: str, legal: Iterable[str]) -> str | None:
    """Find the legal word most like a word, or None when none is like it."""
    import difflib

    words = list(dict.fromkeys(legal))
    if word.lower() in words:
        return word.lower()
    found = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    found = found or difflib.get_close_matches(word.lower(), words, n=1, cutoff=0.5)
    return found[0] if found else None


def did_you_mean(word: str, legal: Iterable[str], otherwise: str = "") -> str:
    """Hint at the nearest legal word, or give another hint when none is near."""
    found = nearest(word, legal)
    return otherwise if found is None else f"Did you mean '{found}'?"
