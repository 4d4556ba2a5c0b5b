"""From the fields of a content to all places that its products go to."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
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
    from pathlib import Path

    from dtedask.products.ledger import DeliveryRow, Ledger
    from dtedask.products.planning.make import Make
    from dtedask.products.product import Part, Product

__all__ = ["Finishing", "finish"]

logger = logging.getLogger(__name__)
Places = Sequence[tuple["Product", DeliveryOptions]]
"""The products of a content, each with each place where it goes."""


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
        known = self._known(make.digest, wanted)
        with self._file(make, parts, _left(wanted, known)) as file:
            outcomes = self._deliver(_content(make, tuple(parts), file), file, wanted, known)
        if file is not None and not file.is_kept and all(one.attempts < 2 for one in outcomes):
            return outcomes  # what is not tried again was not staged
        return self._ended(make, outcomes)

    def finish_staged(self, make: Make) -> list[Outcome] | None:
        """Deliver a content that was made before, wherever it is not yet; None where it must be made."""
        wanted = self._wanted(make)
        known = self._known(make.digest, wanted)
        kinds = self._kinds(_left(wanted, known))
        with self._staging.held(make.digest) as staged, self._staging.held(make.digest + PARTS) as parts:
            if ("file" in kinds and make.format.suffix and staged is None) or ("fields" in kinds and parts is None):
                return None
            content = _content(make, () if parts is None else parts.load(), staged)
            outcomes = self._deliver(content, staged, wanted, known)
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

    def _wanted(self, make: Make) -> Places:
        return [(product, options) for product in make.products for options in deliveries_of(product, self.output)]

    def _kinds(self, wanted: Places) -> set[str]:
        return {self._places.of(options).takes for _, options in wanted}

    @contextmanager
    def _file(self, make: Make, parts: Sequence[Part], left: Places) -> Iterator[Staged | None]:
        """Hold the file of a content, which is written if it is not staged; None where nobody takes files."""
        with ExitStack() as stack:
            if not make.format.suffix or "file" not in self._kinds(left):
                yield None
            elif len(left) == 1 and self._places.of(left[0][1]).is_quick:
                with _written(make.products[0], self._staging.folder):
                    file = stack.enter_context(self._staging.written(make.format.suffix, _writing(make, parts)))
                yield file
            else:
                yield stack.enter_context(self._staged(make, parts))

    @contextmanager
    def _staged(self, make: Make, parts: Sequence[Part]) -> Iterator[Staged]:
        while True:  # between writing and holding, another process may have removed it as not needed
            with self._staging.held(make.digest) as staged:
                if staged is not None:
                    yield staged
                    return
            with _written(make.products[0], self._staging.folder):
                self._staging.write(make.digest, make.format.suffix, _writing(make, parts))

    def _deliver(
        self, content: Content, file: Staged | None, wanted: Places, known: Sequence[DeliveryRow | None]
    ) -> list[Outcome]:
        """Bring a content to all places; it is kept where it will be needed again."""
        targets = [(product, options.target) for product, options in wanted]
        is_at_once = file is not None and not file.is_kept
        if not is_at_once and None in known:
            self._note_made(content, targets)
        outcomes: list[Outcome] = []
        for number, (product, options) in enumerate(wanted):
            is_spare = is_at_once or (number == len(wanted) - 1 and _are_there(outcomes))
            one = replace(content, product=product, is_spare=is_spare)
            row = known[number] if is_at_once else self._known(content.digest, [(product, options)])[0]
            outcomes.append(self._bring(one, options, row, made=targets if is_at_once else ()))
        self._teller.ask()  # the others need not wait for those that failed
        if _are_there(outcomes):
            return outcomes
        with self._kept(content, file, targets) as kept:
            outcomes = self._try_again(kept, wanted, outcomes)
        failed = [place for place, one in zip(wanted, outcomes, strict=True) if not one.is_delivered]
        if content.parts and "fields" in self._kinds(failed):
            self._staging.write_parts(content.digest, content.parts)
        return outcomes

    @contextmanager
    def _kept(self, content: Content, file: Staged | None, targets: Sequence[tuple[Product, str]]) -> Iterator[Content]:
        """Stage what was to be delivered at once, and could not be."""
        if file is None or file.is_kept:
            yield content
            return
        with _written(content.product, self._staging.folder):
            self._staging.keep(content.digest, file)
        self._note_made(content, targets)
        with self._staging.held(content.digest) as staged:
            yield replace(content, path=(staged or file).path)

    def _note_made(self, content: Content, targets: Sequence[tuple[Product, str]]) -> None:
        self.ledger.made(targets, content.digest, content.checksum, content.size_bytes, now=self._now())

    def _ended(self, make: Make, outcomes: list[Outcome]) -> list[Outcome]:
        """Remove what was staged, if it is everywhere."""
        if _are_there(outcomes):
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
                (row,) = self._known(content.digest, [wanted[number]])
                again = self._bring(replace(content, product=product), options, row)
                found[number] = replace(again, attempts=found[number].attempts + again.attempts)
            self._teller.ask()
        self._away |= {one.target for one in found if _may_pass(one)}
        return found

    def _bring(
        self,
        content: Content,
        options: DeliveryOptions,
        known: DeliveryRow | None,
        *,
        made: Sequence[tuple[Product, str]] = (),
    ) -> Outcome:
        """Bring a content to one place, unless the ledger says that it is there."""
        if known is not None:
            return Outcome(content.product, options.target, _receipt(known), attempts=0)
        outcome = self._try(content, options)
        pending = None
        if outcome.receipt is not None:
            pending = Pending(
                0, content.product.id, options.target, manifest_name(content.product),
                line_of(content, options.target, outcome.receipt), self._places.json_of(options),
            )  # fmt: skip
        self.ledger.record(outcome, content.digest, pending=pending, made=made, now=self._now())
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

    def _known(self, digest: str, wanted: Places) -> list[DeliveryRow | None]:
        """What the ledger says of a content that lies at places; None where it does not."""
        rows = self.ledger.deliveries([(product.id, options.target) for product, options in wanted])
        return [row if row is not None and row.delivered == digest else None for row in rows]


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


def _left(wanted: Places, known: Sequence[DeliveryRow | None]) -> Places:
    """Where a content is not yet."""
    return [one for one, row in zip(wanted, known, strict=True) if row is None]


def _writing(make: Make, parts: Sequence[Part]) -> Callable[[Path], Sequence[bytes] | None]:
    product = make.products[0]

    def write(path: Path) -> Sequence[bytes] | None:
        pieces = make.format.pieces(product, parts, make.lineage)
        if pieces is None:
            make.format.write(product, parts, path, make.lineage)
        return pieces

    return write


@contextmanager
def _written(product: Product, folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ProductError(
            f"The product {product.id} cannot be written to {str(folder)!r}: {error.strerror or error}.",
            hint="Check that the disk of the state folder is writable and not full.",
        ) from error


def _are_there(outcomes: Sequence[Outcome]) -> bool:
    return all(one.is_delivered for one in outcomes)


def _may_pass(outcome: Outcome) -> bool:
    return isinstance(outcome.error, DeliveryError) and not outcome.error.is_lasting


def _receipt(row: DeliveryRow) -> Receipt:
    return Receipt(row.location, row.checksum, row.size_bytes, row.time, is_new=False)
