"""Which products wait for which fields: what a field touches is found without looking at the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from dtedask.products.live.order import Need

__all__ = ["Inputs"]


class Inputs:
    """Needs of products, which of them are there, and how many each product still lacks."""

    def __init__(self) -> None:
        self._by_names: dict[tuple[str, ...], dict[tuple[str, ...], Need]] = {}
        self._users: dict[Need, dict[str, None]] = {}
        self._present: set[Need] = set()
        self._needs: dict[str, tuple[Need, ...]] = {}
        self._lacking: dict[str, int] = {}

    def add(self, user: str, needs: Iterable[Need]) -> None:
        """Add a product; one that is there already gets these needs."""
        self.remove(user)
        self._needs[user] = tuple(dict.fromkeys(needs))
        for need in self._needs[user]:
            if need not in self._users:
                self._users[need] = {}
                names, values = _split(need)
                self._by_names.setdefault(names, {})[values] = need
            self._users[need][user] = None
        self._lacking[user] = sum(need not in self._present for need in self._needs[user])

    def remove(self, user: str) -> None:
        """Forget a product, and the needs that nobody else has."""
        self._lacking.pop(user, None)
        for need in self._needs.pop(user, ()):
            users = self._users[need]
            del users[user]
            if not users:
                self._forget(need)

    def needs_met_by(self, keys: Mapping[str, str]) -> list[Need]:
        """Needs that a field answers."""
        found = []
        for names, by_values in self._by_names.items():
            need = by_values.get(tuple(keys.get(name, "") for name in names))
            if need is not None:
                found.append(need)
        return found

    def users_of(self, need: Need) -> Iterator[str]:
        """Products that need a field, in the order in which they were added."""
        yield from self._users.get(need, ())

    def mark(self, need: Need, *, is_present: bool) -> None:
        """Take notice of whether a field is there."""
        if need not in self._users or (need in self._present) == is_present:
            return
        (self._present.add if is_present else self._present.remove)(need)
        for user in self._users[need]:
            self._lacking[user] += -1 if is_present else 1

    def is_present(self, need: Need) -> bool:
        """Whether a field is there, of those that somebody needs."""
        return need in self._present

    def is_complete(self, user: str) -> bool:
        """Whether a product lacks nothing; one without needs has nothing to be made of."""
        return self._lacking[user] == 0 and bool(self._needs[user])

    def missing(self, user: str) -> tuple[Need, ...]:
        """What a product lacks."""
        return tuple(need for need in self._needs[user] if need not in self._present)

    def needs(self, user: str) -> tuple[Need, ...]:
        """What a product needs."""
        return self._needs[user]

    def __len__(self) -> int:
        return len(self._users)

    def _forget(self, need: Need) -> None:
        del self._users[need]
        self._present.discard(need)
        names, values = _split(need)
        del self._by_names[names][values]
        if not self._by_names[names]:
            del self._by_names[names]


def _split(need: Need) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return tuple(name for name, _ in need), tuple(value for _, value in need)
