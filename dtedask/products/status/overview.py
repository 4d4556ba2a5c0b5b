"""What became of all products: for people, programs and notebooks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, get_args

from dtedask.products.status.compact import compact_text
from dtedask.products.status.product_status import ProductState, ProductStatus
from dtedask.store.html import table_html

if TYPE_CHECKING:
    from dtedask.products.planning.plan import Unmakeable

__all__ = ["Status", "count_of"]

_STATES: tuple[str, ...] = get_args(ProductState)
_SHOWN = 20
_NAMES = 3
_LIVE = {"running": "; they are made as fields come", "lost": "; the process that made them is gone"}


@dataclass(frozen=True, slots=True, eq=False)
class Status:
    """What became of products.

    Parameters
    ----------
    products : tuple of ProductStatus
        Each of them, the most urgent first.
    broken : tuple of Unmakeable
        Requirements that give no products, and why.
    now : datetime
        When it was so, UTC.
    live : str
        What the process does that makes products as fields come: ``running``, ``done``, ``failed``, ``lost``; "" where
        there was none.
    """

    products: tuple[ProductStatus, ...]
    broken: tuple[Unmakeable, ...]
    now: datetime
    live: str = ""

    @property
    def totals(self) -> dict[str, int]:
        """How many products are how far; the late ones are counted once more, as such."""
        return _counted(self.products)

    @property
    def owners(self) -> dict[str, dict[str, int]]:
        """The same, for each owner."""
        found: dict[str, list[ProductStatus]] = {}
        for one in self.products:
            found.setdefault(one.product.requirement.owner, []).append(one)
        return {owner: _counted(found[owner]) for owner in sorted(found)}

    @property
    def late(self) -> tuple[ProductStatus, ...]:
        """Those that are due and not there."""
        return tuple(one for one in self.products if one.is_late)

    @property
    def waiting_for(self) -> dict[str, tuple[ProductStatus, ...]]:
        """What is waited for, as compact requests, and who waits for it."""
        found: dict[str, list[ProductStatus]] = {}
        for one in self.products:
            if one.state == "waiting":
                text = f"{one.product.cycle} {compact_text(one.missing)}"
                found.setdefault(text, []).append(one)
        return {text: tuple(products) for text, products in found.items()}

    def of(self, product: str) -> ProductStatus:
        """That of one product, by its id.

        Raises
        ------
        KeyError
            If there is none.
        """
        for one in self.products:
            if one.product.id == product:
                return one
        raise KeyError(product)

    def __iter__(self) -> Iterator[ProductStatus]:
        return iter(self.products)

    def __len__(self) -> int:
        return len(self.products)

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def to_dict(self) -> dict[str, Any]:
        """All of it, as JSON can hold it."""
        return {
            "time": f"{self.now:%Y-%m-%dT%H:%M:%SZ}",
            "live": self.live,
            "totals": self.totals,
            "owners": self.owners,
            "products": [one.to_dict() for one in self.products],
            "broken": [
                {"requirement": one.requirement.name, "place": one.requirement.place, "error": str(one.error)}
                for one in self.broken
            ],
        }

    def __repr__(self) -> str:
        return f"<Status at {self.now:%Y-%m-%d %H:%M} UTC: {_said(self.totals)}>"

    def _repr_html_(self) -> str:
        rows = [_row(one) for one in self.products[:_SHOWN]]
        owners = [{"owner": owner, **counts} for owner, counts in self.owners.items()]
        more = len(self.products) - len(rows)
        rest = f"<p>and {more} more</p>" if more else ""
        return table_html(repr(self).strip("<>"), owners) + table_html("", rows) + rest

    def _lines(self) -> Iterator[str]:
        live = _LIVE.get(self.live, "")
        yield f"{self.now:%Y-%m-%d %H:%M} UTC, {count_of(len(self.products))}: {_said(self.totals)}{live}"
        yield from _table({owner or "-": counts for owner, counts in self.owners.items()})
        yield from _section("late", [str(one) for one in self.late])
        yield from _section("failed", [str(one) for one in self.products if one.state == "failed" and not one.is_late])
        waiting = self.waiting_for.items()
        yield from _section("waiting for", [f"{text}: {_names(products)}" for text, products in waiting])
        yield from _section("broken", [f"{one.requirement.name}: {one.error}" for one in self.broken])


def count_of(products: int) -> str:
    """A number of products in words."""
    return "1 product" if products == 1 else f"{products:,} products"


def _row(one: ProductStatus) -> dict[str, object]:
    product = one.product
    due = "" if product.due is None else f"{product.due:%Y-%m-%d %H:%M}"
    return {"product": product.id, "owner": product.requirement.owner, "state": one.state, "due": due, "why": one.why}


def _counted(products: Iterable[ProductStatus]) -> dict[str, int]:
    products = tuple(products)
    counts: Counter[str] = Counter(one.state for one in products)
    late = sum(one.is_late for one in products)
    found = {state: counts[state] for state in _STATES if counts[state]}
    return {**found, "late": late} if late else found


def _said(totals: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in totals.items()) or "none"


def _table(owners: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    names = [name for name in (*_STATES, "late") if any(name in counts for counts in owners.values())]
    width = max(map(len, ("owner", *owners)))
    if names:
        yield f"{'owner':{width}}  " + "  ".join(names)
    for owner, counts in owners.items():
        yield f"{owner:{width}}  " + "  ".join(f"{counts.get(name, 0):{len(name)}}" for name in names)


def _section(title: str, lines: list[str]) -> Iterator[str]:
    if lines:
        yield f"{title}:"
        yield from (f"  {line}" for line in lines[:_SHOWN])
    if len(lines) > _SHOWN:
        yield f"  and {len(lines) - _SHOWN} more"


def _names(products: tuple[ProductStatus, ...]) -> str:
    names = ", ".join(one.product.id for one in products[:_NAMES])
    return f"{names} and {len(products) - _NAMES} more" if len(products) > _NAMES else names
