"""What the ledger says of products."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

__all__ = ["DeliveryRow", "ProductRow", "State"]

State = Literal["planned", "waiting", "running", "made", "failed"]
"""How far a product is; whether it was delivered is a matter of each delivery."""


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """What became of a product at one place.

    Parameters
    ----------
    product, target : str
        Which product, and where it goes.
    digest : str
        Of the content that was tried last.
    delivered : str
        Digest of the content that lies there; "" where none does.
    attempts : int
        How often the content was tried.
    error : str
        Why it failed the last time; "" where it is there.
    is_lasting : bool
        Whether trying again does not help.
    location, checksum : str
        Of what lies there, as a receipt has them.
    size_bytes : int
        Its size.
    time : datetime
        When it was delivered, or failed the last time, UTC.
    """

    product: str
    target: str
    digest: str
    delivered: str
    attempts: int
    error: str
    is_lasting: bool
    location: str
    checksum: str
    size_bytes: int
    time: datetime

    @property
    def is_delivered(self) -> bool:
        """Whether the content that was tried last is there."""
        return bool(self.delivered) and self.digest == self.delivered and not self.error

    @property
    def state(self) -> Literal["delivered", "failed", "due"]:
        """What became of it, in a word; ``due`` where it was not tried yet."""
        if self.is_delivered:
            return "delivered"
        return "failed" if self.error else "due"


@dataclass(frozen=True, slots=True)
class ProductRow:
    """What is known of one product.

    Parameters
    ----------
    product, requirement, owner, cycle, file_name : str
        What it is called, and whose it is.
    due : datetime, optional
        By when it is wanted, UTC.
    state : State
        How far it is.
    digest : str
        Of its content; "" where nobody knows yet.
    missing : tuple of mapping
        MARS keys of the inputs that it waits for.
    error : str
        Why it could not be made.
    time : datetime
        Since when it is so, UTC.
    deliveries : tuple of DeliveryRow
        What became of it at each place where it was tried.
    """

    product: str
    requirement: str
    owner: str
    cycle: str
    file_name: str
    due: datetime | None
    state: State
    digest: str
    missing: tuple[Mapping[str, str], ...]
    error: str
    time: datetime
    deliveries: tuple[DeliveryRow, ...] = ()

    @property
    def is_delivered(self) -> bool:
        """Whether its content is at each place where it was tried."""
        return bool(self.deliveries) and all(one.is_delivered and one.digest == self.digest for one in self.deliveries)
