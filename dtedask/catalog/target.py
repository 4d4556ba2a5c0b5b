"""What a path given to the engine is: a cube, a root or a catalog file; and which group of it is meant."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dtedask.core.errors import NotFoundError, RequestError, SeveralGroupsError
from dtedask.core.nearest import did_you_mean

if TYPE_CHECKING:
    from dtedask.store.location import Location

Kind = Literal["catalog", "cube", "root", "roots"]
Time = Literal["reference", "valid"]
Moment = str | datetime | None

_LEVELS_OF_CUBE = 3
_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Target:
    """One group to open.

    Parameters
    ----------
    cube : str
        Path or URL of the cube.
    group : str, optional
        Its group, or the beginning of it; None for the only one.
    at : str or datetime, optional
        When to read it as it was.
    time : {"reference", "valid"}
        Which time axis it gets.
    roots : str, optional
        Roots document that the cube, which is a name then, is in.
    """

    cube: str
    group: str | None
    at: Moment = None
    time: Time = "reference"
    roots: str | None = None


def kind_of(path: str | os.PathLike[str]) -> Kind | None:
    """Tell what a path or URL is, without opening a cube on local disk; None for none of ours."""
    text = os.fspath(path)
    if "://" in text and not text.startswith("file://"):
        return _kind_of_remote(text)
    folder = Path(text.removeprefix("file://")).expanduser().absolute()
    if folder.suffix in (".yaml", ".yml") and not folder.is_dir():
        return "roots" if _has_spaces(folder) else "catalog"
    if (folder / "refs").is_dir() and _root_of(folder) is not None:
        return "cube"
    return "root" if (folder / ".dtedask").is_dir() else None


def is_ours(path: object) -> bool:
    """Whether the engine can open something without being named; not every YAML file is a catalog of cubes."""
    if not isinstance(path, str | os.PathLike):
        return False
    text = os.fspath(path)
    if not isinstance(text, str) or ("://" in text and not text.startswith(("file://", "memory://"))):
        return False
    kind = kind_of(text)
    return _names_our_driver(Path(text.removeprefix("file://"))) if kind == "catalog" else kind is not None


def find_target(
    path: str | os.PathLike[str], *, group: str | None, entry: str | None, at: Moment, time: Time | None
) -> Target:
    """Find the group that a user means.

    Raises
    ------
    NotFoundError
        If the path is no cube, root or catalog, or has no such group or entry.
    SeveralGroupsError
        If several groups or entries are possible; it names them.
    RequestError
        If `entry` is given for something that is no catalog, or `group` for a catalog.
    """
    kind = kind_of(path)
    text = os.fspath(path)
    if kind is None:
        raise _nothing_at(text)
    if kind == "catalog":
        return _of_catalog(text, group, entry, at, time)
    if entry is not None:
        raise RequestError(
            f"The entry {entry!r} cannot be looked up in {text!r}, which is a {kind} and no catalog file.",
            hint="Give group= instead.",
        )
    if kind == "cube":
        return Target(text, group, at, time or "reference")
    cube, below = _in_root(text, group)
    if kind == "roots":
        return Target(cube, below, at, time or "reference", text)
    return Target(f"{text.rstrip('/')}/{cube}", below, at, time or "reference")


def find_targets(
    path: str | os.PathLike[str], *, group: str | None, at: Moment, time: Time | None
) -> dict[str, Target]:
    """Find all groups below a path, by the names that a tree gives them.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    kind = kind_of(path)
    text = os.fspath(path)
    if kind is None:
        raise _nothing_at(text)
    found = _all_targets(kind, text, at, time)
    wanted = (group or "").strip("/")
    below = {name: target for name, target in found.items() if not wanted or f"{name}/".startswith(f"{wanted}/")}
    if not below:
        what = f"no group below {wanted!r}" if wanted else "no groups"
        raise NotFoundError(f"There are {what} in {text!r}.", hint=_listed("It has", list(found)))
    return below


def _all_targets(kind: Kind, text: str, at: Moment, time: Time | None) -> dict[str, Target]:
    from dtedask.store.cube import open_snapshot

    if kind == "catalog":
        from dtedask.catalog.find import entries

        return {e.name: Target(e.cube_url, e.group, at or e.at, time or e.time) for e in entries(text)}
    if kind == "cube":
        return {name: Target(text, name, at, time or "reference") for name in open_snapshot(text, at)[0].group_names}
    if kind == "roots":
        return _in_several(text, at, time)
    found = {}
    for cube in _cubes_of(text):
        url = f"{text.rstrip('/')}/{cube}"
        for name in open_snapshot(url, at)[0].group_names:
            found[f"{cube}/{name}"] = Target(url, name, at, time or "reference")
    return found


def _in_several(document: str, at: Moment, time: Time | None) -> dict[str, Target]:
    from dtedask.store import open as open_store

    store = open_store(document, at=at)
    pairs = [(cube, name) for cube in store.cubes() for name in store.groups(cube)]
    return {f"{cube}/{name}": Target(cube, name, at, time or "reference", document) for cube, name in pairs}


def _of_catalog(text: str, group: str | None, entry: str | None, at: Moment, time: Time | None) -> Target:
    from dtedask.catalog.find import entries, find_entry

    if group is not None:
        raise RequestError(
            f"The group {group!r} cannot be looked up in {text!r}, which is a catalog file.",
            hint="Give entry= instead.",
        )
    if entry is None:
        found = entries(text)
        if len(found) != 1:
            raise SeveralGroupsError(
                f"The catalog {text!r} has {len(found)} entries.", hint=_listed("Name one of", [e.name for e in found])
            )
        chosen = found[0]
    else:
        chosen = find_entry(text, entry)
    return Target(chosen.cube_url, chosen.group, at or chosen.at, time or chosen.time)


def _in_root(root: str, group: str | None) -> tuple[str, str | None]:
    """Split a name like ``ea/enda/0001/an/pl`` into cube and group."""
    cubes = _cubes_of(root)
    parts = (group or "").strip("/").split("/") if group else []
    cube = "/".join(parts[:_LEVELS_OF_CUBE])
    if cube in cubes:
        return cube, "/".join(parts[_LEVELS_OF_CUBE:]) or None
    found = [name for name in cubes if not cube or name.startswith(f"{cube}/")]
    if len(found) == 1:
        return found[0], None
    if not found:
        hint = did_you_mean(cube, cubes) if cubes else "It is empty."
        raise NotFoundError(f"The root {root!r} has no cube {cube!r}.", hint=hint)
    raise SeveralGroupsError(
        f"The root {root!r} holds {len(found)} cubes{f' below {cube!r}' if cube else ''}: {', '.join(found)}.",
        hint=f"Name one at the beginning of the group, such as group='{found[0]}/an/pl', or open_datatree.",
    )


def _cubes_of(root: str) -> list[str]:
    from dtedask.store import open as open_store

    return open_store(root).cubes()


def _kind_of_remote(url: str) -> Kind | None:
    if url.endswith((".yaml", ".yml")):
        return "catalog"
    from dtedask.store.location import Location
    from dtedask.store.root_files import RootFiles

    location = Location.parse(url)
    depth = len([part for part in location.url.split("://", 1)[1].split("/") if part])
    if depth > _LEVELS_OF_CUBE and _is_remote_cube(location):
        return "cube"
    return "root" if RootFiles(location).read(".dtedask/root.yaml") is not None else None


def _is_remote_cube(location: Location) -> bool:
    from dtedask.store.cube import open_snapshot

    try:
        open_snapshot(location.url, None)
    except NotFoundError:
        return False
    return True


def _root_of(cube: Path) -> Path | None:
    parents = cube.parents
    root = parents[_LEVELS_OF_CUBE - 1] if len(parents) >= _LEVELS_OF_CUBE else None
    return root if root is not None and (root / ".dtedask").is_dir() else None


def _names_our_driver(file: Path) -> bool:
    return _finds(r"""^\s*driver:\s*['"]?dtedask\b""", file)


def _has_spaces(file: Path) -> bool:
    """Whether a YAML file is a roots document."""
    return _finds(r"^spaces\s*:", file)


def _finds(pattern: str, file: Path) -> bool:
    try:
        text = file.expanduser().read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    return re.search(pattern, text, re.MULTILINE) is not None


def _nothing_at(text: str) -> NotFoundError:
    message = f"There is no cube, root or catalog file at {text!r}."
    folder = Path(text.removeprefix("file://")).expanduser().absolute()
    root = next((parent for parent in folder.parents if (parent / ".dtedask").is_dir()), None)
    if "://" in text or root is None:
        return NotFoundError(message, hint="Give the folder of a cube or root, or a .yaml file.")
    return NotFoundError(message, hint=_listed(f"The root {str(root)!r} has the cubes", _cubes_of(str(root))))


def _listed(words: str, names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{words} {', '.join(names[:_SHOWN])}{more}." if names else ""
