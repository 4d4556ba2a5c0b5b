"""What became of one product."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from dtedask.products.planning.canonical import shown
from dtedask.products.status.compact import compact, compact_text

if TYPE_CHECKING:
    from dtedask.products.product import Product

__all__ = ["Place", "ProductState", "ProductStatus"]

ProductState = Literal["delivered", "outdated", "made", "running", "ready", "waiting", "failed"]
"""It is at all of its places; it is, and its input was written again since; its content is there and on its way; it is
being made; its input is complete; input is missing; it cannot be made or delivered."""

_AND = {"running": "it is about to be made", "lost": "the process that was to make it is gone"}
_NOBODY = "nobody makes it"
_MINUTES = 60
_HOURS = 48


@dataclass(frozen=True, slots=True)
class Place:
    """What lies at one place of delivery.

    Parameters
    ----------
    target : str
        The place.
    location : str
        Where the product is there; "" where it is not.
    time : datetime, optional
        When it was delivered, or tried the last time.
    attempts : int
        How often it was tried.
    error : str
        Why it is not there.
    """

    target: str
    location: str = ""
    time: datetime | None = None
    attempts: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class ProductStatus:
    """What became of one product.

    Parameters
    ----------
    product : Product
        Which.
    state : ProductState
        How far it is.
    missing : tuple of mapping
        Canonical MARS keys of the inputs that it waits for.
    error : str
        Why it failed.
    late_by : timedelta, optional
        How late it is, or was when it was delivered; None where it is not due yet, or was in time.
    since : datetime, optional
        Since when it is so, as far as is known.
    places : tuple of Place
        Its places of delivery.
    live : str
        What the process does that makes products as fields come; see `Status`.
    """

    product: Product
    state: ProductState
    missing: tuple[Mapping[str, str], ...] = ()
    error: str = ""
    late_by: timedelta | None = None
    since: datetime | None = None
    places: tuple[Place, ...] = field(default=())
    live: str = ""

    @property
    def is_late(self) -> bool:
        """Whether it is due and not there."""
        return self.late_by is not None and self.state not in ("delivered", "outdated")

    @property
    def why(self) -> str:
        """Why it is not there, in words; "" where it is."""
        match self.state:
            case "waiting":
                return f"waits for {compact_text(self.missing)}"
            case "failed":
                return self.error
            case "made":
                return f"is made, and not delivered: {self.error}" if self.error else "is made, and on its way"
            case "running":
                since = "" if self.since is None else f" since {self.since:%H:%M:%S}"
                return f"is being made{since}"
            case "ready":
                return f"its input is there, and {_AND.get(self.live, _NOBODY)}"
            case "outdated":
                return f"its input was written again, and {_AND.get(self.live, _NOBODY)}"
            case _:
                return ""

    def __str__(self) -> str:
        late = "" if self.late_by is None else f", {late_text(self.late_by)} late"
        due = "" if self.product.due is None else f" (due {self.product.due:%Y-%m-%d %H:%M})"
        why = f": {self.why}" if self.why else ""
        return f"{self.product.id}: {self.state}{late}{due if late else ''}{why}"

    def to_dict(self) -> dict[str, Any]:
        """All of it, as JSON can hold it."""
        product = self.product
        return {
            "product": product.id,
            "requirement": product.requirement.name,
            "owner": product.requirement.owner,
            "cycle": str(product.cycle),
            "file": product.file_name,
            "state": self.state,
            "due": _time(product.due),
            "late": self.is_late,
            "late_s": None if self.late_by is None else self.late_by.total_seconds(),
            "since": _time(self.since),
            "why": self.why,
            "missing": [
                {key: list(values) for key, values in one.items()} for one in compact(map(shown, self.missing))
            ],
            "places": [
                {
                    "target": one.target,
                    "location": one.location,
                    "time": _time(one.time),
                    "attempts": one.attempts,
                    "error": one.error,
                }
                for one in self.places
            ],
        }


def late_text(late_by: timedelta) -> str:
    """A time in the largest units that tell enough."""
    minutes, seconds = divmod(int(late_by.total_seconds()), _MINUTES)
    if minutes == 0:
        return f"{seconds} s"
    hours, minutes = divmod(minutes, _MINUTES)
    if hours == 0:
        return f"{minutes} min"
    return f"{hours} h {minutes:02} min" if hours < _HOURS else f"{hours // 24} days"


def _time(time: datetime | None) -> str | None:
    return None if time is None else f"{time:%Y-%m-%dT%H:%M:%SZ}"
