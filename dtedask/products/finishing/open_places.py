"""Places of delivery that are open: one object for each, however many products go there."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from dtedask.core.errors import DeliveryError
from dtedask.products.delivery import AnyDelivery, Delivery, DeliveryOptions, make_delivery

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["OpenPlaces"]


class OpenPlaces:
    """Deliveries by their options, made when they are first used."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._open: dict[DeliveryOptions, Delivery] = {}
        self._texts: dict[DeliveryOptions, str] = {}

    def of(self, options: DeliveryOptions) -> Delivery:
        """The delivery to a place."""
        with self._guard:
            if options not in self._open:
                self._open[options] = make_delivery(options)
            return self._open[options]

    def json_of(self, options: DeliveryOptions) -> str:
        """Options as JSON, for `of_json`."""
        with self._guard:
            if options not in self._texts:
                self._texts[options] = options.model_dump_json()
            return self._texts[options]

    def of_json(self, text: str) -> Delivery:
        """The delivery to a place, by its options as JSON.

        Raises
        ------
        DeliveryError
            If there is no such delivery any more.
        """
        try:
            options: DeliveryOptions = TypeAdapter(AnyDelivery).validate_json(text)
        except ValidationError as error:
            raise DeliveryError(
                f"An earlier run delivered to {text}, which cannot be understood any more: {error.errors()[0]['msg']}",
                hint="Install the package that it is of; until then its manifest lacks what was delivered.",
            ) from error
        return self.of(options)

    def close(self) -> None:
        """Close all."""
        for delivery in self:
            delivery.close()

    def __iter__(self) -> Iterator[Delivery]:
        with self._guard:
            return iter(list(self._open.values()))
