"""Winds: two components that turn together with the directions that they count from."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import GridError
from dtedask.geo.application.frames import Directions, frames
from dtedask.geo.application.operation import Operation, Window

if TYPE_CHECKING:
    from dtedask.geo.grid import Grid

Pairs = Sequence[tuple[str, str]] | Literal["auto"] | None
_PAIRS = (
    ("u", "v"),
    ("10u", "10v"),
    ("100u", "100v"),
    ("200u", "200v"),
    ("u10n", "v10n"),
    ("ust", "vst"),
    ("ocu", "ocv"),
    ("avg_uoe", "avg_von"),
    ("ewss", "nsss"),
    ("iews", "inss"),
    ("lgws", "mgws"),
)
_FIELDS_AT_ONCE = 32


def pairs_among(names: Collection[str], vectors: Pairs) -> list[tuple[str, str]]:
    """Choose the pairs of variables that are the components of a vector.

    Parameters
    ----------
    names : collection of str
        All variables.
    vectors : sequence of pairs, "auto" or None
        The pairs; ``auto`` for all that are known by their short names; None for none.

    Raises
    ------
    GridError
        If a pair that is named is not there, or a variable is in two.
    """
    if vectors is None:
        return []
    if vectors == "auto":
        return [pair for pair in _PAIRS if set(pair) <= set(names)]
    found = [(str(first), str(second)) for first, second in vectors]
    parts = [part for pair in found for part in pair]
    absent = [part for part in parts if part not in names]
    if absent:
        raise GridError(f"There is no variable {absent[0]!r} of a vector.", hint=f"There are {', '.join(names)}.")
    if len(set(parts)) < len(parts):
        raise GridError(f"A variable is part of two vectors: {_list(found)}.", hint="Name each of them once.")
    return found


def known_pairs() -> tuple[tuple[str, str], ...]:
    """Short names of all vectors that are known: the components to the east and to the north."""
    return _PAIRS


def _list(pairs: Iterable[tuple[str, str]]) -> str:
    return ", ".join("/".join(pair) for pair in pairs)


@dataclass(frozen=True)
class WindOperation:
    """What a task does to both components of winds.

    They become three components in space, which no direction of any grid concerns; these are interpolated, and turned
    to the directions of the target. So winds are right at the poles and on turned grids.

    Parameters
    ----------
    operation : Operation
        What is done to each component in space.
    source_directions, target_directions : {"north", "grid"}
        What components count from.
    """

    operation: Operation
    source_directions: Directions = "north"
    target_directions: Directions = "north"

    @property
    def window(self) -> Window:
        """The part of the source that is read."""
        return self.operation.window

    @property
    def target(self) -> Grid:
        """Where winds are wanted."""
        return self.operation.target

    def __call__(self, *values: NDArray[Any]) -> NDArray[np.floating]:
        """Interpolate winds.

        Parameters
        ----------
        values : two numpy.ndarray, shape (..., window)
            Components along columns (to the east) and against rows (to the north).

        Returns
        -------
        numpy.ndarray, shape (2, ..., target.shape)
            float32 where both are, else float64. Both are NaN where one is.
        """
        from dtedask.geo.application.apply import as_floating

        u, v = (as_floating(component) for component in values)
        dtype = np.result_type(u, v)
        before, inner = u.shape[: u.ndim - len(self.window)], u.shape[u.ndim - len(self.window) :]
        u, v = (
            component.reshape(-1, *inner) if component.size else component.reshape(0, *inner) for component in (u, v)
        )
        found = np.empty((2, len(u), *self.target.shape), dtype)
        for start in range(0, len(u), _FIELDS_AT_ONCE):
            part = slice(start, start + _FIELDS_AT_ONCE)
            found[:, part] = self._turned(u[part].astype(dtype, copy=False), v[part].astype(dtype, copy=False))
        return found.reshape(2, *before, *self.target.shape)

    def _turned(self, u: NDArray[np.floating], v: NDArray[np.floating]) -> NDArray[np.floating]:
        operation = self.operation
        is_simulated = operation.missing == "simulated-missing-value"
        if is_simulated:
            is_missing = [abs(part - operation.simulated) <= operation.tolerance for part in (u, v)]
            u, v = (np.where(is_missing[0] | is_missing[1], np.asarray(np.nan, u.dtype), part) for part in (u, v))
            operation = replace(operation, missing="missing-if-heaviest-missing")
        cut = tuple(slice(first, last) for first, last in self.window)
        east, north = (
            vectors[(slice(None), *cut)].astype(u.dtype) for vectors in frames(operation.source, self.source_directions)
        )
        in_space = [operation(u * east[axis] + v * north[axis]) for axis in range(3)]
        turned = np.empty((2, *in_space[0].shape), u.dtype)
        for number, vectors in enumerate(frames(self.target, self.target_directions)):
            along = vectors.astype(u.dtype)
            turned[number] = sum(in_space[axis] * along[axis] for axis in range(3))
        if is_simulated:
            turned[np.isnan(turned)] = operation.simulated
        return turned
