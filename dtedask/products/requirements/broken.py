"""A requirement that cannot be made, and why."""

from __future__ import annotations

from dataclasses import dataclass

from dtedask.products.requirements.raw import Mistake

__all__ = ["Broken"]


@dataclass(frozen=True, slots=True)
class Broken:
    """A requirement with mistakes; all others are made.

    Parameters
    ----------
    name : str
        What it is called; ``unnamed`` where that is not known.
    mistakes : tuple of Mistake
        At least one.
    """

    name: str
    mistakes: tuple[Mistake, ...]

    @property
    def place(self) -> str:
        """File and line of its first mistake."""
        return self.mistakes[0].place

    @property
    def message(self) -> str:
        """What is wrong, all of it."""
        return " ".join(mistake.message for mistake in self.mistakes)

    @property
    def hint(self) -> str:
        """What to do about the first mistake that says so."""
        return next((mistake.hint for mistake in self.mistakes if mistake.hint), "")

    def __str__(self) -> str:
        first, *others = (str(mistake) for mistake in self.mistakes)
        return "\n  ".join([f"requirement {self.name!r}: {first}", *others])
