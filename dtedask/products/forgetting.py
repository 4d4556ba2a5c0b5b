"""Forgetting what is old: what the ledger knows of products, and contents that never got to where they go."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dtedask.core.errors import NoMatchError
from dtedask.products.finishing.staging import Staging
from dtedask.products.ledger.ledger import FILE_NAME, Ledger

__all__ = ["Forgotten", "forget"]


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was forgotten, or would be.

    Parameters
    ----------
    older_than : datetime
        Before when it was heard of for the last time, UTC.
    products : int
        Products that the ledger knows no more.
    staged : int
        Contents that were made, and were not delivered everywhere.
    is_done : bool
        Whether it was done.
    """

    older_than: datetime
    products: int
    staged: int
    is_done: bool

    def to_dict(self) -> dict[str, object]:
        """As JSON has it."""
        return {
            "older-than": f"{self.older_than:%Y-%m-%dT%H:%M:%SZ}",
            "products": self.products,
            "staged": self.staged,
            "done": self.is_done,
        }


def forget(state: str | os.PathLike[str], older_than: datetime, *, doit: bool = False) -> Forgotten:
    """Forget products that nothing was heard of since a time; what was delivered stays where it is.

    A product that is forgotten is made and delivered again, if it is still ordered and its input is still there.

    Parameters
    ----------
    state : str or path
        The state folder.
    older_than : datetime
        Since when, UTC.
    doit : bool
        Whether it is done; else it is only counted.

    Raises
    ------
    NoMatchError
        If there is no state of products in the folder.
    ProductError
        If the ledger cannot be used.
    """
    if not (Path(state) / FILE_NAME).exists():
        raise NoMatchError(
            f"There is no state of products in {os.fspath(state)!r}.",
            hint="Name the output by --output, or its state folder by --state, as the run had them.",
        )
    with Ledger(state) as ledger:
        staging = Staging(ledger.folder)
        products = ledger.forget(older_than, doit=doit)
        staged = staging.forget(older_than, doit=doit)
        staging.close()
    return Forgotten(older_than, products, staged, doit)
