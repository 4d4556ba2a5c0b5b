"""What a delivery is: how a product comes to where it was ordered, whole or not at all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from dtedask.core.by_type import ByType
from dtedask.core.registry import Registry

if TYPE_CHECKING:
    from dtedask.products.product import Part, Product

__all__ = [
    "ENTRY_POINTS",
    "AnyDelivery",
    "Content",
    "Delivery",
    "DeliveryOptions",
    "Receipt",
    "delivery_class",
    "delivery_types",
    "make_delivery",
]

ENTRY_POINTS = "dtedask.deliveries"
_OWN: dict[str, str] = {
    "cube": "dtedask.products.deliveries.cube:CubeDelivery",
    "folder": "dtedask.products.deliveries.folder:FolderDelivery",
    "http": "dtedask.products.deliveries.http:HttpDelivery",
    "s3": "dtedask.products.deliveries.s3:S3Delivery",
}


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """A product that was made, before it is delivered.

    Parameters
    ----------
    product : Product
        What it is.
    digest : str
        What it was made of: inputs, weights, requirement, code. Equal digests stand for equal content.
    path : Path, optional
        The file or folder that was written aside; None for products that are fields of a cube.
    checksum : str
        Of the bytes, ``sha256:`` and hexadecimal digits; of a folder over all of its files in order of their names.
    size_bytes : int
        How many they are.
    parts : tuple of Part
        The fields, for deliveries that take fields.
    lineage : mapping of str to str
        Where it is from: snapshots, weights, versions, requirement.
    is_spare : bool
        Whether nobody needs `path` afterwards, so that the delivery may take it instead of a copy.
    """

    product: Product
    digest: str
    path: Path | None
    checksum: str
    size_bytes: int
    parts: tuple[Part, ...]
    lineage: Mapping[str, str]
    is_spare: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a delivery says when the product is there for good.

    Parameters
    ----------
    location : str
        Where it is: path, URL, or cube and snapshot.
    checksum : str
        Of what lies there, as `Content` has it.
    size_bytes : int
        How many bytes.
    time : datetime
        When, UTC.
    is_new : bool
        False if the very same was there already.
    """

    location: str
    checksum: str
    size_bytes: int
    time: datetime
    is_new: bool = True


class DeliveryOptions(BaseModel):
    """What stands under ``delivery`` in a requirement, its type included; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, populate_by_name=True, frozen=True)

    type: str
    """How products are delivered."""

    @property
    def target(self) -> str:
        """Where products go, without secrets: what tells two deliveries of one product apart."""
        raise NotImplementedError


class Delivery(ABC):
    """Brings products to one place. Doing it again after any error or crash changes nothing that is there.

    Parameters
    ----------
    options : DeliveryOptions
        What the requirement says, an object of the class's `Options`.
    """

    Options: ClassVar[type[DeliveryOptions]] = DeliveryOptions
    takes: ClassVar[Literal["file", "fields"]] = "file"
    is_quick: ClassVar[bool] = False
    """Whether a product is there about as soon as its file is written, and the file stays where it is: it is not kept
    for the case that this process is killed meanwhile, but made again."""

    def __init__(self, options: Any) -> None:
        self.options = options

    @abstractmethod
    def deliver(self, content: Content) -> Receipt:
        """Deliver a product; afterwards it is there for good, before nobody sees any of it.

        Raises
        ------
        DeliveryError
            If it could not be; `is_lasting` where trying again does not help.
        """

    def record(self, name: str, lines: Sequence[str]) -> None:  # noqa: B027 - some have no room for one
        """Append lines to the manifest of the place; where it has no room for one, nothing is done.

        Parameters
        ----------
        name : str
            Name of the manifest, such as ``manifest-20240603T0000.jsonl``.
        lines : sequence of str
            One JSON object each, with ``product`` and ``id``. A line whose id is that of the last line of its product
            is there already: recording again changes nothing.

        Raises
        ------
        DeliveryError
            As of `deliver`.
        """

    def close(self) -> None:  # noqa: B027 - some of them hold nothing
        """Let go of what is open."""


_DELIVERIES = Registry("delivery", ENTRY_POINTS, _OWN)


def delivery_types() -> dict[str, str]:
    """Names of all deliveries, ours and those of installed packages, and where each is."""
    return _DELIVERIES.places()


def delivery_class(name: str) -> type[Delivery]:
    """Find the class of a delivery.

    Raises
    ------
    DocumentError
        If there is none of this name.
    """
    found: type[Delivery] = _DELIVERIES.load(name)
    return found


def make_delivery(options: DeliveryOptions) -> Delivery:
    """Make a delivery of what a requirement says."""
    return delivery_class(options.type)(options)


AnyDelivery = Annotated[DeliveryOptions, ByType("delivery", delivery_types, lambda name: delivery_class(name).Options)]
"""A delivery in a document: what stands there is checked by the options of its type."""
