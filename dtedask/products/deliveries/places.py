"""Where the products of a requirement go, and what they are called there."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pydantic import ValidationError

from dtedask.core.errors import DeliveryError, DocumentError, ProductError
from dtedask.products.delivery import delivery_class
from dtedask.products.format import format_class
from dtedask.products.requirement import Requirement

if TYPE_CHECKING:
    from dtedask.products.delivery import DeliveryOptions
    from dtedask.products.format import FormatOptions
    from dtedask.products.product import Product

__all__ = ["check_places", "deliveries_of", "manifest_name", "output_of", "safe_name"]

_SCHEMES = {"s3://": "s3", "http://": "http", "https://": "http"}


def deliveries_of(product: Product | Requirement, output: DeliveryOptions | None = None) -> tuple[DeliveryOptions, ...]:
    """Where a product goes: each place that its requirement names once, else the output of the run.

    Raises
    ------
    ProductError
        If it names none, and the run has no output.
    """
    requirement = product if isinstance(product, Requirement) else product.requirement
    named = requirement.delivery or ((output,) if output is not None else ())
    if not named:
        raise ProductError(
            f"Nobody says where the products of the requirement {requirement.name!r} go ({requirement.place}).",
            hint="Give it a `delivery`, or the run an output (--output).",
        )
    return tuple({one.target: one for one in named}.values())


def check_places(written: FormatOptions, places: Iterable[DeliveryOptions]) -> None:
    """Check that what a format writes can go to each of some places.

    Raises
    ------
    ProductError
        If a place takes files and the format writes none, or it takes one file and the format writes folders.
    """
    try:
        made = format_class(written.type)
    except DocumentError:  # one whose class is known to its maker only
        return
    for place in places:
        if delivery_class(place.type).takes != "file":
            continue
        if not made.suffix:
            raise ProductError(
                f"The format {written.type!r} writes no file that could go to {place.target!r}.",
                hint="Deliver it by {type: cube, url: ...}, or give it another format.",
            )
        if made.is_folder and place.type == "http":
            raise ProductError(
                f"The format {written.type!r} writes folders, which cannot be sent to {place.target!r} whole.",
                hint="Give it a format of one file, such as netcdf, or deliver it to a folder or bucket.",
            )


def output_of(text: str) -> DeliveryOptions:
    """The delivery that a path or URL stands for: a folder, ``s3://bucket/prefix``, ``http://`` or ``https://``.

    Raises
    ------
    DocumentError
        If it is none of these.
    """
    kind = next((kind for start, kind in _SCHEMES.items() if text.startswith(start)), "folder")
    if kind == "folder" and "://" in text.removeprefix("file://"):
        raise DocumentError(
            f"Nobody knows how products are delivered to {text!r}.",
            hint="Name a folder, s3://bucket/prefix, http://... or https://...; requirements may name others.",
        )
    try:
        found: DeliveryOptions = delivery_class(kind).Options.model_validate(
            {"type": kind, "path" if kind == "folder" else "url": text}
        )
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise DocumentError(f"Products cannot be delivered to {text!r}: {reason}") from error
    return found


def safe_name(product: Product) -> str:
    """The name of a product below a place of delivery.

    Raises
    ------
    DeliveryError
        If it leads elsewhere.
    """
    name = product.file_name
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts or "\0" in name or name.endswith("/"):
        raise DeliveryError(
            f"The product {product.id} is called {name!r}, which is no name below a place of delivery.",
            hint="Names of files have no `..` and do not begin or end with `/`.",
            is_lasting=True,
        )
    return str(path)


def manifest_name(product: Product) -> str:
    """What the manifest is called that lists a product: one for each cycle, at every place of delivery."""
    return f"manifest-{product.cycle}.jsonl"
