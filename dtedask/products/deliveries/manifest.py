"""The lines of a manifest: what was delivered where, with its checksum and where it is from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dtedask.core.errors import DeliveryError

if TYPE_CHECKING:
    from dtedask.products.delivery import Content, Receipt

__all__ = ["delivery_id", "line_of", "lines_to_add"]


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


def lines_to_add(there: Iterable[str], lines: Sequence[str], *, place: str) -> list[str]:
    """Those of some lines that a manifest lacks: the last line of a product says what lies there.

    Parameters
    ----------
    there : iterable of str
        Lines of the manifest.
    lines : sequence of str
        Lines that are to be there.
    place : str
        Where the manifest is, for errors.

    Raises
    ------
    DeliveryError
        If what is there is no manifest.
    """
    last = last_ids(there, place=place)
    found = []
    for line in lines:
        product, own = _product_and_id(line, place)
        if last.get(product) != own:
            last[product] = own
            found.append(line)
    return found


def last_ids(lines: Iterable[str], *, place: str) -> dict[str, str]:
    """Id of the last line of each product."""
    return dict(_product_and_id(line, place) for line in lines if line.strip())


def _product_and_id(line: str, place: str) -> tuple[str, str]:
    try:
        entry: Mapping[str, str] = json.loads(line)
        return entry["product"], entry["id"]
    except (ValueError, TypeError, KeyError) as error:
        raise DeliveryError(
            f"The file {place!r} is no manifest of products: it has the line {line[:80]!r}.",
            hint="Move it away; the manifest is written anew from the next delivery on.",
            is_lasting=True,
        ) from error
