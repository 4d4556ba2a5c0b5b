"""Where the products of a requirement go, and what they are called there."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from dtedask.core.errors import DeliveryError, ProductError
from dtedask.products.requirement import Requirement

if TYPE_CHECKING:
    from dtedask.products.delivery import DeliveryOptions
    from dtedask.products.product import Product

__all__ = ["deliveries_of", "manifest_name", "safe_name"]


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
