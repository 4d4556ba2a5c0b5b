"""Kerchunk's references, as JSON and as parquet, read without kerchunk."""

from __future__ import annotations

import base64
import io
import itertools
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dtedask.core.errors import DocumentError, GribUnsupportedError, MissingExtraError
from dtedask.store.virtual.resolving import Chunk

_DOCUMENTS = (".zarray", ".zattrs", ".zgroup", ".zmetadata", "zarr.json")
_ENCODED = "base64:"
_TEMPLATE = "{{"


def is_references(path: str | os.PathLike[str]) -> bool:
    """Whether a file or folder holds references of kerchunk, by its contents."""
    place = Path(path)
    if place.is_dir():
        return (place / ".zmetadata").is_file() and next(place.rglob("refs.*.parq"), None) is not None
    try:
        with place.open("rb") as file:
            head = file.read(256).lstrip()
    except OSError:
        return False
    return head[:1] in (b"{", b"[")


def read_references(path: str | os.PathLike[str]) -> Iterator[Chunk]:
    """Chunks of references in a JSON file or a folder of parquet.

    Raises
    ------
    DocumentError
        If it is none of both.
    MissingExtraError
        If parquet cannot be read.
    """
    place = Path(path)
    if place.is_dir():
        return _of_parquet(place)
    try:
        document = json.loads(place.read_text("utf-8"))
    except ValueError as error:
        raise _no_references(str(path), str(error)) from error
    return chunks_of(document, str(path))


def chunks_of(document: Any, name: str) -> Iterator[Chunk]:
    """Chunks of references as `kerchunk` makes them: a document of version 0 or 1, or several.

    Parameters
    ----------
    document : mapping, or sequence of mapping
        The references.
    name : str
        What to call them.

    Raises
    ------
    DocumentError
        If it is something else.
    GribUnsupportedError
        If values of a field stand in it in place of its message.
    """
    if isinstance(document, Sequence) and not isinstance(document, str):
        return itertools.chain.from_iterable(chunks_of(one, name) for one in document)
    if not isinstance(document, Mapping) or not document:
        raise _no_references(name, "it is no object")
    version = document.get("version", 0)
    if version not in (0, 1):
        raise _no_references(name, f"it has version {version!r}")
    references = _expanded(document) if "refs" in document else dict(document)
    return _chunks(references, name)


def _chunks(references: Mapping[str, Any], name: str) -> Iterator[Chunk]:
    fields = _fields(references)
    for key, value in references.items():
        if key.rpartition("/")[2] in _DOCUMENTS:
            continue
        if isinstance(value, list | tuple):
            if len(value) not in (1, 3) or not isinstance(value[0], str):
                raise _no_references(name, f"{key!r} is {value!r}")
            yield Chunk(key, value[0], int(value[1]) if len(value) == 3 else 0)
        else:
            yield from _inline(key, _bytes(value), key.rpartition("/")[0] in fields)


def _inline(key: str, data: bytes, is_field: bool) -> Iterator[Chunk]:
    """A chunk whose bytes stand in the references: a message, or a coordinate, which the cube makes anew."""
    if data[:4] == b"GRIB":
        yield Chunk(key, "", 0, data)
    elif is_field:
        raise GribUnsupportedError(
            f"The values of {key!r} stand in the references themselves, and no message does.",
            hint="Let kerchunk scan the files again with inline_threshold=0.",
        )


def _fields(references: Mapping[str, Any]) -> set[str]:
    """Names of the arrays that are fields and no coordinates: those with keys of GRIB."""
    found = set()
    for key, value in references.items():
        name, _, last = key.rpartition("/")
        if last == ".zattrs" and name and b"GRIB_paramId" in _bytes(value):
            found.add(name)
    return found


def _bytes(value: Any) -> bytes:
    if isinstance(value, Mapping):
        return json.dumps(value).encode()
    if isinstance(value, bytes):
        return value
    text = str(value)
    return base64.b64decode(text[len(_ENCODED) :]) if text.startswith(_ENCODED) else text.encode()


def _expanded(document: Mapping[str, Any]) -> dict[str, Any]:
    """References with their templates put in, and those that are generated."""
    templates = {key: _template(value) for key, value in document.get("templates", {}).items()}
    found = {}
    for key, value in document["refs"].items():
        if isinstance(value, list) and value and isinstance(value[0], str) and _TEMPLATE in value[0]:
            value = [_rendered(value[0], templates), *value[1:]]  # noqa: PLW2901 - the same reference, said in full
        found[key] = value
    for generator in document.get("gen", ()):
        found |= _generated(generator, templates)
    return found


def _template(text: str) -> Any:
    return (lambda **given: _rendered(text, given)) if _TEMPLATE in text else text


def _rendered(text: str, given: Mapping[str, Any]) -> str:
    plain = text
    for key, value in given.items():
        if isinstance(value, str):
            plain = plain.replace(f"{{{{{key}}}}}", value)
    if _TEMPLATE not in plain:
        return plain
    from jinja2.sandbox import SandboxedEnvironment

    return SandboxedEnvironment().from_string(text).render(**given)


def _generated(generator: Mapping[str, Any], templates: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    dimensions = {name: _values(values) for name, values in generator["dimensions"].items()}
    for row in itertools.product(*dimensions.values()):
        given = {**templates, **dict(zip(dimensions, row, strict=True))}
        url = _rendered(generator["url"], given)
        place = [int(_rendered(str(generator[name]), given)) for name in ("offset", "length") if name in generator]
        yield _rendered(generator["key"], given), [url, *place]


def _values(said: Any) -> Sequence[Any]:
    """Values of a dimension: a list, or where it starts, stops and how it steps."""
    if isinstance(said, list):
        return said
    return range(int(said.get("start", 0)), int(said["stop"]), int(said.get("step", 1)))


def _of_parquet(folder: Path) -> Iterator[Chunk]:
    try:
        from fastparquet import ParquetFile
    except ImportError as error:
        raise MissingExtraError(
            f"References in parquet need fastparquet: {error}.", hint='Install it by: pip install "dtedask[kerchunk]"'
        ) from error
    metadata = json.loads((folder / ".zmetadata").read_text("utf-8")).get("metadata", {})
    fields = _fields(metadata)
    for file in sorted(folder.rglob("refs.*.parq")):
        name = file.parent.relative_to(folder).as_posix()
        table = ParquetFile(io.BytesIO(file.read_bytes())).to_pandas()  # of a path it stays open
        raw = table["raw"] if "raw" in table else [None] * len(table)
        for number, (path, offset, data) in enumerate(zip(table["path"], table["offset"], raw, strict=True)):
            if isinstance(path, str) and path:
                yield Chunk(f"{name}/{number}", path, int(offset))
            elif isinstance(data, bytes):
                yield from _inline(f"{name}/{number}", data, name in fields)


def _no_references(name: str, reason: str) -> DocumentError:
    return DocumentError(
        f"{name!r} holds no references of kerchunk: {reason}.",
        hint="It takes what scan_grib, MultiZarrToZarr and refs_to_dataframe of kerchunk make.",
    )
