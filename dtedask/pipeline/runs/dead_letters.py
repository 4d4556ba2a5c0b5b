"""Dead letters: fields that an action failed on, kept with their data until they are replayed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dtedask.core.errors import DtedaskError, FormatVersionError, NotFoundError
from dtedask.geo import Grid, PointOrder
from dtedask.grib import Coordinate, FieldDescription
from dtedask.pipeline.message import Kind, Message
from dtedask.pipeline.runs.packed import pack, unpack

if TYPE_CHECKING:
    from dtedask.pipeline.runs.chain import Link

__all__ = ["DeadLetter", "DeadLetters"]

SUFFIX = ".letter"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One field that was put aside.

    Parameters
    ----------
    path : Path
        Its file.
    message : Message
        The field, as it came to the action that failed.
    pipeline : str
        Name of the pipeline.
    position : int
        Where in the pipeline the action stands, from 0.
    action : str
        Its type.
    plan_hash : str
        Which plan it was.
    error, code : str
        What the error said, and its code.
    time : str
        When, UTC.
    """

    path: Path
    message: Message
    pipeline: str
    position: int
    action: str
    plan_hash: str
    error: str
    code: str
    time: str

    def __str__(self) -> str:
        return f"{self.message}: pipeline {self.pipeline!r}, action {self.position + 1} ({self.action}): {self.error}"


class DeadLetters:
    """A folder of dead letters, one file each. A file is there whole or not at all, and stays after ``kill -9``.

    Parameters
    ----------
    folder : path
        Made with the first letter.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder).expanduser()

    def bury(self, message: Message, link: Link, error: Exception, plan_hash: str) -> Path:
        """Keep a field. The same field that fails at the same place again, as after a kill, is the same letter."""
        values, coordinates = message.values, message.coordinates or {}
        arrays = {} if values is None else {"values": np.asarray(values)}
        arrays |= {f"coordinate:{name}": np.asarray(one.values) for name, one in coordinates.items()}
        if message.data is not None:
            arrays["data"] = np.frombuffer(message.data, np.uint8)
        document = {
            "format": FORMAT,
            "pipeline": link.chain.summary.name,
            "position": link.position,
            "action": link.summary.type,
            "plan_hash": plan_hash,
            "error": str(error) or type(error).__name__,
            "code": error.code if isinstance(error, DtedaskError) else type(error).__name__,
            "time": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
            "kind": message.kind.value,
            "keys": dict(message.keys),
            "origin": message.origin,
            "description": None if message.description is None else _described(message.description),
            "coordinates": {name: {"dims": one.dims, "attrs": one.attrs} for name, one in coordinates.items()},
        }
        return self._write(document, arrays)

    def __iter__(self) -> Iterator[DeadLetter]:
        """Give the letters, oldest first, one at a time.

        Raises
        ------
        DamagedError
            If one has changed.
        """
        for path in self.paths():
            yield read_letter(path)

    def __len__(self) -> int:
        return len(self.paths())

    def paths(self) -> list[Path]:
        """Files of the letters, oldest first."""
        found = [(path.stat().st_mtime_ns, path) for path in self.folder.glob(f"*{SUFFIX}")]
        return [path for _, path in sorted(found)]

    def check(self) -> None:
        """Check that the folder is there.

        Raises
        ------
        NotFoundError
            If it is not.
        """
        if not self.folder.is_dir():
            raise NotFoundError(
                f"There is no folder of dead letters {str(self.folder)!r}.",
                hint="`dtedask plan status` names that of a run.",
            )

    def _write(self, document: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{_name(document, arrays)}{SUFFIX}"
        partial = path.with_suffix(".partial")
        with partial.open("wb") as file:
            file.writelines(pack(document, arrays))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        _sync_folder(self.folder)
        return path


def read_letter(path: Path) -> DeadLetter:
    """Read one dead letter.

    Raises
    ------
    DamagedError
        If it has changed.
    FormatVersionError
        If a newer dtedask wrote it.
    """
    document, arrays = unpack(path.read_bytes(), f"The dead letter {str(path)!r}")
    if document["format"] > FORMAT:
        raise FormatVersionError(
            f"The dead letter {str(path)!r} has format {document['format']}; this dtedask reads {FORMAT}.",
            hint="Use the dtedask that wrote it, or a newer one.",
        )
    coordinates = {
        name: Coordinate(tuple(one["dims"]), arrays[f"coordinate:{name}"], one["attrs"])
        for name, one in document["coordinates"].items()
    }
    message = Message(
        Kind(document["kind"]),
        document["keys"],
        arrays.get("values"),
        None if document["description"] is None else _description(document["description"]),
        coordinates or None,
        arrays["data"].tobytes() if "data" in arrays else None,
        document["origin"],
    )
    said = (document[name] for name in ("pipeline", "position", "action", "plan_hash", "error", "code", "time"))
    return DeadLetter(path, message, *said)


def _described(description: FieldDescription) -> dict[str, Any]:
    plain = {one.name: getattr(description, one.name) for one in fields(description)}
    plain |= {"keys": dict(description.keys), "attributes": dict(description.attributes)}
    return plain | {"grid": asdict(description.grid), "order": asdict(description.order)}


def _description(document: dict[str, Any]) -> FieldDescription:
    grid, order, interval = document["grid"], document["order"], document["interval"]
    return FieldDescription(
        **{
            **document,
            "grid": Grid(grid["kind"], grid["spec"], tuple(grid["dims"]), tuple(grid["shape"])),
            "order": PointOrder(
                **{**order, "shape": tuple(order["shape"]), "row_lengths": tuple(order["row_lengths"])}
            ),
            "interval": None if interval is None else tuple(interval),
            "product": tuple(tuple(one) for one in document["product"]),
        }
    )


def _name(document: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> str:
    """A digest of the field and of the place where it failed."""
    place = [document[name] for name in ("plan_hash", "pipeline", "position", "keys")]
    found = hashlib.sha256(json.dumps(place, default=str).encode())
    for name in ("values", "data"):
        if name in arrays:
            found.update(np.ascontiguousarray(arrays[name]).tobytes())
    return found.hexdigest()[:24]


def _sync_folder(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
