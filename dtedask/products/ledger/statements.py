"""What is written into the ledger, in a transaction of whoever calls."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dtedask.notify.event import format_time

if TYPE_CHECKING:
    import sqlite3

    from dtedask.products.finishing.outcome import Outcome
    from dtedask.products.product import Product

__all__ = ["note", "note_content", "note_outcome", "note_wanted", "products_of", "time_text"]


def note(connection: sqlite3.Connection, rows: Iterable[tuple[Product, str, str, str, str]], time: str) -> None:
    """Note how far products are: each with its state, digest, missing inputs as JSON and error."""
    connection.executemany(
        "INSERT INTO products VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (product) DO UPDATE SET owner = excluded.owner, due = excluded.due, state = excluded.state,"
        " digest = excluded.digest, missing = excluded.missing, error = excluded.error, time = excluded.time",
        [(*_names(product), state, digest, missing, error, time) for product, state, digest, missing, error in rows],
    )


def note_content(connection: sqlite3.Connection, digest: str, checksum: str, size_bytes: int, time: str) -> None:
    """Note that a content is there."""
    connection.execute("INSERT OR REPLACE INTO contents VALUES (?, ?, ?, ?)", (digest, checksum, size_bytes, time))


def note_wanted(connection: sqlite3.Connection, wanted: Iterable[tuple[Product, str]], digest: str, time: str) -> None:
    """Note where a content goes."""
    connection.executemany(
        "INSERT INTO deliveries VALUES (?, ?, ?, '', 0, '', 0, '', '', 0, ?)"
        " ON CONFLICT (product, target) DO UPDATE SET digest = excluded.digest, time = excluded.time,"
        " attempts = 0, error = '', lasting = 0 WHERE digest <> excluded.digest",
        [(product.id, target, digest, time) for product, target in wanted],
    )


def note_outcome(
    connection: sqlite3.Connection, outcome: Outcome, digest: str, time: str, *, is_noted: bool = False
) -> None:
    """Note what became of a product at a place; with `is_noted` the product itself is noted already."""
    receipt, error = outcome.receipt, outcome.error
    if not outcome.target:
        note(connection, [(outcome.product, "failed", digest, "[]", str(error))], time)
        return
    if not is_noted:
        connection.execute(
            "INSERT OR IGNORE INTO products VALUES (?, ?, ?, ?, ?, ?, 'made', ?, '[]', '', ?)",
            (*_names(outcome.product), digest, time),
        )
    if receipt is None:
        connection.execute(
            "INSERT INTO deliveries VALUES (?, ?, ?, '', ?, ?, ?, '', '', 0, ?)"
            " ON CONFLICT (product, target) DO UPDATE SET attempts = excluded.attempts"
            " + CASE WHEN digest = excluded.digest THEN attempts ELSE 0 END, digest = excluded.digest,"
            " error = excluded.error, lasting = excluded.lasting, time = excluded.time",
            (outcome.product.id, outcome.target, digest, outcome.attempts, str(error), _lasts(error), time),
        )
        return
    connection.execute(
        "INSERT INTO deliveries VALUES (?, ?, ?, ?, ?, '', 0, ?, ?, ?, ?)"
        " ON CONFLICT (product, target) DO UPDATE SET attempts = excluded.attempts"
        " + CASE WHEN digest = excluded.digest AND delivered <> digest THEN attempts ELSE 0 END,"
        " digest = excluded.digest, delivered = excluded.delivered, error = '', lasting = 0,"
        " location = excluded.location, checksum = excluded.checksum, size = excluded.size, time = excluded.time",
        (
            outcome.product.id, outcome.target, digest, digest, outcome.attempts, receipt.location, receipt.checksum,
            receipt.size_bytes, time,
        ),
    )  # fmt: skip


def products_of(wanted: Iterable[tuple[Product, str]]) -> Iterable[Product]:
    """Each product once."""
    return {product.id: product for product, _ in wanted}.values()


def _names(product: Product) -> tuple[str | None, ...]:
    requirement = product.requirement
    due = None if product.due is None else time_text(product.due)
    return (product.id, requirement.name, requirement.owner, str(product.cycle), product.file_name, due)


def _lasts(error: object) -> int:
    return int(bool(getattr(error, "is_lasting", False)))


def time_text(time: datetime | None) -> str:
    """A time as the ledger has it; now without one."""
    return format_time(time or datetime.now(UTC))
