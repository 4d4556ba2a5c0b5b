"""`dtedask weights`: the cache of weights of interpolation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit_json, emit_mapping, emit_table, plural, say, size
from dtedask.cli.options import DryRun, Json, JsonLines
from dtedask.core.errors import NoMatchError

if TYPE_CHECKING:
    from dtedask.geo.weighting import Kept, WeightsHandle

Cache = Annotated[
    str | None,
    typer.Option("--cache", metavar="FOLDER", help="Folder of the cache; without it that of the settings."),
]
Source = Annotated[str, typer.Argument(help="Grid that fields are on, such as O320.", metavar="SOURCE")]
Target = Annotated[str, typer.Argument(help="Grid that they are wanted on, such as 0.25/0.25.", metavar="TARGET")]
MethodName = Annotated[str, typer.Option("--method", metavar="METHOD", help="How to interpolate.", show_default=True)]
Options = Annotated[
    list[str] | None,
    typer.Option("--option", metavar="NAME=VALUE", help="Option of the method; may be given several times."),
]
_KEY_SHOWN = 12


def add_to(group: typer.Typer) -> None:
    """Add the commands."""
    add(
        group,
        "make",
        make,
        "dtedask weights make O32 5/5",
        "dtedask weights make O32 H8 --method grid-box-average --option least_covered=0.5",
    )
    add(group, "list", list_weights, "dtedask weights list", "dtedask weights list --json")
    add(group, "show", show, "dtedask weights show O32 5/5")
    add(group, "purge", purge, "dtedask weights purge --all --dry-run")


def make(
    source: Source,
    target: Target,
    *,
    method: MethodName = "linear",
    option: Options = None,
    cache: Cache = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Make weights and keep them, so that nobody has to wait for them later; those that are there stay."""
    from dtedask.geo.weighting import WeightsCache

    handle = _handle(source, target, method, option, cache)
    store = WeightsCache(handle.folder)
    is_there = store.find(handle.key) is not None
    if not (dry_run or is_there):
        handle.ensure()
    if as_json:
        emit_json({"key": handle.key, "folder": handle.location, "made": not (dry_run or is_there)})
    done = "are there" if is_there else "would be made" if dry_run else "were made"
    say(f"The weights {handle.key[:_KEY_SHOWN]} ({handle.interpolation}) {done} in {handle.location}.")


def list_weights(cache: Cache = None, as_json: JsonLines = False) -> None:
    """List the weights in the cache: key, grids, method, size."""
    found = list(_cache(cache).list())
    if as_json:
        for kept in found:
            emit_json(kept.to_dict())
        return
    if not found:
        say(f"There are no weights in {_cache(cache).folder}.")
        return
    emit_table(["key", "source", "target", "method", "size"], _rows(found), right=["size"])


def show(
    source: Source,
    target: Target,
    *,
    method: MethodName = "linear",
    option: Options = None,
    cache: Cache = None,
    as_json: Json = False,
) -> None:
    """Show the weights between two grids: their key, whether they are in the cache, and all that they depend on."""
    from dtedask.geo.weighting import WeightsCache

    handle = _handle(source, target, method, option, cache)
    entry = WeightsCache(handle.folder).find(handle.key)
    said: dict[str, Any] = {"key": handle.key, "folder": handle.location, "kept": entry is not None}
    said |= {"shape": list(handle.shape), "identity": handle.interpolation.identity}
    said |= {} if entry is None else {"weights": int(entry.data.size), "bytes": entry.size_bytes}
    if as_json:
        emit_json(said)
        return
    said |= {"shape": f"{handle.shape[0]:,} x {handle.shape[1]:,}", "kept": "yes" if entry else "no"}
    said |= {} if entry is None else {"weights": f"{said['weights']:,}", "bytes": size(entry.size_bytes)}
    emit_mapping({"is": str(handle.interpolation)} | said | {"identity": json.dumps(said["identity"], indent=1)})


def purge(
    keys: Annotated[
        list[str] | None,
        typer.Argument(help="Keys, or the beginnings of them.", metavar="[KEY]...", show_default=False),
    ] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Remove all weights.")] = False,
    cache: Cache = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Remove weights from the cache; whoever needs them again makes them anew."""
    if bool(keys) == everything:
        raise typer.BadParameter("name keys, or say --all.", param_hint="KEY")
    store = _cache(cache)
    found = [kept for kept in store.list() if everything or kept.key.startswith(tuple(keys or ()))]
    if not found and not everything:
        raise NoMatchError(
            f"No weights in {store.folder} begin with {' or '.join(keys or ())}.", hint="See `dtedask weights list`."
        )
    removed = found if dry_run else [kept for kept in found if store.remove(kept.key)]
    count = sum(kept.size_bytes for kept in removed)
    if as_json:
        emit_json({"keys": [kept.key for kept in removed], "bytes": count, "done": not dry_run})
    verb = "Would remove" if dry_run else "Removed"
    say(f"{verb} {plural(len(removed), 'entry')}, {size(count)}, of {store.folder}.")


def _rows(found: list[Kept]) -> Iterator[list[str]]:
    for kept in found:
        said = kept.attributes
        if kept.is_damaged:
            yield [kept.key[:_KEY_SHOWN], "damaged", "", "", size(kept.size_bytes)]
        else:
            masked = " with masks" if said["identity"]["masks"] else ""
            labels = [said[name]["label"] for name in ("source", "target")]
            yield [kept.key[:_KEY_SHOWN], *labels, said["identity"]["method"] + masked, size(kept.size_bytes)]


def _cache(folder: str | None) -> Any:
    from dtedask.geo.weighting import WeightsCache, cache_folder

    return WeightsCache(cache_folder(folder))


def _handle(source: str, target: str, method: str, options: list[str] | None, cache: str | None) -> WeightsHandle:
    from dtedask.geo.weighting import named_weights

    return named_weights(source, target, method, cache=cache, **method_options(options))


def method_options(words: list[str] | None) -> dict[str, Any]:
    """Read options of a method: name=value, the value as YAML."""
    import yaml

    found: dict[str, Any] = {}
    for word in words or ():
        name, equals, value = word.partition("=")
        if not equals:
            raise typer.BadParameter(f"{word!r} is no name=value.", param_hint="'--option'")
        found[name.replace("-", "_")] = yaml.safe_load(value)
    return found
