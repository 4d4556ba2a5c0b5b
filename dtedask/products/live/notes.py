"""What people are told of products that are made as the model runs."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from dtedask.core.commit import Commit
from dtedask.core.errors import DtedaskError
from dtedask.products.finishing.outcome import Outcome
from dtedask.products.live.events import Close, Late, Old, Opened
from dtedask.products.planning.plan import ProductPlan
from dtedask.products.product import Product
from dtedask.products.requirement import Cycle, Requirement
from dtedask.products.status.compact import compact_text
from dtedask.products.status.overview import count_of

__all__ = ["Broken", "Happening", "Note", "NoteKind", "log_note", "note_of"]

logger = logging.getLogger(__name__)
_SHOWN = 3
NoteKind = Literal["commit", "opened", "making", "delivered", "failed", "late", "broken", "closed", "old"]


@dataclass(frozen=True, slots=True, eq=False)
class Broken:
    """A requirement that gives no products for a cycle, and why."""

    requirement: Requirement
    cycle: Cycle
    error: DtedaskError


Happening = Commit | Opened | ProductPlan | Outcome | Late | Broken | Close | Old


@dataclass(frozen=True, slots=True)
class Note:
    """Something that happened.

    Parameters
    ----------
    kind : NoteKind
        What: a commit came; a cycle was opened, or more of it is known; making has begun; a product was delivered to a
        place, or failed; it is late; a requirement gives nothing; a cycle is waited for no more; fields came of a cycle
        that is too old.
    text : str
        One line.
    about : dict
        The same for programs.
    level : int
        How much it matters, as `logging` has it.
    """

    kind: NoteKind
    text: str
    about: dict[str, Any]
    level: int = logging.INFO

    def __str__(self) -> str:
        return self.text

    def to_dict(self) -> dict[str, Any]:
        """All of it, as JSON can hold it."""
        return {"kind": self.kind, "text": self.text, **self.about}


def note_of(happening: Happening) -> Note:
    """What is to be told of something."""
    match happening:
        case Outcome():
            return _outcome(happening)
        case Late():
            return _late(happening)
        case Opened():
            return _opened(happening)
        case ProductPlan():
            count = len(happening.products)
            names = _names(happening.products)
            return Note("making", f"making {count_of(count)}: {names}", {"products": count})
        case Broken():
            return _broken(happening)
        case Close():
            return _close(happening)
        case Old():
            text = f"cycle {happening.cycle} is too old to be waited for; a run that does not follow makes its products"
            return Note("old", text, {"cycle": str(happening.cycle)}, logging.WARNING)
        case Commit():
            return _commit(happening)


def log_note(note: Note) -> None:
    """Write what happened to the log."""
    logger.log(note.level, "%s", note)


def why_late(late: Late) -> str:
    """Why a product is late, in words."""
    match late.state:
        case "waiting":
            return f"it waits for {compact_text(map(dict, late.missing))}"
        case "failed":
            return f"it failed: {late.error}"
        case "settling":
            return "more of what it takes may come"
        case _:
            return "it is being made"


def _broken(broken: Broken) -> Note:
    about = {"requirement": broken.requirement.name, "cycle": str(broken.cycle), "error": str(broken.error)}
    text = f"{broken.requirement.name} gives no products of {broken.cycle}: {broken.error}"
    return Note("broken", text, about, logging.WARNING)


def _commit(commit: Commit) -> Note:
    fields = sum(change.fields for change in commit.changes)
    about = {"cube": commit.cube, "sequence": commit.sequence, "fields": fields}
    return Note("commit", f"{commit.cube}@{commit.sequence}: {fields} fields written", about, logging.DEBUG)


def _outcome(outcome: Outcome) -> Note:
    product, target = outcome.product, outcome.target
    about: dict[str, Any] = {"product": product.id, "owner": product.requirement.owner, "target": target}
    if outcome.receipt is not None:
        about |= {"location": outcome.receipt.location, "size": outcome.receipt.size_bytes}
        return Note("delivered", f"{product.id} is at {outcome.receipt.location}", about)
    what = f"{product.id} was not delivered to {target}" if target else f"{product.id} was not made"
    return Note("failed", f"{what}: {outcome.error}", {**about, "error": str(outcome.error)}, logging.WARNING)


def _late(late: Late) -> Note:
    product, why = late.product, why_late(late)
    about = {
        "product": product.id,
        "owner": product.requirement.owner,
        "due": late.due.isoformat(),
        "why": why,
        "missing": [dict(need) for need in late.missing],
    }
    return Note("late", f"{product.id} is late (due {late.due:%Y-%m-%d %H:%M}): {why}", about, logging.WARNING)


def _opened(opened: Opened) -> Note:
    complete = sum(all(need in opened.present for need in order.needs) for order in opened.orders)
    text = f"cycle {opened.cycle}: {count_of(len(opened.orders))}, {complete} with all of their input"
    return Note("opened", text, {"cycle": str(opened.cycle), "products": len(opened.orders), "complete": complete})


def _close(close: Close) -> Note:
    count = len(close.undelivered)
    left = f"; never delivered: {count_of(count)}, {_names(close.undelivered)}" if count else ""
    about = {"cycle": str(close.cycle), "undelivered": [product.id for product in close.undelivered]}
    level = logging.WARNING if count else logging.INFO
    return Note("closed", f"cycle {close.cycle} is waited for no more{left}", about, level)


def _names(products: Iterable[Product]) -> str:
    names = [product.id for product in products]
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
