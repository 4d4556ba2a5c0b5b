"""What fields come from, cycle by cycle and parameter by parameter: nothing is listed before it is asked for."""

from __future__ import annotations

import hashlib
import logging
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING

import numpy as np

from dtedask.pipeline.sources.order import in_one_order
from dtedask.products.planning.available import Available
from dtedask.products.planning.read import Read
from dtedask.products.requirement import Cycle

if TYPE_CHECKING:
    from dtedask.core.commit import Commit
    from dtedask.grib import Coordinate, Field
    from dtedask.pipeline.sources.source import Unread

__all__ = ["AtHand", "Supply", "field_at_hand", "unread_field"]


logger = logging.getLogger(__name__)


class Supply(ABC):
    """Fields of one input."""

    @abstractmethod
    def cycles(self) -> Iterable[Cycle]:
        """Which runs it has fields of."""

    @abstractmethod
    def params(self, cycle: Cycle) -> Iterable[str]:
        """ParamIds of the fields of a cycle."""

    @abstractmethod
    def fields(self, cycle: Cycle, param: str) -> Iterable[Available]:
        """Fields of a parameter and cycle."""

    def add(self, commit: Commit) -> bool:  # noqa: ARG002 - most of them are of no root
        """See what a commit did; whether it is one of this input."""
        return False


class AtHand(Supply):
    """Fields that are all known: of files, or in memory.

    Parameters
    ----------
    fields : iterable of Available
        The fields; those without a date are of no cycle, and are left out.
    """

    def __init__(self, fields: Iterable[Available]) -> None:
        self._known: dict[Cycle, dict[str, list[Available]]] = {}
        self.left_out = 0
        for one in fields:
            try:
                cycle = Cycle.of({"time": "0000", **one.keys})
            except (KeyError, ValueError):
                self.left_out += 1
                continue
            self._known.setdefault(cycle, {}).setdefault(one.keys.get("param", ""), []).append(one)
        if self.left_out:
            logger.warning("%d fields without a date are of no run: no product is made of them", self.left_out)

    def cycles(self) -> Iterable[Cycle]:
        """See `Supply`."""
        return self._known

    def params(self, cycle: Cycle) -> Iterable[str]:
        """See `Supply`."""
        return self._known.get(cycle, {})

    def fields(self, cycle: Cycle, param: str) -> Iterable[Available]:
        """See `Supply`."""
        return self._known.get(cycle, {}).get(param, ())


def unread_field(unread: Unread) -> Available:
    """A field of a file; its content is known by the place and state of the file."""
    described = in_one_order(unread.description)
    source = PurePath(unread.origin.rpartition(":")[0]).name
    read = Read(f"file {unread.token}", described, unread.read, unread.coordinates, unread.origin, source)
    return Available(described.keys, described.grid, lambda: read)


def field_at_hand(field: Field) -> Available:
    """A field in memory; its content is its values."""
    described = in_one_order(field.description)
    held = _Held(np.asarray(field.values, dtype=np.float32), field.coordinates)
    keys = "\n".join(f"{key}={value}" for key, value in described.keys.items())
    digest = hashlib.sha256(f"{keys}\n{described.grid.uid}\n".encode() + held.array.tobytes())
    make = partial(Read, f"values {digest.hexdigest()}", described, held.values, held.known, "memory", "memory")
    return Available(described.keys, described.grid, make)


@dataclass(frozen=True, slots=True, eq=False)
class _Held:
    array: np.ndarray
    coordinates: Mapping[str, Coordinate]

    def values(self) -> np.ndarray:
        return self.array

    def known(self) -> Mapping[str, Coordinate]:
        return self.coordinates
