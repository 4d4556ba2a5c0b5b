"""Where requirements are read from: files, folders, globs, texts and mappings."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from dtedask.core.documents import KeyPath, Lines
from dtedask.core.errors import DocumentError
from dtedask.core.nearest import did_you_mean
from dtedask.products.requirements.mars_text import is_mars_text, read_mars_text
from dtedask.products.requirements.raw import InnerPlace, Item, LinesPlace, NamedPlace, Place, Source
from dtedask.products.requirements.yaml_text import TOP, read_yaml_text

__all__ = ["files_of", "read_sources"]

_YAML = (".yaml", ".yml", ".json")
_MARS = (".mars", ".req")
_LONGEST_PATH = 1000
_PLACE = "<requirements>"


def read_sources(sources: Iterable[object], lines: Lines | None = None, at: KeyPath = ()) -> Iterator[Source]:
    """Read all documents of some sources, in their order; those of a folder by name, each file once.

    Parameters
    ----------
    sources : iterable
        Paths, texts and mappings.
    lines : Lines, optional
        Where the keys of mappings stand, for those that are parts of a document.
    at : tuple of str and int
        Key path of the mappings there.

    Raises
    ------
    DocumentError
        If one cannot be read.
    """
    seen: set[Path] = set()
    for source in sources:
        if isinstance(source, Mapping):
            place = NamedPlace(_PLACE) if lines is None else LinesPlace(lines, at)
            yield _of_mapping(source, place, None if lines is None else _file_of(lines))
        elif isinstance(source, str) and _is_text(source):
            yield from _of_text(source, _PLACE)
        elif isinstance(source, str | os.PathLike):
            for file in files_of(Path(source).expanduser()):
                if file.resolve() not in seen:
                    seen.add(file.resolve())
                    yield from _of_text(_content(file), str(file), file)
        else:
            raise DocumentError(f"{source!r} is no source of requirements.", hint="Give a path, a text or a mapping.")


def _is_text(source: str) -> bool:
    if len(source) < _LONGEST_PATH and "\n" not in source and Path(source).expanduser().exists():
        return False
    return "\n" in source or ": " in source or "=" in source or source.lstrip().startswith(("{", "["))


def _of_mapping(source: Mapping[str, Any], place: Place, file: Path | None) -> Source:
    if not source.keys() & {"requirements", "defaults", "areas"}:
        return Source([Item(source, place)], place, file=file)
    for key in source:
        if key not in TOP:
            raise DocumentError(f"{place.at((key,))}: unknown key {key!r}.", hint=did_you_mean(str(key), TOP))
    listed = source.get("requirements") or []
    items = [Item(one, InnerPlace(place, ("requirements", number))) for number, one in enumerate(listed)]
    return Source(items, place, source.get("defaults") or {}, source.get("areas") or {}, file)


def _file_of(lines: Lines) -> Path | None:
    """The file of a document, to which paths in it are relative."""
    path = Path(lines.place).expanduser()
    return path if path.is_file() else None


def _of_text(text: str, place: str, file: Path | None = None) -> list[Source]:
    suffix = "" if file is None else file.suffix.lower()
    if suffix in _MARS or (suffix not in _YAML and is_mars_text(text)):
        return [read_mars_text(text, place, file)]
    return read_yaml_text(text, place, file)


def files_of(path: Path) -> list[Path]:
    """Files of requirements that a path names: a file, a folder, or a pattern.

    Raises
    ------
    DocumentError
        If there is none.
    """
    if path.is_dir():
        found = sorted(
            file for file in path.rglob("*") if file.suffix.lower() in (*_YAML, *_MARS) and _is_shown(file, path)
        )
        if not found:
            raise DocumentError(
                f"There are no requirements in the folder {str(path)!r}.",
                hint=f"Files end with {', '.join(_YAML + _MARS)}.",
            )
        return found
    if not path.exists() and glob.has_magic(str(path)):
        files = sorted(Path(name) for name in glob.glob(str(path), recursive=True))  # noqa: PTH207 - a path may be absolute
        if not files:
            raise DocumentError(f"No file of requirements is called {str(path)!r}.", hint="Look at the wildcards.")
        return [file for one in files for file in (files_of(one) if one.is_dir() else [one])]
    return [path]


def _is_shown(file: Path, folder: Path) -> bool:
    """Whether neither a file nor a folder above it is hidden, as the copies of editors are."""
    return not any(part.startswith(".") for part in file.relative_to(folder).parts)


def _content(file: Path) -> str:
    try:
        return file.read_text("utf-8-sig")
    except FileNotFoundError as error:
        there = [one.name for one in file.parent.iterdir()] if file.parent.is_dir() else []
        raise DocumentError(
            f"There is no file of requirements {str(file)!r}.", hint=did_you_mean(file.name, there)
        ) from error
    except UnicodeDecodeError as error:
        raise DocumentError(f"The file of requirements {str(file)!r} is no UTF-8 text: {error}.") from error
    except OSError as error:
        raise DocumentError(f"Cannot read the file of requirements {str(file)!r}: {error.strerror}.") from error
