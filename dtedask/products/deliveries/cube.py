"""The delivery `cube`: the fields of products go into the cubes of a root."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field as OptionField
from pydantic import ValidationInfo, field_validator

from dtedask.core.errors import (
    CommitTimeoutError,
    ConflictError,
    DeliveryError,
    DtedaskError,
    LockedError,
    OutcomeUnknownError,
    RootUnavailableError,
    StoreError,
)
from dtedask.grib import Field, FieldDescription, describe
from dtedask.products.deliveries.checksum import checksum_of_parts
from dtedask.products.delivery import Content, Delivery, DeliveryOptions, Receipt
from dtedask.store.failures import is_passing

if TYPE_CHECKING:
    from dtedask.core.commit import Commit
    from dtedask.products.product import Part
    from dtedask.store import Store

__all__ = ["CubeDelivery", "CubeOptions"]

_GRIB = b"GRIB"
_PASSING = (LockedError, ConflictError, CommitTimeoutError, OutcomeUnknownError, RootUnavailableError)


class CubeOptions(DeliveryOptions):
    """The fields of a product go into the cubes of a root, all at once: one commit in each cube."""

    type: Literal["cube"] = "cube"
    url: str
    """Folder or URL of the root; a folder is relative to the document."""
    schema_: str = OptionField("", alias="schema")
    """File of the schema of a root that does not exist yet; a root keeps its own."""
    layout: str = ""
    """How arrays of a root are laid out that does not exist yet: ``map`` or ``messages``."""
    branch: str = "main"
    """Write to this branch of the cubes, which exists."""

    @field_validator("url", "schema_")
    @classmethod
    def _is_absolute(cls, url: str, info: ValidationInfo) -> str:
        if "://" in url or not url:
            return url.rstrip("/")
        document = (info.context or {}).get("path")
        folder = document.parent if document else Path()
        return os.path.abspath(folder / Path(os.path.expandvars(url)).expanduser())

    @property
    def target(self) -> str:
        """See `DeliveryOptions`."""
        return f"{self.url}#{self.branch}" if self.branch != "main" else self.url


class CubeDelivery(Delivery):
    """Archives the fields of a product by `store`; the commit's `notes` say what it is and where it is from.

    Fields that stand there with the same values change nothing, so that a product that comes again makes no commit.
    """

    Options = CubeOptions
    takes: ClassVar[Literal["file", "fields"]] = "fields"

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self._guard = threading.Lock()
        self._store: Store | None = None

    def deliver(self, content: Content) -> Receipt:
        """See `Delivery`."""
        fields = [_described(content, part) for part in content.parts]
        with self._guard:
            try:
                commits = self._archive(content)
                place = self._place(fields, commits)
            except BaseException as error:
                self.close()  # what was archived is no part of the next commit
                if isinstance(error, DtedaskError):
                    raise _told(content, self.options.target, error) from error
                raise
        now = datetime.now(UTC)
        return Receipt(place, *checksum_of_parts(content.parts), now, is_new=bool(commits))

    def close(self) -> None:
        """See `Delivery`."""
        if self._store is not None:
            self._store.discard()
            self._store = None

    def _archive(self, content: Content) -> Sequence[Commit]:
        store = self._opened()
        for part in content.parts:
            if isinstance(part.payload, bytes):
                store.archive(part.payload)
            else:
                store.archive_fields([Field(part.description, np.asarray(part.payload), part.coordinates)])
        return store.flush(f"product {content.product.id}", notes=_notes(content))

    def _place(self, fields: Sequence[FieldDescription], commits: Sequence[Commit]) -> str:
        """Where the fields are: cubes and snapshots, or cubes alone where nothing had to be written."""
        written = {commit.url: f"{commit.url}@{commit.snapshot}" for commit in commits}
        cubes = dict.fromkeys(place.url for place in self._opened().placed(fields))
        return " ".join(written.get(url, url) for url in cubes) or self.options.target

    def _opened(self) -> Store:
        if self._store is None:
            import dtedask

            self._store = dtedask.open(self.options.url, schema=self._schema(), branch=self.options.branch)
        return self._store

    def _schema(self) -> Any:
        """Schema of a root that does not exist yet; of one that does, `open` leaves it as it is."""
        from dtedask.store.schema import default_schema, load_schema

        if not self.options.schema_ and not self.options.layout:
            return None
        schema = load_schema(self.options.schema_) if self.options.schema_ else default_schema()
        return schema.model_copy(update={"layout": self.options.layout}) if self.options.layout else schema


def _described(content: Content, part: Part) -> FieldDescription:
    """What stands in the cube: an encoded field says it itself."""
    payload = part.payload
    if isinstance(payload, bytes) and payload[:4] == _GRIB:
        return describe(payload)
    if isinstance(payload, bytes) or np.shape(payload) != part.description.grid.shape:
        kind = content.product.requirement.format.type
        raise DeliveryError(
            f"The product {content.product.id} has the format {kind!r}, whose parts are no fields that a cube takes.",
            hint="Give it the format cube, grib2, netcdf or zarr.",
            is_lasting=True,
        )
    return part.description


def _notes(content: Content) -> dict[str, str]:
    requirement = content.product.requirement
    return {
        "product": content.product.id,
        "owner": requirement.owner,
        "digest": content.digest,
        "checksum": content.checksum,
        "requirement": requirement.digest,
        "lineage": json.dumps(dict(content.lineage)),
    }


def _told(content: Content, target: str, error: DtedaskError) -> DeliveryError:
    if isinstance(error, DeliveryError):
        return error
    passes = isinstance(error, _PASSING) or is_passing(error)
    return DeliveryError(
        f"{content.product.id} cannot be delivered to the root {target!r}: {error.message}",
        hint=error.hint,
        is_lasting=not passes and type(error) is not StoreError,
    )
