"""A place of delivery that fails as often as it is told."""

from __future__ import annotations

from dtedask.core.errors import DeliveryError
from dtedask.products import Delivery, DeliveryOptions, Receipt
from tests.products.made import NOW


class FailingOptions(DeliveryOptions):
    """Options without any."""

    type: str = "failing"

    @property
    def target(self):
        return "failing"


class Failing(Delivery):
    """Fails `left` times, then says that all is well."""

    Options = FailingOptions
    left = 0
    lasting = False
    tried = 0

    def deliver(self, content):
        type(self).tried += 1
        if type(self).left:
            type(self).left -= 1
            raise DeliveryError("The place is away.", is_lasting=self.lasting)
        return Receipt("there", content.checksum, content.size_bytes, NOW)
