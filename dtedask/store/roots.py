"""The document of a root: its format and its schema, written with the first field, and changed by an update alone."""

from __future__ import annotations

import os
from functools import lru_cache

import yaml

from dtedask.core.errors import DamagedError, DtedaskError, FormatVersionError, NotFoundError, SchemaError
from dtedask.store.failures import first_line
from dtedask.store.location import Location
from dtedask.store.root_files import RootFiles
from dtedask.store.schema import Schema, default_schema, differences, load_schema
from dtedask.store.shared_file import change_file

FILE = ".dtedask/root.yaml"
ROOT_FORMAT = 1
_OLD = ".dtedask/schemas/{:04d}.yaml"
Wanted = Schema | str | os.PathLike[str] | None


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

    def schema(self, wanted: Wanted = None) -> Schema:
        """Schema of the root; of a root that does not exist yet the wanted or the default one.

        Raises
        ------
        FormatVersionError
            If a newer dtedask made the root.
        DocumentError
            If the schema cannot be read.
        """
        data = self._files.read(FILE)
        return _load(wanted) if data is None else _parsed(data, self._location.url)[1]

    def version(self) -> int:
        """Number of the schema, from 1; 0 where there is no root."""
        data = self._files.read(FILE)
        return 0 if data is None else _parsed(data, self._location.url)[0]

    def format(self) -> int:
        """Version of the layout of the root.

        Raises
        ------
        NotFoundError
            If there is no root.
        """
        data = self._files.read(FILE)
        if data is None:
            raise NotFoundError(f"There is no root at {self._location.url!r}.", hint="Check the path.")
        return int(yaml.safe_load(data)["format"])

    def schema_of_version(self, version: int) -> Schema:
        """The schema as it was.

        Raises
        ------
        NotFoundError
            If the root has no such version.
        """
        now = self.version()
        if version == now:
            return self.schema()
        data = self._files.read(_OLD.format(version))
        if data is None:
            raise NotFoundError(
                f"The root {self._location.url!r} has no version {version} of its schema.",
                hint=f"It has 1 to {now}." if now else "There is no root.",
            )
        return _parsed(data, self._location.url)[1]

    def create(self, wanted: Wanted = None) -> Schema:
        """Write the document of a root that has none yet, and return the root's schema.

        Raises
        ------
        ReadOnlyError
            If the root cannot be written.
        SchemaError
            If the root has another schema than the wanted one, and never had that.
        """
        if self._files.read(FILE) is None:
            self._files.write(FILE, _document(1, _load(wanted)), only_new=True)
        kept = self.schema()
        if wanted is not None and not self._had(schema := _load(wanted)):
            raise SchemaError(
                f"The root {self._location.url!r} has another schema: {'; '.join(differences(kept, schema))}.",
                hint="Open it without a schema, or change its own: `dtedask store schema update`.",
            )
        return kept

    def _had(self, schema: Schema) -> bool:
        """Whether a schema is that of the root, or was: who still has the file of old goes on under the new one."""
        return any(self.schema_of_version(number) == schema for number in range(self.version(), 0, -1))

    def update(self, before: Schema, after: Schema) -> int:
        """Replace the schema, and keep the one before.

        Parameters
        ----------
        before : Schema
            What the root must still have.
        after : Schema
            What it shall have.

        Returns
        -------
        int
            Number of the new version.

        Raises
        ------
        NotFoundError
            If there is no root.
        SchemaError
            If somebody else changed the schema meanwhile.
        """
        versions: list[int] = []

        def edit(data: bytes | None) -> bytes:
            if data is None:
                raise NotFoundError(f"There is no root at {self._location.url!r}.", hint="Archive something first.")
            version, kept = _parsed(data, self._location.url)
            if kept != before:
                raise SchemaError(f"The schema of {self._location.url!r} was changed meanwhile.", hint="Try again.")
            self._files.write(_OLD.format(version), data)
            versions.append(version + 1)
            return _document(version + 1, after)

        change_file(self._location, FILE, edit)
        return versions[-1]


def schema_in(data: bytes, url: str) -> Schema:
    """The schema in the document of a root.

    Raises
    ------
    FormatVersionError
        If a newer dtedask made the root.
    DamagedError
        If the document cannot be read.
    """
    return _parsed(data, url)[1]


def _document(version: int, schema: Schema) -> bytes:
    document = {"format": ROOT_FORMAT, "schema_version": version, "schema": schema.model_dump(mode="json")}
    return yaml.safe_dump(document, sort_keys=False).encode()


@lru_cache(maxsize=32)
def _parsed(data: bytes, url: str) -> tuple[int, Schema]:
    try:
        document = yaml.safe_load(data)
        if document["format"] > ROOT_FORMAT:
            raise FormatVersionError(
                f"The root {url!r} has format {document['format']}; this dtedask knows {ROOT_FORMAT}.",
                hint="Upgrade dtedask.",
            )
        return document.get("schema_version", 1), Schema.model_validate(document["schema"])
    except DtedaskError:
        raise
    except (yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise DamagedError(
            f"The document {url}/{FILE} of the root cannot be read: {first_line(error)}.",
            hint="Restore it from a backup, or from another root with the same schema.",
        ) from error


def _load(wanted: Wanted) -> Schema:
    return default_schema() if wanted is None else load_schema(wanted)
