"""`dtedask catalog`: what cubes there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit, emit_json, emit_mapping, emit_table, plural, say
from dtedask.cli.options import DryRun, Json, JsonLines, Root, root_or_setting
from dtedask.core.errors import NoMatchError, StoreError

if TYPE_CHECKING:
    from dtedask.catalog import Entry

File = Annotated[
    str | None,
    typer.Option("--catalog", metavar="FILE", help="Catalog file; without it that of the root."),
]


def add_to(group: typer.Typer) -> None:
    """Add the commands."""
    add(
        group,
        "list",
        list_entries,
        "dtedask catalog list --root data",
        "dtedask catalog list --catalog catalogs/demo.yaml",
    )
    add(group, "show", show, "dtedask catalog show --root data ea/enda/0001")
    add(
        group,
        "search",
        search,
        "dtedask catalog search --root data class=ea,param=t",
        "dtedask catalog search --root data pressure levels",
    )
    add(group, "rebuild", rebuild, "dtedask catalog rebuild --root data")


def list_entries(file: File = None, root: Root = None, as_json: JsonLines = False) -> None:
    """List the entries of a catalog: one for each group of each cube."""
    from dtedask.catalog import entries

    _show_entries(entries(_path(file, root)), as_json=as_json)


def show(
    name: Annotated[str, typer.Argument(help="Its name, or the beginning of it.", metavar="ENTRY")],
    file: File = None,
    root: Root = None,
    as_json: Json = False,
) -> None:
    """Show one entry: its axes, sizes and variables, and how to open it."""
    from dtedask.catalog import find_entry

    path = _path(file, root)
    entry = find_entry(path, name)
    if as_json:
        emit_json(entry.to_dict())
        return
    emit_mapping({"name": entry.name, "cube": entry.cube_url, "about": entry.description} | _texts(entry.metadata))
    emit(f"open  xarray.open_dataset({str(path)!r}, engine='dtedask', entry={entry.name!r})")


def search(
    words: Annotated[list[str], typer.Argument(help="A request, or words.", metavar="REQUEST|WORD")],
    file: File = None,
    root: Root = None,
    as_json: JsonLines = False,
) -> None:
    """Find entries that may hold fields of a request, or in which all words occur."""
    from dtedask.catalog import search as search_catalog
    from dtedask.cli.requests import parse_words

    path = _path(file, root)
    is_request = any("=" in word or word.startswith("@") or word == "-" for word in words)
    found = search_catalog(path, parse_words(words) if is_request else " ".join(words))
    if not found:
        raise NoMatchError(
            f"No entry of the catalog {str(path)!r} matches {' '.join(words)}.", hint="See `dtedask catalog list`."
        )
    _show_entries(found, as_json=as_json)


def rebuild(file: File = None, root: Root = None, dry_run: DryRun = False) -> None:
    """Write the entries of a root into its catalog anew; entries of cubes that are gone vanish."""
    from dtedask.catalog import rebuild as rebuild_catalog
    from dtedask.store import open as open_store

    store = open_store(root_or_setting(root))
    groups = sum(len(store.groups(cube)) for cube in store.cubes())
    if dry_run:
        say(f"{_path(file, root)} would be written with {plural(groups, 'entry')} of {store.root}.")
        return
    written = rebuild_catalog(store, file)
    say(f"{written}: {plural(groups, 'entry')} of {store.root}.")


def _path(file: str | None, root: str | None) -> Path:
    if file is not None:
        return Path(file)
    from dtedask.catalog import catalog_path
    from dtedask.store import open as open_store

    url = open_store(root_or_setting(root)).root
    path = catalog_path(url)
    if path is None:
        raise StoreError(f"The root {url!r} has no catalog file of its own.", hint="Name one with --catalog FILE.")
    return path


def _show_entries(found: Iterable[Entry], *, as_json: bool) -> None:
    if as_json:
        for entry in found:
            emit_json(entry.to_dict())
    else:
        emit_table(("entry", "description"), ((entry.name, entry.description) for entry in found))


def _texts(metadata: Mapping[str, Any]) -> dict[str, str]:
    return {str(key): _text(value) for key, value in metadata.items() if key not in ("cube", "group")}


def _text(value: Any) -> str:
    if not isinstance(value, Mapping):
        return str(value)
    if any(isinstance(item, Mapping) for item in value.values()):
        return "\n".join(f"{key}: {', '.join(map(str, item.values()))}" for key, item in value.items())
    return ", ".join(f"{key}={item}" for key, item in value.items())
