"""What a run of products did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dtedask.core.errors import ProductsFailedError
from dtedask.core.sizes import size_text

if TYPE_CHECKING:
    from dtedask.products.finishing.outcome import Outcome
    from dtedask.products.planning.plan import Unmakeable, Waiting
    from dtedask.products.product import Product
    from dtedask.products.requirements.broken import Broken

__all__ = ["Report"]


@dataclass(frozen=True, slots=True)
class Report:
    """What became of the products of a run.

    Parameters
    ----------
    outcomes : tuple of Outcome
        One for each product and place of delivery.
    skipped : tuple of Product
        What was delivered before.
    waiting : tuple of Waiting
        What lacks input.
    broken : tuple of Unmakeable
        What cannot be made as it is required.
    left : tuple of Product
        What a run that was told to stop did not begin.
    fields_read : int
        Input fields that were read.
    fields_asked : int
        How many reads there would have been, product by product.
    seconds : float
        How long it took.
    """

    outcomes: tuple[Outcome, ...] = ()
    skipped: tuple[Product, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    broken: tuple[Unmakeable, ...] = ()
    left: tuple[Product, ...] = ()
    fields_read: int = 0
    fields_asked: int = 0
    seconds: float = field(default=0.0, compare=False)

    @property
    def delivered(self) -> tuple[Outcome, ...]:
        """What is there."""
        return tuple(one for one in self.outcomes if one.is_delivered)

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """What could not be made or delivered."""
        return tuple(one for one in self.outcomes if not one.is_delivered)

    @property
    def size_bytes(self) -> int:
        """Bytes that were delivered and had not been there."""
        return sum(one.receipt.size_bytes for one in self.outcomes if one.receipt is not None and one.receipt.is_new)

    def __add__(self, other: Report) -> Report:
        """Both runs: what waited, could not be made or was left is what the second one says."""
        done = {one.product.id for one in (*self.delivered, *other.delivered)}
        return Report(
            outcomes=(*self.outcomes, *other.outcomes),
            skipped=tuple(one for one in other.skipped if one.id not in done),
            waiting=other.waiting,
            broken=other.broken,
            left=other.left,
            fields_read=self.fields_read + other.fields_read,
            fields_asked=self.fields_asked + other.fields_asked,
            seconds=self.seconds + other.seconds,
        )

    def raise_if_failed(self, broken: Sequence[Broken] = ()) -> None:
        """Raise where something did not get to where it goes.

        Parameters
        ----------
        broken : sequence of Broken
            Requirements that could not be read.

        Raises
        ------
        ProductsFailedError
            Naming the first of them; its `report` says all.
        """
        texts = [str(one) for one in broken]
        texts += [f"requirement {one.requirement.name!r} ({one.requirement.place}): {one.error}" for one in self.broken]
        delivered = {(one.product.id, one.target) for one in self.delivered}
        failed = [one for one in self.failed if (one.product.id, one.target) not in delivered]
        texts += [f"{one.product.id}: {one.error}" for one in failed]
        if texts:
            more = f" and {len(texts) - 1} more" if len(texts) > 1 else ""
            error = ProductsFailedError(
                f"Some products failed, all others are delivered. {texts[0]}{more}",
                hint="The same again does what is left.",
            )
            error.report = self
            raise error

    def __str__(self) -> str:
        parts = [f"{len(self.delivered):,} delivered ({size_text(self.size_bytes)})"]
        counts = {
            "there before": len(self.skipped),
            "wait for input": len(self.waiting),
            "cannot be made": len(self.broken),
            "failed": len(self.failed),
            "left": len(self.left),
        }
        parts += [f"{count:,} {what}" for what, count in counts.items() if count]
        return f"products: {', '.join(parts)}; {self.fields_read:,} fields read, {self.seconds:.1f} s"

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "delivered": [_delivered(one) for one in self.delivered],
            "failed": [{"product": one.product.id, "target": one.target, **_said(one.error)} for one in self.failed],
            "there_before": [one.id for one in self.skipped],
            "waiting": [{"product": one.product.id, "missing": [dict(k) for k in one.missing]} for one in self.waiting],
            "broken": [
                {"product": one.product.id if one.product else one.requirement.name, **_said(one.error)}
                for one in self.broken
            ],
            "left": [one.id for one in self.left],
            "fields_read": self.fields_read,
            "fields_asked": self.fields_asked,
            "size_bytes": self.size_bytes,
            "seconds": round(self.seconds, 3),
        }


def _delivered(one: Outcome) -> dict[str, Any]:
    assert one.receipt is not None
    return {
        "product": one.product.id,
        "location": one.receipt.location,
        "checksum": one.receipt.checksum,
        "size_bytes": one.receipt.size_bytes,
        "new": one.receipt.is_new,
    }


def _said(error: Any) -> dict[str, str]:
    return {"error": error.message, "code": error.code, "hint": error.hint} if error is not None else {"error": ""}
