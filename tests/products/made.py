"""Products, contents and formats for tests of what comes after making."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from dtedask.products import (
    Content,
    Cycle,
    DeliveryOptions,
    Format,
    FormatOptions,
    Part,
    PostProcessing,
    Product,
    Requirement,
)
from dtedask.products.deliveries.checksum import checksum_of_parts, checksum_of_path
from dtedask.products.deliveries.folder import FolderOptions
from dtedask.products.planning.make import Make
from dtedask.store.arrays import fields_of_array
from dtedask.testing import make_field

CYCLE = Cycle(datetime(2024, 6, 3, tzinfo=UTC))
NOW = datetime(2024, 6, 3, 6, tzinfo=UTC)


class Raw(Format):
    """Values of the parts, one after the other; counts how often it wrote."""

    suffix = ".raw"
    default_name = "{shortName}.raw"
    written = 0

    def write(self, product, parts, path, lineage):  # noqa: ARG002 - the bytes are of the parts only
        type(self).written += 1
        path.write_bytes(b"".join(np.ascontiguousarray(part.payload, "<f8").tobytes() for part in parts))


class Tree(Format):
    """A folder with a file for each part, as Zarr's."""

    suffix = ".tree"
    is_folder = True
    default_name = "{shortName}.tree"

    def write(self, product, parts, path, lineage):  # noqa: ARG002 - whoever it is for
        path.mkdir()
        (path / "zarr.json").write_text(json.dumps(dict(lineage)))
        for number, part in enumerate(parts):
            below = path / "c" / str(number)
            below.parent.mkdir(exist_ok=True)
            below.write_bytes(np.ascontiguousarray(part.payload, "<f8").tobytes())


class Fields(Format):
    """No file: the fields themselves."""

    suffix = ""
    default_name = "{shortName}"

    def write(self, product, parts, path, lineage):
        raise NotImplementedError


def part(value: float, **keys: str) -> Part:
    """A field of 12 x 18 points whose numbers follow from one."""
    array, all_keys = make_field(value, shape=(12, 18), **keys)
    (field,) = fields_of_array(array, all_keys)
    return Part(field.description, np.array(field.values, dtype="float64"), field.coordinates)


def product(
    name: str = "wind", *, delivery: tuple[DeliveryOptions, ...] = (), owner: str = "me", file: str = "", **keys: str
) -> Product:
    """A product of one field."""
    requirement = Requirement(
        name,
        owner,
        {},
        PostProcessing(),
        FormatOptions(type="raw"),
        delivery=delivery,
        deadline=timedelta(hours=7),
        digest=f"requirement-{name}",
    )
    fields = (dict(part(0, **keys).description.keys),)
    return Product(requirement, CYCLE, file or f"{name}.raw", fields, requirement.due(CYCLE))


def make(*products: Product, digest: str = "d1", written_as: type[Format] = Raw, **lineage: str) -> Make:
    """What is made once for some products."""
    return Make(digest, products, (), written_as(FormatOptions(type="raw")), lineage={"inputs": "a@1", **lineage})


def content(one: Product, path: Any = None, *, digest: str = "d1", parts: tuple[Part, ...] = ()) -> Content:
    """A content whose file is there."""
    checksum, size = checksum_of_parts(parts) if path is None else checksum_of_path(path)
    return Content(one, digest, path, checksum, size, parts, {"inputs": "a@1"})


def folder(path: Any) -> FolderOptions:
    """The delivery to a folder."""
    return FolderOptions(path=str(path))
