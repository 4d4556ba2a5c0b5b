"""From the fields of a content to all places that its products go to."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from dtedask.core.errors import DeliveryError, DtedaskError, ProductError
from dtedask.products.deliveries.checksum import checksum_of_parts
from dtedask.products.deliveries.manifest import line_of
from dtedask.products.deliveries.places import deliveries_of, manifest_name
from dtedask.products.delivery import Content, Delivery, DeliveryOptions, Receipt
from dtedask.products.finishing.open_places import OpenPlaces
from dtedask.products.finishing.outcome import Outcome
from dtedask.products.finishing.retries import Retries
from dtedask.products.finishing.staging import Staged, Staging
from dtedask.products.finishing.telling import Teller
from dtedask.products.ledger.ledger import Pending

if TYPE_CHECKING:
    from dtedask.products.ledger import DeliveryRow, Ledger
    from dtedask.products.planning.make import Make
    from dtedask.products.product import Part, Product

__all__ = ["Finishing", "finish"]

logger = logging.getLogger(__name__)


class Finishing:
    """Writes contents once, delivers them to everybody who ordered them, and tells of it; safe for many threads.

    Killed at any moment, the next run goes on: what was staged is not made again, what was delivered is found, and
    manifests and notices are completed, each once.

    Parameters
    ----------
    ledger : Ledger
        What is known of products; its folder is the state folder.
    output : DeliveryOptions, optional
        Where products go whose requirement says nothing.
    notices : str, optional
        Root whose log and listeners hear of deliveries, by default the state folder; "" for none.
    retries : Retries
        How often a delivery is tried.
    now : callable
        Gives the time, UTC.
    sleep : callable
        Waits some seconds.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        output: DeliveryOptions | None = None,
        notices: str | None = None,
        retries: Retries | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.ledger = ledger
        self.output = output
        self._retries = retries or Retries()
        self._now = now
        self._sleep = sleep
        self._places = OpenPlaces()
        self._staging = Staging(ledger.folder)
        self._teller = Teller(ledger, self._places, str(ledger.folder) if notices is None else notices)
        self._down: set[str] = set()

    def __call__(self, make: Make, parts: Sequence[Part]) -> list[Outcome]:
        """Finish a content that was made.

        Parameters
        ----------
        make : Make
            What it is.
        parts : sequence of Part
            Its fields, in order.

        Returns
        -------
        list of Outcome
            One for each product and place, failures included: they stop nothing.

        Raises
        ------
        ProductError
            If the file cannot be written, or the ledger cannot be used.
        """
        wanted = self._wanted(make)
        if make.format.suffix and any(self._places.of(options).takes == "file" for _, options in wanted):
            self._stage(make, parts)
        return self._deliver(make, tuple(parts), wanted)

    def finish_staged(self, make: Make) -> list[Outcome] | None:
        """Deliver a content that was made before; None where it must be made."""
        return self._deliver(make, (), self._wanted(make)) if self.is_staged(make) else None

    def is_staged(self, make: Make) -> bool:
        """Whether a content was made before and waits for its delivery."""
        return self._staging.has(make.digest)

    def recover(self) -> list[DtedaskError]:
        """Tell of deliveries that a killed process did not tell of; returns what went wrong, which is logged too."""
        return self._teller.tell()

    def forget(self, older_than: datetime) -> int:
        """Forget what was staged and recorded before a time; returns how many products."""
        self._staging.forget(older_than)
        return self.ledger.forget(older_than)

    def close(self) -> list[DtedaskError]:
        """Tell of what is left, and close all places; returns what could not be told."""
        failures = self._teller.tell()
        self._places.close()
        return failures

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    def _wanted(self, make: Make) -> list[tuple[Product, DeliveryOptions]]:
        return [(product, options) for product in make.products for options in deliveries_of(product, self.output)]

    def _stage(self, make: Make, parts: Sequence[Part]) -> None:
        if self._staging.has(make.digest):
            return
        try:
            self._staging.write(
                make.digest,
                make.format.suffix,
                lambda path: make.format.write(make.products[0], parts, path, make.lineage),
            )
        except OSError as error:
            raise ProductError(
                f"The product {make.products[0].id} cannot be written to {str(self._staging.folder)!r}: "
                f"{error.strerror or error}.",
                hint="Check that the disk of the state folder is writable and not full.",
            ) from error

    def _deliver(
        self, make: Make, parts: tuple[Part, ...], wanted: Sequence[tuple[Product, DeliveryOptions]]
    ) -> list[Outcome]:
        with self._staging.held(make.digest) as staged:
            content = _content(make, parts, staged)
            self.ledger.made(make.products, make.digest, content.checksum, content.size_bytes, now=self._now())
            outcomes: list[Outcome] = []
            for number, (product, options) in enumerate(wanted):
                is_last = number == len(wanted) - 1
                is_spare = is_last and all(outcome.is_delivered for outcome in outcomes)
                outcomes.append(self._bring(replace(content, product=product, is_spare=is_spare), options))
        self._teller.tell()
        if all(outcome.is_delivered for outcome in outcomes):
            self._staging.remove(make.digest)
        return outcomes

    def _bring(self, content: Content, options: DeliveryOptions) -> Outcome:
        """Bring a content to one place, unless the ledger says that it is there."""
        known = self.ledger.delivery(content.product.id, options.target)
        if known is not None and known.delivered == content.digest:
            return Outcome(content.product, options.target, _receipt(known), attempts=0)
        outcome = self._try(content, options)
        pending = None
        if outcome.receipt is not None:
            pending = Pending(
                0, content.product.id, options.target, manifest_name(content.product),
                line_of(content, options.target, outcome.receipt), options.model_dump_json(),
            )  # fmt: skip
        self.ledger.record(outcome, content.digest, pending=pending, now=self._now())
        return outcome

    def _try(self, content: Content, options: DeliveryOptions) -> Outcome:
        product, target = content.product, options.target
        pauses = iter([]) if target in self._down else self._retries.pauses()
        attempts = 0
        while True:
            attempts += 1
            try:
                receipt = _deliver(self._places.of(options), content)
            except DeliveryError as error:
                logger.warning("Attempt %s: %s", attempts, error)
                pause = None if error.is_lasting else next(pauses, None)
                if pause is None:
                    self._down.add(target)
                    return Outcome(product, target, error=error, attempts=attempts)
                self._sleep(max(pause, min(error.wait_s, self._retries.longest_s)))
            else:
                self._down.discard(target)
                logger.info("Delivered %s to %s", product.id, receipt.location)
                return Outcome(product, target, replace(receipt, time=self._now()), attempts=attempts)


def finish(
    make: Make, parts: Sequence[Part], *, ledger: Ledger, output: DeliveryOptions | None = None
) -> list[Outcome]:
    """Finish one content; for several, keep a `Finishing`.

    Parameters
    ----------
    make : Make
        What it is.
    parts : sequence of Part
        Its fields, in order.
    ledger : Ledger
        What is known of products.
    output : DeliveryOptions, optional
        Where products go whose requirement says nothing.

    Returns
    -------
    list of Outcome
        One for each product and place.
    """
    with Finishing(ledger, output=output) as finishing:
        return finishing(make, parts)


def _deliver(delivery: Delivery, content: Content) -> Receipt:
    try:
        return delivery.deliver(content)
    except DeliveryError:
        raise
    except Exception as error:  # a delivery of an installed package: the other places get theirs
        raise DeliveryError(
            f"{content.product.id} cannot be delivered to {delivery.options.target!r}: {type(error).__name__}: {error}"
        ) from error


def _content(make: Make, parts: tuple[Part, ...], staged: Staged | None) -> Content:
    if staged is None:
        checksum, size = checksum_of_parts(parts)
        return Content(make.products[0], make.digest, None, checksum, size, parts, make.lineage)
    return Content(
        make.products[0], make.digest, staged.path, staged.checksum, staged.size_bytes,
        parts or staged.load_parts(), make.lineage,
    )  # fmt: skip


def _receipt(row: DeliveryRow) -> Receipt:
    return Receipt(row.location, row.checksum, row.size_bytes, row.time, is_new=False)
