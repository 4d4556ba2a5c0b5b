"""Masks that a plan takes from a field: of a GRIB file, or of a cube."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, field_validator, model_validator

from dtedask.core.errors import DocumentError, FieldError
from dtedask.grib import decode, scan
from dtedask.pipeline.keys.matching import KeysAre, Selector
from dtedask.pipeline.message import Kind, Message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["MaskSource"]

_COMPARISON = re.compile(r"(>=|<=|==|!=|>|<)\s*(-?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)")
_OPERATORS: dict[str, Callable[[Any, float], Any]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}


class MaskSource(BaseModel):
    """A field that says which points count."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, populate_by_name=True, frozen=True)

    domain: str | None = None
    """Domain that it masks; by default every domain that has no mask of its own."""
    level: str | int | float | None = None
    """Level that it masks; by default every level that has no mask of its own."""
    file: str = ""
    """GRIB file, relative to the plan."""
    cube: str = ""
    """Root of cubes, folder or URL."""
    match: dict[str, Any] = {}
    """Which field it is, as in `select`, such as ``{param: lsm}``; there must be one alone."""
    keep: str = ">=0.5"
    """Values of points that count, as a comparison with a number; missing points of the field never do."""

    @field_validator("match")
    @classmethod
    def _can_be_met(cls, match: dict[str, Any]) -> dict[str, Any]:
        KeysAre.of(match)
        return match

    @field_validator("keep")
    @classmethod
    def _is_a_comparison(cls, keep: str) -> str:
        if _COMPARISON.fullmatch(keep.strip()) is None:
            raise DocumentError(f"{keep!r} is no comparison with a number.", hint="Write it as '>=0.5' or '<273.15'.")
        return keep

    @model_validator(mode="after")
    def _is_in_one_place(self) -> MaskSource:
        if bool(self.file) == bool(self.cube):
            raise DocumentError("A mask is in one place.", hint="Give either 'file' or 'cube'.")
        return self

    def read(self, folder: Path) -> tuple[NDArray[np.bool_], str]:
        """Read the field, and say which of its points count, and what its grid is called.

        Raises
        ------
        FieldError
            If there is no such field, or more than one.
        """
        found = list(self._of_file(folder) if self.file else self._of_cube(folder))
        if len(found) != 1:
            place = self.file or self.cube
            raise FieldError(
                f"{len(found) or 'No'} fields of {place} match {self.match}: a mask is one field.",
                hint="Name more keys under 'match'." if found else "Look at what is there with `dtedask store list`.",
            )
        values, grid = found[0]
        return _points_kept(self.keep, values), grid

    def _of_file(self, folder: Path) -> Iterator[tuple[NDArray[Any], str]]:
        selector = Selector(KeysAre.of(self.match))
        for message in scan(folder / self.file):
            if selector.accepts(Message.of_field(message.field, None)):
                yield decode(message.read(), message.field.order, dtype="float64"), message.field.grid.label

    def _of_cube(self, folder: Path) -> Iterator[tuple[NDArray[Any], str]]:
        import dtedask

        selector = Selector(KeysAre.of(self.match))
        store = dtedask.open(self.cube if "://" in self.cube else folder / self.cube)
        for record in store.list():
            if selector.accepts(Message(Kind.FIELD, record.keys)):
                grid = record.group.rpartition("/")[2]
                yield from ((values, grid) for _, values in store.values(dict(record.keys)))


def _points_kept(keep: str, values: NDArray[Any]) -> NDArray[np.bool_]:
    match = _COMPARISON.fullmatch(keep.strip())
    assert match is not None  # checked when the plan was read
    kept: NDArray[np.bool_] = _OPERATORS[match[1]](values, float(match[2])) & ~np.isnan(values)
    return kept
