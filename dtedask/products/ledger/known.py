"""What a ledger says was delivered, read at once."""

from __future__ import annotations

from dtedask.products.ledger.ledger import Ledger

__all__ = ["Known"]


class Known:
    """What was delivered when it was made: a plan asks for thousands of products.

    Parameters
    ----------
    ledger : Ledger
        Which.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._found = ledger.delivered_all()

    def delivered(self, product_id: str, target: str) -> str | None:
        """The digest of what was delivered to a place; None where nothing was."""
        return self._found.get((product_id, target))
