"""From the fields of a content to all places that its products go to."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
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
from dtedask.products.finishing.staging import PARTS, Staged, Staging
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
        self._away: set[str] = set()

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
        with self._staged(make, parts, self._kinds(self._left(make, wanted))) as staged:
            outcomes = self._deliver(_content(make, tuple(parts), staged), wanted)
        return self._ended(make, outcomes)

    def finish_staged(self, make: Make) -> list[Outcome] | None:
        """Deliver a content that was made before, wherever it is not yet; None where it must be made."""
        wanted = self._wanted(make)
        kinds = self._kinds(self._left(make, wanted))
        with self._staging.held(make.digest) as staged, self._staging.held(make.digest + PARTS) as parts:
            if ("file" in kinds and make.format.suffix and staged is None) or ("fields" in kinds and parts is None):
                return None
            outcomes = self._deliver(_content(make, () if parts is None else parts.load(), staged), wanted)
        return self._ended(make, outcomes)

    def is_staged(self, make: Make) -> bool:
        """Whether a content was made before and waits for its delivery."""
        return self._staging.has(make.digest) or self._staging.has(make.digest + PARTS)

    def recover(self) -> list[DtedaskError]:
        """Complete what a killed process began: it tells of deliveries, and removes what nobody needs any more.

        Returns
        -------
        list of DtedaskError
            What went wrong, which is logged too.
        """
        finished = self.ledger.finished()
        for name in self._staging.digests():
            if name.removesuffix(PARTS) in finished:
                self._staging.remove(name)
        return self._teller.tell()

    def forget(self, older_than: datetime) -> int:
        """Forget what was staged and recorded before a time; returns how many products."""
        self._staging.forget(older_than)
        return self.ledger.forget(older_than)

    def close(self) -> list[DtedaskError]:
        """Tell of what is left, and close all places; returns what could not be told."""
        failures = self._teller.close()
        self._sweep()
        self._places.close()
        self._staging.close()
        return failures

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    def _sweep(self) -> None:
        """Remove what a killed process had staged, and nobody wants: its input was written again meanwhile."""
        staged = self._staging.digests()
        known = self.ledger.digests() if staged else set()
        for name in staged:
            if name.removesuffix(PARTS) not in known:
                self._staging.remove(name)

    def _wanted(self, make: Make) -> list[tuple[Product, DeliveryOptions]]:
        return [(product, options) for product in make.products for options in deliveries_of(product, self.output)]

    def _left(
        self, make: Make, wanted: Sequence[tuple[Product, DeliveryOptions]]
    ) -> list[tuple[Product, DeliveryOptions]]:
        """Where a content is not yet."""
        return [one for one in wanted if self._known(make.digest, *one) is None]

    def _kinds(self, wanted: Sequence[tuple[Product, DeliveryOptions]]) -> set[str]:
        return {self._places.of(options).takes for _, options in wanted}

    @contextmanager
    def _staged(self, make: Make, parts: Sequence[Part], kinds: set[str]) -> Iterator[Staged | None]:
        """Hold the file of a content, which is written if there is none yet; None where nobody takes files."""
        if "file" not in kinds or not make.format.suffix:
            yield None
            return
        while True:  # between writing and holding, another process may have removed it as not needed
            with self._staging.held(make.digest) as staged:
                if staged is not None:
                    yield staged
                    return
            self._write(make, parts)

    def _write(self, make: Make, parts: Sequence[Part]) -> None:
        first = make.products[0]
        try:
            self._staging.write(
                make.digest, make.format.suffix, lambda path: make.format.write(first, parts, path, make.lineage)
            )
        except OSError as error:
            raise ProductError(
                f"The product {first.id} cannot be written to {str(self._staging.folder)!r}: "
                f"{error.strerror or error}.",
                hint="Check that the disk of the state folder is writable and not full.",
            ) from error

    def _deliver(self, content: Content, wanted: Sequence[tuple[Product, DeliveryOptions]]) -> list[Outcome]:
        """Bring a content to all places; the fields are kept where they will be needed again."""
        if any(self._known(content.digest, *one) is None for one in wanted):
            targets = [(product, options.target) for product, options in wanted]
            self.ledger.made(targets, content.digest, content.checksum, content.size_bytes, now=self._now())
        outcomes: list[Outcome] = []
        for number, (product, options) in enumerate(wanted):
            is_last = number == len(wanted) - 1 and all(outcome.is_delivered for outcome in outcomes)
            outcomes.append(self._bring(replace(content, product=product, is_spare=is_last), options))
        self._teller.ask()  # the others need not wait for those that failed
        outcomes = self._try_again(content, wanted, outcomes)
        failed = [place for place, one in zip(wanted, outcomes, strict=True) if not one.is_delivered]
        if content.parts and "fields" in self._kinds(failed):
            self._staging.write_parts(content.digest, content.parts)
        return outcomes

    def _ended(self, make: Make, outcomes: list[Outcome]) -> list[Outcome]:
        """Remove what was staged, if it is everywhere."""
        if all(outcome.is_delivered for outcome in outcomes):
            self._staging.remove(make.digest)
            self._staging.remove(make.digest + PARTS)
        return outcomes

    def _try_again(
        self, content: Content, wanted: Sequence[tuple[Product, DeliveryOptions]], outcomes: Sequence[Outcome]
    ) -> list[Outcome]:
        """Try what failed in rounds, after longer and longer pauses, unless it lasts or the place was away before."""
        found, known = list(outcomes), set(self._away)
        for pause in self._retries.pauses():
            failed = [n for n, one in enumerate(found) if _may_pass(one) and one.target not in known]
            if not failed:
                break
            asked = max(getattr(found[number].error, "wait_s", 0.0) for number in failed)
            self._sleep(max(pause, min(asked, self._retries.longest_s)))
            for number in failed:
                product, options = wanted[number]
                again = self._bring(replace(content, product=product), options)
                found[number] = replace(again, attempts=found[number].attempts + again.attempts)
            self._teller.ask()
        self._away |= {one.target for one in found if _may_pass(one)}
        return found

    def _bring(self, content: Content, options: DeliveryOptions) -> Outcome:
        """Bring a content to one place, unless the ledger says that it is there."""
        known = self._known(content.digest, content.product, options)
        if known is not None:
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
        try:
            receipt = replace(_deliver(self._places.of(options), content), time=self._now())
        except DeliveryError as error:
            logger.warning("%s", error)
            return Outcome(product, target, error=error)
        self._away.discard(target)
        logger.info("Delivered %s to %s", product.id, receipt.location)
        return Outcome(product, target, receipt)

    def _known(self, digest: str, product: Product, options: DeliveryOptions) -> DeliveryRow | None:
        """What the ledger says of a content that lies at a place."""
        known = self.ledger.delivery(product.id, options.target)
        return known if known is not None and known.delivered == digest else None


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
    path, (checksum, size) = None, ("", 0)
    if staged is not None:
        path, checksum, size = staged.path, staged.checksum, staged.size_bytes
    elif parts:
        checksum, size = checksum_of_parts(parts)
    return Content(make.products[0], make.digest, path, checksum, size, parts, make.lineage)


def _may_pass(outcome: Outcome) -> bool:
    return isinstance(outcome.error, DeliveryError) and not outcome.error.is_lasting


def _receipt(row: DeliveryRow) -> Receipt:
    return Receipt(row.location, row.checksum, row.size_bytes, row.time, is_new=False)
