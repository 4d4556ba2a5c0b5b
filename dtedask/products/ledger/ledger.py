"""The ledger: one SQLite file in the state folder, for any number of threads and processes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from dtedask.core.errors import ProductError
from dtedask.notify.database import Database, Kind
from dtedask.notify.event import parse_time
from dtedask.products.ledger.rows import DeliveryRow, ProductRow, State
from dtedask.products.ledger.statements import (
    note,
    note_content,
    note_outcome,
    note_wanted,
    products_of,
    time_text,
)

if TYPE_CHECKING:
    from dtedask.products.finishing.outcome import Outcome
    from dtedask.products.product import Product

__all__ = ["FILE_NAME", "Ledger", "Pending"]

FILE_NAME = "products.sqlite"
_SCHEMA = """
CREATE TABLE products (
    product TEXT PRIMARY KEY, requirement TEXT NOT NULL, owner TEXT NOT NULL, cycle TEXT NOT NULL, file TEXT NOT NULL,
    due TEXT, state TEXT NOT NULL, digest TEXT NOT NULL, missing TEXT NOT NULL, error TEXT NOT NULL,
    time TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX products_by_cycle ON products (cycle, owner);
CREATE TABLE deliveries (
    product TEXT NOT NULL, target TEXT NOT NULL, digest TEXT NOT NULL, delivered TEXT NOT NULL,
    attempts INTEGER NOT NULL, error TEXT NOT NULL, lasting INTEGER NOT NULL, location TEXT NOT NULL,
    checksum TEXT NOT NULL, size INTEGER NOT NULL, time TEXT NOT NULL, PRIMARY KEY (product, target)) WITHOUT ROWID;
CREATE TABLE announcements (
    number INTEGER PRIMARY KEY AUTOINCREMENT, product TEXT NOT NULL, target TEXT NOT NULL, manifest TEXT NOT NULL,
    line TEXT NOT NULL, options TEXT NOT NULL, recorded INTEGER NOT NULL DEFAULT 0,
    told INTEGER NOT NULL DEFAULT 0);
CREATE TABLE contents (digest TEXT PRIMARY KEY, checksum TEXT NOT NULL, size INTEGER NOT NULL, time TEXT NOT NULL)
    WITHOUT ROWID;
"""
_KIND = Kind(
    "ledger of products",
    _SCHEMA,
    ProductError,
    "Check that its disk is there, writable and not full; the option --state names another folder.",
    outlives_power_cuts=False,
)


@dataclass(frozen=True, slots=True)
class Pending:
    """A delivery that is to be told of: in the manifest of its place, and by a notice.

    Parameters
    ----------
    number : int
        Its place in the order of deliveries.
    product, target : str
        Which product, and where.
    manifest : str
        Name of the manifest.
    line : str
        What the manifest says.
    options : str
        Options of the delivery, JSON.
    is_recorded : bool
        Whether the manifest has it.
    is_told : bool
        Whether the notice was given.
    """

    number: int
    product: str
    target: str
    manifest: str
    line: str
    options: str
    is_recorded: bool = False
    is_told: bool = False


class Ledger:
    """What is known of every product.

    Each change is one transaction, which outlives the process. A power cut may take the last ones: what they tell of
    is then found at its place, and told of no second time.

    Parameters
    ----------
    folder : str or os.PathLike
        The state folder; it and the file are made when they are missing.

    Raises
    ------
    ProductError
        Of every method: if the file cannot be used.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder).expanduser().absolute()
        self._database = Database(self.folder / FILE_NAME, _KIND)

    def delivered(self, product: str, target: str) -> str | None:
        """Digest of the content of a product that lies at a place, None where none does."""
        with self._database.read() as connection:
            found = connection.execute(
                "SELECT delivered FROM deliveries WHERE product = ? AND target = ?", (product, target)
            ).fetchone()
        return found[0] or None if found else None

    def delivered_all(self) -> dict[tuple[str, str], str]:
        """Digests of all contents that were delivered, by product and place."""
        with self._database.read() as connection:
            rows = connection.execute("SELECT product, target, delivered FROM deliveries WHERE delivered <> ''")
            return {(product, target): digest for product, target, digest in rows}

    def planned(self, products: Iterable[tuple[Product, str]], *, now: datetime | None = None) -> None:
        """Note products that will be made, each with the digest of its content."""
        self._note([(product, "planned", digest, "[]", "") for product, digest in products], now)

    def waiting(self, products: Mapping[Product, Sequence[Mapping[str, str]]], *, now: datetime | None = None) -> None:
        """Note products whose inputs are not all there, each with the MARS keys of those that it waits for."""
        rows = [
            (one, "waiting", "", json.dumps([dict(keys) for keys in missing]), "") for one, missing in products.items()
        ]
        self._note(rows, now)

    def running(self, products: Iterable[tuple[Product, str]], *, now: datetime | None = None) -> None:
        """Note products that are being made, each with the digest of its content."""
        self._note([(product, "running", digest, "[]", "") for product, digest in products], now)

    def failed(self, product: Product, error: BaseException, *, digest: str = "", now: datetime | None = None) -> None:
        """Note a product that could not be made."""
        self._note([(product, "failed", digest, "[]", str(error))], now)

    def made(
        self,
        wanted: Sequence[tuple[Product, str]],
        digest: str,
        checksum: str,
        size_bytes: int,
        *,
        now: datetime | None = None,
    ) -> None:
        """Note that a content is there, ready to be delivered.

        Parameters
        ----------
        wanted : sequence of (Product, str)
            The products that it is, each with every place where it goes.
        digest, checksum, size_bytes
            Of the content.
        now : datetime, optional
            When, UTC.
        """
        time = time_text(now)
        with self._database.write() as connection:
            note_content(connection, digest, checksum, size_bytes, time)
            note(connection, [(product, "made", digest, "[]", "") for product in products_of(wanted)], time)
            note_wanted(connection, wanted, digest, time)

    def finished(self) -> set[str]:
        """Digests of contents that were made and are wanted nowhere any more: they are there, or others came."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT digest FROM contents EXCEPT SELECT digest FROM deliveries WHERE delivered <> digest"
            )
            return {row[0] for row in rows}

    def digests(self) -> set[str]:
        """Digests of all contents that products are, or are to be made of."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT digest FROM contents UNION SELECT digest FROM products UNION SELECT digest FROM deliveries"
            )
            return {row[0] for row in rows}

    def record(
        self,
        outcome: Outcome,
        digest: str,
        *,
        pending: Pending | None = None,
        made: Sequence[tuple[Product, str]] = (),
        now: datetime | None = None,
    ) -> None:
        """Note what became of a product at a place, and what is still to be told of it.

        Parameters
        ----------
        outcome : Outcome
            What became of it.
        digest : str
            Of its content.
        pending : Pending, optional
            What is to be told.
        made : sequence of (Product, str)
            The products that the content is, each with every place where it goes, if it is to be noted with the
            delivery that it was made.
        now : datetime, optional
            When, UTC.
        """
        self.record_all([(outcome, pending)], digest, made=made, now=now)

    def record_all(
        self,
        outcomes: Sequence[tuple[Outcome, Pending | None]],
        digest: str,
        *,
        made: Sequence[tuple[Product, str]] = (),
        now: datetime | None = None,
    ) -> None:
        """Note what became of the products of one content, all at once."""
        time = time_text(now)
        with self._database.write() as connection:
            for outcome, pending in outcomes:
                receipt = outcome.receipt if made else None
                if receipt is not None:
                    others = [one for one in made if (one[0].id, one[1]) != (outcome.product.id, outcome.target)]
                    note_content(connection, digest, receipt.checksum, receipt.size_bytes, time)
                    note(connection, [(one, "made", digest, "[]", "") for one in products_of(made)], time)
                    note_wanted(connection, others, digest, time)
                note_outcome(connection, outcome, digest, time, is_noted=receipt is not None)
                if pending is not None:
                    connection.execute(
                        "INSERT INTO announcements (product, target, manifest, line, options) VALUES (?, ?, ?, ?, ?)",
                        (pending.product, pending.target, pending.manifest, pending.line, pending.options),
                    )

    def pending(self) -> list[Pending]:
        """Deliveries that are to be told of, in their order."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT number, product, target, manifest, line, options, recorded, told FROM announcements"
                " ORDER BY number"
            )
            return [Pending(*row) for row in rows]

    def recorded(self, numbers: Iterable[int]) -> None:
        """Note that manifests have deliveries."""
        self._mark("recorded", numbers)

    def told(self, numbers: Iterable[int]) -> None:
        """Note that notices of deliveries were given."""
        self._mark("told", numbers)

    def products(self, *, owner: str = "", cycle: str = "", state: State | None = None) -> list[ProductRow]:
        """What is known of products, in the order of their names.

        Parameters
        ----------
        owner, cycle : str
            Only those of an owner, and of a cycle as `Cycle` writes itself; "" for all.
        state : State, optional
            Only those that are so far.
        """
        wanted = {"owner": owner, "cycle": cycle, "state": state or ""}
        where = " AND ".join(["1"] + [f"p.{name} = :{name}" for name, value in wanted.items() if value])
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT {_PRODUCT} FROM products p WHERE {where} ORDER BY product",
                wanted,
            ).fetchall()
            deliveries: dict[str, list[DeliveryRow]] = {}
            found = connection.execute(
                f"SELECT {_DELIVERY} FROM deliveries d JOIN products p USING (product) WHERE {where}"
                " ORDER BY product, target",
                wanted,
            )
            for row in found:
                deliveries.setdefault(row[0], []).append(_delivery_row(row))
        return [_product_row(row, tuple(deliveries.get(row[0], ()))) for row in rows]

    def delivery(self, product: str, target: str) -> DeliveryRow | None:
        """What became of a product at a place; None where it was never tried."""
        return self.deliveries([(product, target)])[0]

    def deliveries(self, wanted: Iterable[tuple[str, str]]) -> list[DeliveryRow | None]:
        """What became of products at places, each as `delivery` says."""
        query = f"SELECT {_DELIVERY} FROM deliveries d WHERE product = ? AND target = ?"
        with self._database.read() as connection:
            rows = [connection.execute(query, one).fetchone() for one in wanted]
        return [None if row is None else _delivery_row(row) for row in rows]

    def states(self, *, cycle: str = "") -> list[DeliveryRow]:
        """What became of products, of one cycle or all, at each place; at "" stands that they could not be made."""
        return [
            row
            for product in self.products(cycle=cycle)
            for row in (*((_making_row(product),) if product.state == "failed" else ()), *product.deliveries)
        ]

    def failure(self, product: str) -> DeliveryRow | None:
        """The newest failure of a product that was not made good: of its making (place "") or of a delivery."""
        with self._database.read() as connection:
            made = connection.execute(f"SELECT {_PRODUCT} FROM products p WHERE product = ?", (product,)).fetchone()
            rows = connection.execute(
                f"SELECT {_DELIVERY} FROM deliveries d WHERE product = ? AND error <> ''", (product,)
            ).fetchall()
        found = [_delivery_row(row) for row in rows]
        if made is not None and made[6] == "failed":
            found.append(_making_row(_product_row(made, ())))
        return max(found, key=lambda row: row.time, default=None)

    def forget(self, older_than: datetime, *, doit: bool = True) -> int:
        """Forget products that nothing was heard of since a time, with their deliveries; returns how many.

        What was delivered stays where it is. A product that is forgotten would be made again, were it asked for.
        Without `doit` it is only counted how many that would be.
        """
        before = time_text(older_than)
        with self._database.write() as connection:
            connection.execute("SAVEPOINT forgetting")
            connection.execute(
                "DELETE FROM deliveries WHERE time < :before"
                " AND product NOT IN (SELECT product FROM products WHERE time >= :before)",
                {"before": before},
            )
            count = connection.execute(
                "DELETE FROM products WHERE time < ? AND product NOT IN (SELECT product FROM deliveries)", (before,)
            ).rowcount
            connection.execute(
                "DELETE FROM contents WHERE time < ? AND digest NOT IN (SELECT digest FROM products)", (before,)
            )
            if not doit:
                connection.execute("ROLLBACK TO forgetting")
            return count

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Ledger({str(self.folder)!r})"

    def _mark(self, column: str, numbers: Iterable[int]) -> None:
        with self._database.write() as connection:
            rows = [(number,) for number in numbers]
            connection.executemany(f"UPDATE announcements SET {column} = 1 WHERE number = ?", rows)
            connection.execute("DELETE FROM announcements WHERE recorded AND told")

    def _note(self, rows: Sequence[tuple[Product, str, str, str, str]], now: datetime | None) -> None:
        if rows:
            with self._database.write() as connection:
                note(connection, rows, time_text(now))


_PRODUCT = "p.product, p.requirement, p.owner, p.cycle, p.file, p.due, p.state, p.digest, p.missing, p.error, p.time"
_DELIVERY = (
    "d.product, d.target, d.digest, d.delivered, d.attempts, d.error, d.lasting, d.location, d.checksum, d.size, d.time"
)


def _making_row(product: ProductRow) -> DeliveryRow:
    return DeliveryRow(product.product, "", product.digest, "", 1, product.error, False, "", "", 0, product.time)


def _product_row(row: Sequence[Any], deliveries: tuple[DeliveryRow, ...]) -> ProductRow:
    product, requirement, owner, cycle, file_name, due, state, digest, missing, error, time = row
    return ProductRow(
        product, requirement, owner, cycle, file_name, None if due is None else parse_time(due), state, digest,
        tuple(json.loads(missing)), error, parse_time(time), deliveries,
    )  # fmt: skip


def _delivery_row(row: Sequence[Any]) -> DeliveryRow:
    product, target, digest, delivered, attempts, error, lasting, location, checksum, size, time = row
    return DeliveryRow(
        product, target, digest, delivered, attempts, error, bool(lasting), location, checksum, size, parse_time(time)
    )
