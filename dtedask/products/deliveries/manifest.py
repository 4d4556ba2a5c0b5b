"""The lines of a manifest: what was delivered where, with its checksum and where it is from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dtedask.core.errors import DeliveryError

if TYPE_CHECKING:
    from dtedask.products.delivery import Content, Receipt

__all__ = ["Known", "delivery_id", "line_of"]


def line_of(content: Content, target: str, receipt: Receipt) -> str:
    """Write a delivery as one line of JSON."""
    product = content.product
    requirement = product.requirement
    entry: dict[str, Any] = {
        "product": product.id,
        "id": delivery_id(content, target),
        "requirement": requirement.name,
        "owner": requirement.owner,
        "cycle": str(product.cycle),
        "file": product.file_name,
        "format": requirement.format.type,
        "location": receipt.location,
        "checksum": receipt.checksum,
        "size": receipt.size_bytes,
        "time": f"{receipt.time:%Y-%m-%dT%H:%M:%S.%fZ}",
        "digest": content.digest,
        "requirement-digest": requirement.digest,
        "fields": [dict(keys) for keys in product.fields],
        "lineage": dict(content.lineage),
    }
    return json.dumps(entry, separators=(",", ":"))


def delivery_id(content: Content, target: str) -> str:
    """What the delivery of a content as a product to a place is called, always the same."""
    said = [content.product.id, target, content.digest, content.checksum]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:32]


class Known:
    """What is known of a manifest: the last line of each product says what lies there.

    Parameters
    ----------
    place : str
        Where the manifest is, for errors.
    """

    def __init__(self, place: str) -> None:
        self._place = place
        self._last: dict[str, str] = {}

    def read(self, lines: Iterable[str]) -> None:
        """Take lines that are there, behind those that were read before.

        Raises
        ------
        DeliveryError
            If one is no line of a manifest.
        """
        self._last.update(self._product_and_id(line) for line in lines if line.strip())

    def missing(self, lines: Sequence[str]) -> list[str]:
        """Those of some lines that are to be added, so that the last of each product is there."""
        last: dict[str, str] = {}
        found = []
        for line in lines:
            product, own = self._product_and_id(line)
            if last.get(product, self._last.get(product)) != own:
                last[product] = own
                found.append(line)
        return found

    def _product_and_id(self, line: str) -> tuple[str, str]:
        try:
            entry: Mapping[str, str] = json.loads(line)
            return entry["product"], entry["id"]
        except (ValueError, TypeError, KeyError) as error:
            raise DeliveryError(
                f"The file {self._place!r} is no manifest of products: it has the line {line[:80]!r}.",
                hint="Move it away; the manifest is written anew from the next delivery on.",
                is_lasting=True,
            ) from error
