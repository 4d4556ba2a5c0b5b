"""Which source an input is."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dtedask.core.errors import PlanError
from dtedask.pipeline.sources.arrays import messages_of
from dtedask.pipeline.sources.cubes import CubeSource
from dtedask.pipeline.sources.files import FileSource
from dtedask.pipeline.sources.joined import JoinedSource
from dtedask.pipeline.sources.source import AtRest, DType, Source
from dtedask.store.location import is_roots_document

if TYPE_CHECKING:
    from dtedask.pipeline.message import Message
    from dtedask.store.root_handle import RequestLike

__all__ = ["Input", "open_source", "parse_input", "source_of"]

_REQUEST = re.compile(r"^(?P<place>.*?)\[(?P<request>[^\]]*=[^\]]*)\]$", re.DOTALL)
_CUBE_DEPTH = 3


@dataclass(frozen=True, slots=True)
class Input:
    """One input, as a command line names it.

    Parameters
    ----------
    place : str
        File, pattern, folder, root, cube or roots document.
    request : str
        Which fields of a root; empty for all.
    root : str
        The root that it is or is in; empty for files.
    """

    place: str
    request: str = ""
    root: str = ""

    @property
    def is_root(self) -> bool:
        """Whether it is a root or a cube."""
        return bool(self.root)


def open_source(
    inputs: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    request: RequestLike = None,
    dtype: DType = "float32",
) -> AtRest:
    """Open what fields come from.

    Parameters
    ----------
    inputs : str, path or iterable of them
        GRIB files, patterns, folders with GRIB, roots, cubes (``data/od/oper/0001``) and roots documents. A root can
        have a request behind it: ``data[class=od,param=2t]``.
    request : Request, str or mapping, optional
        Which fields of roots that have no request of their own.
    dtype : {"float32", "float64"}
        What values of GRIB files are rounded to before they are given as float64. With float32 a plan gives to the last
        bit what it gives on a cube of the same files.

    Returns
    -------
    AtRest
        Fields in the order of their valid times, whichever input they are from.

    Raises
    ------
    NotFoundError
        If an input does not exist.
    NoMatchError
        If a request matches nothing.
    """
    names = [inputs] if isinstance(inputs, str | os.PathLike) else list(inputs)
    found = [parse_input(os.fspath(name)) for name in names]
    if not found:
        raise PlanError("There is no input.", hint="Name files, folders or a root.")
    files = [one.place for one in found if not one.is_root]
    parts: list[AtRest] = [FileSource(files, dtype=dtype)] if files else []
    parts += [_cube(one, request) for one in found if one.is_root]
    return parts[0] if len(parts) == 1 else JoinedSource(parts)


def source_of(fields: Any) -> Source | Iterator[Message]:
    """Whatever stands for fields as a source, or as messages where a program hands them over."""
    if _are_names(fields):
        return open_source(fields)
    if isinstance(fields, Source):
        return fields
    is_one = isinstance(fields, bytes) or (hasattr(fields, "dims") and hasattr(fields, "coords"))
    return messages_of([fields] if is_one else fields)


def _are_names(fields: Any) -> bool:
    if isinstance(fields, list | tuple):
        return bool(fields) and all(isinstance(one, str | os.PathLike) for one in fields)
    return isinstance(fields, str | os.PathLike)


def parse_input(text: str) -> Input:
    """Read an input with the request that may stand behind it."""
    matched = None if Path(text).exists() else _REQUEST.match(text)
    place, request = (matched["place"], matched["request"]) if matched else (text, "")
    root, keys = _root_of(place)
    parts = [*(f"{key}={value}" for key, value in keys.items()), *([request] if request else [])]
    return Input(place, ",".join(parts), root)


def _root_of(place: str) -> tuple[str, Mapping[str, str]]:
    """The root that a place is or is in, and the keys of a cube; empty for files."""
    if "://" in place or is_roots_document(place) or (Path(place) / ".dtedask").is_dir():
        return place, {}
    path = Path(place)
    if path.is_dir() and len(path.absolute().parts) > _CUBE_DEPTH:
        root = path.absolute().parents[_CUBE_DEPTH - 1]
        if (root / ".dtedask").is_dir():
            base, *qualifiers = path.absolute().relative_to(root).as_posix().split(",")
            keys = dict(zip(("class", "stream", "expver"), base.split("/"), strict=True))
            return str(root), keys | {k: v for k, _, v in (part.partition("=") for part in qualifiers)}
    return "", {}


def _cube(found: Input, request: Any) -> CubeSource:
    import dtedask

    return CubeSource(dtedask.open(found.root), found.request or request, name=found.root)
