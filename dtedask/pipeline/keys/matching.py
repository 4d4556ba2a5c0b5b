"""Which fields a plan means: conditions on keys, combined by any, all and not as in MultIO."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dtedask.pipeline.keys.glossary import raw_of, texts_of
from dtedask.pipeline.keys.value_tests import ValueTest, value_test

if TYPE_CHECKING:
    from dtedask.pipeline.message import Message

__all__ = ["AllOf", "AnyOf", "Criterion", "KeysAre", "Not", "Selector"]

Texts = Callable[[str], tuple[str, ...]]
_REMEMBERED = 100_000


class Criterion(ABC):
    """A condition on the keys of a field."""

    @abstractmethod
    def holds(self, texts: Texts) -> bool:
        """Whether a field fulfils it; `texts` gives the texts that name its value of a key."""

    @abstractmethod
    def keys(self) -> frozenset[str]:
        """All keys that it looks at."""


@dataclass(frozen=True, slots=True)
class KeysAre(Criterion):
    """Each of some keys has one of the values that are named; a key that a field lacks has none."""

    tests: tuple[tuple[str, ValueTest], ...]

    @classmethod
    def of(cls, mapping: Mapping[str, Any]) -> KeysAre:
        """Make it of what a plan says."""
        return cls(tuple((key, value_test(key, values)) for key, values in mapping.items()))

    def holds(self, texts: Texts) -> bool:
        """See `Criterion`."""
        return all(test.holds(texts(key)) for key, test in self.tests)

    def keys(self) -> frozenset[str]:
        """See `Criterion`."""
        return frozenset(key for key, _ in self.tests)


@dataclass(frozen=True, slots=True)
class AnyOf(Criterion):
    """One of several holds; of none at all, none does."""

    parts: tuple[Criterion, ...]

    def holds(self, texts: Texts) -> bool:
        """See `Criterion`."""
        return any(part.holds(texts) for part in self.parts)

    def keys(self) -> frozenset[str]:
        """See `Criterion`."""
        return frozenset[str]().union(*(part.keys() for part in self.parts))


@dataclass(frozen=True, slots=True)
class AllOf(Criterion):
    """All of several hold."""

    parts: tuple[Criterion, ...]

    def holds(self, texts: Texts) -> bool:
        """See `Criterion`."""
        return all(part.holds(texts) for part in self.parts)

    def keys(self) -> frozenset[str]:
        """See `Criterion`."""
        return frozenset[str]().union(*(part.keys() for part in self.parts))


@dataclass(frozen=True, slots=True)
class Not(Criterion):
    """It does not hold."""

    part: Criterion

    def holds(self, texts: Texts) -> bool:
        """See `Criterion`."""
        return not self.part.holds(texts)

    def keys(self) -> frozenset[str]:
        """See `Criterion`."""
        return self.part.keys()


class Selector:
    """Says which messages fulfil a criterion, and remembers it by the keys that the criterion looks at.

    Parameters
    ----------
    criterion : Criterion
        What they must fulfil.
    """

    def __init__(self, criterion: Criterion) -> None:
        self.criterion = criterion
        self._keys = tuple(sorted(criterion.keys()))
        self._remembered: dict[tuple[Hashable, ...], bool] = {}

    def accepts(self, message: Message) -> bool:
        """Whether a message fulfils the criterion."""
        says = tuple([raw_of(message, key) for key in self._keys])
        found = self._remembered.get(says)
        if found is None:
            found = self.criterion.holds(lambda key: texts_of(message, key))
            if len(self._remembered) >= _REMEMBERED:
                self._remembered = {}
            self._remembered[says] = found
        return found

    def __getstate__(self) -> Criterion:
        """What travels is the criterion alone."""
        return self.criterion

    def __setstate__(self, criterion: Criterion) -> None:
        """Forget what was remembered."""
        self.__init__(criterion)  # type: ignore[misc]
