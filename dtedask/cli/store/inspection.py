"""`dtedask store stats|status|where|info|dump`: a root in numbers, in detail, and as it is right now."""

from __future__ import annotations

from typing import Annotated

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit, emit_json, emit_mapping, emit_table, say
from dtedask.cli.options import At, Json, JsonLines, Root, Words
from dtedask.cli.requests import parse_words
from dtedask.cli.store.roots import open_root, raise_no_match


def add_to(group: typer.Typer) -> None:
    """Add the commands."""
    add(
        group,
        "stats",
        stats,
        "dtedask store stats --root data",
        "dtedask store stats --root data class=ea,param=t --json",
    )
    add(group, "status", status, "dtedask store status --root data", "dtedask store status --root data class=ea --json")
    add(group, "where", where, "dtedask store where --root data class=ea,param=t")
    add(group, "info", info, "dtedask store info --root data", "dtedask store info --root data --json")
    add(group, "dump", dump, "dtedask store dump --root data ea/enda/0001")


def stats(words: Words = None, *, root: Root = None, at: At = None, as_json: JsonLines = False) -> None:
    """Count what each cube holds: groups, fields, commits, bytes, and replaced fields that the past still holds.

    With a request, only fields that it takes are counted; stored bytes, commits and replaced fields stay those of the
    whole cube.
    """
    store = open_root(root, at)
    found = store.stats(parse_words(words, store))
    if as_json:
        for cube in found.cubes:
            emit_json(cube.to_dict())
        return
    _emit_rows(found.rows(), right=("groups", "fields", "values", "stored", "commits", "replaced"))


def status(words: Words = None, *, root: Root = None, as_json: JsonLines = False) -> None:
    """Show where each cube stands: newest commit, who uses it right now, and what is locked.

    With a request, only cubes that may hold its fields, and locks that can be on them.
    """
    store = open_root(root, None)
    found = store.status(parse_words(words, store))
    if as_json:
        for cube in found.cubes:
            emit_json(cube.to_dict())
        return
    _emit_rows(found.rows(), right=("commit", "waiting"))


def where(words: Words = None, *, root: Root = None, at: At = None, as_json: JsonLines = False) -> None:
    """Print the paths of the cubes that hold fields of a request; of all cubes without one."""
    store = open_root(root, at)
    request = parse_words(words, store)
    found = store.where(request)
    if not found:
        raise_no_match(store, request)
    for path in found:
        if as_json:
            emit_json({"path": path})
        else:
            emit(path)


def info(*, root: Root = None, as_json: Json = False) -> None:
    """Show what there is to know of a root: format, schema, versions, settings, size and age."""
    found = open_root(root, None).info()
    if as_json:
        emit_json(found.to_dict())
    else:
        emit_mapping(found.rows())


def dump(
    cube: Annotated[str, typer.Argument(help="One cube, such as ea/enda/0001.")],
    *,
    root: Root = None,
    at: At = None,
    as_json: Json = False,
) -> None:
    """Show everything that a cube consists of: axes with their labels, arrays, codecs, manifests.

    With --json, one object with all labels, free slots and manifests.
    """
    found = open_root(root, at).dump(cube)
    if as_json:
        emit_json(found.to_dict())
        return
    place = f"{found.url} at {found.snapshot}"
    say(f"{place}, commit {found.sequence} of {found.time:%Y-%m-%d %H:%M:%S} UTC: {found.message}")
    _emit_rows(found.axis_rows(), right=("slots", "free"))
    emit()
    _emit_rows(found.rows(), right=("chunks", "manifests"))


def _emit_rows(rows: list[dict[str, str]], *, right: tuple[str, ...]) -> None:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    filled = [name for name in columns if any(row.get(name) for row in rows)]
    emit_table(filled, [[row.get(name, "") for name in filled] for row in rows], right=right)
