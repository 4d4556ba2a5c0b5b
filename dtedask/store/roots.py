"""The document of a root: its format and its schema, written once with the first field."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import yaml

from dtedask.core.documents import load_document
from dtedask.core.errors import FormatVersionError
from dtedask.store.location import Location, RootFiles
from dtedask.store.schema import Schema, default_schema

if TYPE_CHECKING:
    from pathlib import Path

FILE = ".dtedask/root.yaml"
ROOT_FORMAT = 1


class RootDocument:
    """Format and schema of a root.

    Parameters
    ----------
    location : Location
        The root.
    """

    def __init__(self, location: Location) -> None:
        self._location = location
        self._files = RootFiles(location)

    def schema(self, wanted: Schema | str | os.PathLike[str] | None = None) -> Schema:
        """Schema of the root; of a root that does not exist yet the wanted or the default one.

        Raises
        ------
        FormatVersionError
            If a newer dtedask made the root.
        DocumentError
            If the schema cannot be read.
        """
        data = self._files.read(FILE)
        if data is None:
            return _load(wanted)
        document = yaml.safe_load(data)
        if document["format"] > ROOT_FORMAT:
            raise FormatVersionError(
                f"The root {self._location.url!r} has format {document['format']}; this dtedask knows {ROOT_FORMAT}.",
                hint="Upgrade dtedask.",
            )
        return Schema.model_validate(document["schema"])

    def create(self, wanted: Schema | str | os.PathLike[str] | None = None) -> Schema:
        """Write the document of a root that has none yet, and return the root's schema.

        Raises
        ------
        ReadOnlyError
            If the root cannot be written.
        """
        schema = _load(wanted)
        document = {"format": ROOT_FORMAT, "schema": schema.model_dump(mode="json")}
        self._files.write(FILE, yaml.safe_dump(document, sort_keys=False).encode(), only_new=True)
        return self.schema(wanted)


def _load(wanted: Schema | str | Path | os.PathLike[str] | None) -> Schema:
    if wanted is None:
        return default_schema()
    if isinstance(wanted, Schema):
        return wanted
    return load_document(os.fspath(wanted), Schema, kind="schema")
