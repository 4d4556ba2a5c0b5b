"""`dtedask plot`: a field on a map, as a picture."""

from __future__ import annotations

import io
import sys
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer

from dtedask.cli.commands import add
from dtedask.cli.console import emit_json, plural, say, size
from dtedask.cli.options import At, DryRun, Json, Root
from dtedask.cli.requests import parse_words
from dtedask.cli.store.roots import open_root, raise_no_match
from dtedask.cli.targets import replacing
from dtedask.core.errors import NoMatchError, RequestError
from dtedask.core.nearest import did_you_mean

if TYPE_CHECKING:
    import xarray as xr

    from dtedask.request import Request
    from dtedask.store import Store

_ENDINGS = (".png", ".svg", ".pdf")
_NAMED = 8


def add_to(group: typer.Typer) -> None:
    """Add the command."""
    add(
        group,
        "plot",
        plot,
        "dtedask plot --root data class=ea,param=t,date=20170101,time=0,number=0,levelist=500 --to t500.png",
        "dtedask plot --root data class=ea,date=20170101,number=0,levelist=500 --over levelist=850 --to both.png",
        "dtedask plot forecast.grib2 number=0,levelist=850 --to t850.svg --area 75/-30/30/50 --projection lambert",
    )


def plot(  # noqa: PLR0913 - each is an option of the command
    to: Annotated[
        str, typer.Option("--to", metavar="FILE", help="map.png, map.svg or map.pdf; or - for PNG on standard output.")
    ],
    words: Annotated[
        list[str] | None,
        typer.Argument(
            help="key=value,key=value as MARS writes it; @FILE, or - for standard input; GRIB files to take it from.",
            metavar="REQUEST",
            show_default=False,
        ),
    ] = None,
    *,
    root: Root = None,
    at: At = None,
    area: Annotated[str | None, typer.Option("--area", metavar="N/W/S/E", help="Part of the Earth, degrees.")] = None,
    projection: Annotated[
        Literal["plate-carree", "mercator", "lambert", "robinson", "orthographic", "north-polar", "south-polar"] | None,
        typer.Option("--projection", help="Map projection; plate-carree by default."),
    ] = None,
    center: Annotated[
        str | None, typer.Option("--center", metavar="LAT/LON", help="Middle of the projection, degrees.")
    ] = None,
    over: Annotated[
        str | None,
        typer.Option("--over", metavar="REQUEST", help="Isolines over it: keys that differ from those of the field."),
    ] = None,
    style: Annotated[
        str | None, typer.Option("--style", metavar="NAME", help="Name of a style, or a document of styles (YAML).")
    ] = None,
    title: Annotated[str | None, typer.Option("--title", metavar="TEXT", help="In place of the field's own.")] = None,
    width: Annotated[int, typer.Option("--width", min=200, max=8000, help="Width of a PNG in pixels.")] = 1200,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Draw a field on a map: one field of a root or of GRIB files, or the two components of a wind.

    Units, colours and title follow from the field. A file that exists is replaced, once the new one is complete. With
    --json, one object that sums it up.
    """
    _check_target(to, as_json)
    middle = _center(center)
    store, requests = _source(words or [], over, root, at)
    found = [one for request in requests for one in _fields(store, request)]
    if dry_run:
        say(f"{_text(found)} would be drawn to {to}.")
        if as_json:
            emit_json({"file": to, "fields": len(found), "bytes": 0, "done": False})
        return
    data = [store.retrieve(request) for request in requests]
    options: dict[str, Any] = {"area": area, "projection": projection, "center": middle, "style": style, "title": title}
    written = _draw(data[0], to, {**options, "over": data[1] if over is not None else None, "width": width})
    say(f"{_text(found)} drawn: {size(written)}, written to {to}.")
    if as_json:
        emit_json({"file": to, "fields": len(found), "bytes": written, "done": True})


@dataclass(frozen=True, slots=True)
class _Found:
    """A field that would be drawn."""

    keys: Mapping[str, str]
    short_name: str


def _check_target(to: str, as_json: bool) -> None:
    if to == "-":
        if as_json:
            raise typer.BadParameter("standard output takes either the picture or the JSON.", param_hint="'--json'")
        return
    path = Path(to).expanduser()
    if path.suffix.lower() not in _ENDINGS:
        hint = did_you_mean(path.suffix, _ENDINGS) if path.suffix else f"Use one of {', '.join(_ENDINGS)}."
        raise typer.BadParameter(f"the ending of {to!r} names no format of pictures. {hint}", param_hint="'--to'")
    if not path.absolute().parent.is_dir():
        raise typer.BadParameter(f"there is no folder {str(path.parent)!r} to write into.", param_hint="'--to'")


def _center(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    try:
        latitude, longitude = (float(one) for one in text.split("/"))
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no place; write LAT/LON, as 50/10.", param_hint="'--center'") from error
    return latitude, longitude


def _source(words: Sequence[str], over: str | None, root: str | None, at: str | None) -> tuple[Store, list[Request]]:
    """What the fields are taken from, and the requests of each."""
    files = [word for word in words if "=" not in word and word != "-" and not word.startswith("@")]
    asked = [word for word in words if word not in files]
    if not files:
        store = open_root(root, at)
        return store, _requests(asked, over, store)
    if root is not None or at is not None:
        raise typer.BadParameter("a field comes from GRIB files or from a root.", param_hint="'--root'")
    requests = _requests(asked, over, None)
    return _of_files(files, requests), requests


def _requests(words: Sequence[str], over: str | None, store: Store | None) -> list[Request]:
    """The request of the field, and of what is drawn over it."""
    from dtedask.request import Request

    request = parse_words(words, store)
    if over is None:
        return [request]
    merged = {**request, **parse_words([over], store)}
    language = None if store is None else store.schema().language
    return [request, Request({key: list(values) for key, values in merged.items()}, language=language)]


def _of_files(files: Sequence[str], requests: Sequence[Request]) -> Store:
    """A root in memory with the fields of files that requests take; more than are drawn are refused before."""
    from dtedask.grib import scan
    from dtedask.store import open as open_store

    messages = [message for path in files for message in scan(path)]
    store = open_store(f"memory://plot-{uuid.uuid4()}")
    for request in requests:
        matching = [message for message in messages if request.matches(message.field.keys)]
        if not matching:
            _raise_none(files, request, [message.field.keys for message in messages])
        _check_one(len(matching), (_Found(one.field.keys, one.field.short_name) for one in matching))
        store.archive(matching)
    store.flush()
    return store


def _raise_none(files: Sequence[str], request: Request, known: list[Mapping[str, str]]) -> NoReturn:
    """Say which key no field of files has as it is asked for, and what there is."""
    failing = dict.fromkeys(key for keys in known if (key := request.failing_key(keys)) is not None)
    there = {key: list(dict.fromkeys(keys[key] for keys in known if key in keys)) for key in failing}
    shown = "; ".join(f"{key}={_shortened(values)}" if values else f"no {key}" for key, values in there.items())
    raise NoMatchError(f"No field of {', '.join(files)} matches {request}.", hint=f"There is {shown}.")


def _fields(store: Store, request: Request) -> list[_Found]:
    found = [_Found(record.keys, str(record.to_dict().get("shortName", ""))) for record in store.list(request)]
    if not found:
        raise_no_match(store, request)
    _check_one(len(found), found)
    return found


def _check_one(count: int, found: Iterable[_Found]) -> None:
    """Refuse several fields, naming the keys on which they differ; a wind is two that are one."""
    if count < 2:
        return
    values: dict[str, dict[str, None]] = {}
    names: dict[str, None] = {}
    for one in found:
        names[one.short_name] = None
        for key, value in _member(one.keys).items():
            values.setdefault(key, {})[value] = None
    differing = {key: list(known) for key, known in values.items() if len(known) > 1}
    if count == 2 and list(differing) == ["param"] and _is_wind(names):
        return
    shown = ", ".join(f"{key} ({_shortened(known)})" for key, known in differing.items())
    raise RequestError(
        f"{count:,} fields match, and a map shows one; they differ in {shown or 'their grids'}.",
        hint=f"Name one value of each: {','.join(f'{key}={known[0]}' for key, known in differing.items())}; "
        "or both components of a wind: param=10u/10v.",
    )


def _member(keys: Mapping[str, str]) -> Mapping[str, str]:
    """Keys in which a control forecast is member 0 of its ensemble."""
    return {**keys, "type": "pf", "number": "0"} if keys.get("type") == "cf" else keys


def _is_wind(names: Iterable[str]) -> bool:
    from dtedask.plot import is_wind

    return is_wind(names)


def _shortened(values: list[str]) -> str:
    return "/".join(values if len(values) <= _NAMED else [*values[: _NAMED - 2], "...", values[-1]])


def _text(found: list[_Found]) -> str:
    return f"{plural(len(found), 'field')} ({'/'.join(one.short_name or one.keys.get('param', '?') for one in found)})"


def _draw(data: xr.Dataset, to: str, options: dict[str, Any]) -> int:
    """Draw into a file; return its size, bytes."""
    from dtedask.plot import save

    if to == "-":
        picture = io.BytesIO()
        save(data, picture, **options)
        return sys.stdout.buffer.write(picture.getvalue())
    path = Path(to).expanduser()
    with replacing(path) as temporary:
        # The temporary name ends otherwise than the picture's.
        shown = temporary.with_suffix(path.suffix)
        try:
            save(data, shown, **options)
            shown.replace(temporary)
        finally:
            shown.unlink(missing_ok=True)
    return path.stat().st_size
