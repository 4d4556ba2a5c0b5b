"""Which time series to make: of complete runs, in tasks whose memory is bounded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dtedask.core.errors import PlanError
from dtedask.request import Request
from dtedask.store.chunk_io import chunk_coordinates, run_async
from dtedask.store.opaque import OpaqueCodec
from dtedask.store.series.array import STEP, Block, SeriesArray, new_array
from dtedask.store.series.build import ENCODED_BYTES, FETCHED_BYTES, BlockPlan, BuildTask, memory_of

if TYPE_CHECKING:
    from dtedask.store.group import Group
    from dtedask.store.location import Location
    from dtedask.store.selection import Selection
    from dtedask.store.snapshot import Snapshot

BASE_BYTES = 300 * 10**6  # Python with its libraries
_PIECE_FIELDS_BYTES = 512 * 2**20
_TASK_BYTES = 256 * 2**20
_DAY_S = 86_400
_TIME = "forecast_reference_time"


@dataclass(frozen=True, slots=True)
class VariablePlan:
    """Time series of one variable that are to be made.

    Parameters
    ----------
    selection : Selection
        Fields of the variable that the request takes, whatever their step.
    series : SeriesArray
        Where they go.
    blocks : tuple of BlockPlan
        What is to be made.
    there : int
        Number of fields in time series that exist.
    incomplete : int
        Number of fields of runs that lack steps.
    """

    selection: Selection
    series: SeriesArray
    blocks: tuple[BlockPlan, ...]
    there: int
    incomplete: int

    @property
    def runs(self) -> set[str]:
        """Reference times of the blocks."""
        selection = self.selection
        return {run_of(selection.snapshot.cube, selection.group, self.series.dims, one.block) for one in self.blocks}

    def tasks(self, location: Location) -> Iterator[BuildTask]:
        """The blocks in tasks of bounded size, at least one block each."""
        selection = self.selection
        assert not isinstance(selection.variable.codec, OpaqueCodec)
        part: list[BlockPlan] = []
        size = 0
        for number, block in enumerate(self.blocks):
            part.append(block)
            size += len(block.steps) * self.series.field_bytes
            if size >= _TASK_BYTES or number == len(self.blocks) - 1:
                yield BuildTask(
                    location,
                    selection.snapshot.cube,
                    selection.snapshot.id,
                    selection.group.name,
                    selection.variable.name,
                    selection.variable.codec,
                    self.series,
                    tuple(part),
                )
                part, size = [], 0


def run_of(cube: str, group: Group, dims: Sequence[str], block: Block) -> str:
    """Cube and reference time of a block."""
    if _TIME not in dims:
        return cube
    return f"{cube} {group.axes[_TIME].texts[block[dims.index(_TIME)]]}"


def has_steps(selection: Selection) -> bool:
    """Whether a variable can have time series: fields of more than one step."""
    variable, axes = selection.variable, selection.group.axes
    is_field = not isinstance(variable.codec, OpaqueCodec)
    return is_field and STEP in variable.dims and len(axes[STEP].live) > 1


def plan_variable(selection: Selection, wanted: Request, memory: int, *, rebuild: bool) -> VariablePlan:
    """Say which time series of a variable are to be made.

    Parameters
    ----------
    selection : Selection
        Its fields, whatever their step.
    wanted : Request
        The steps that a run must have, if it names some. Else it must have all steps that any run of the same time of
        day has.
    memory : int
        Bytes that the process may take.
    rebuild : bool
        Whether to make those again that exist.

    Raises
    ------
    PlanError
        If one task needs more memory than that.
    """
    group, variable, snapshot = selection.group, selection.variable, selection.snapshot
    position = variable.dims.index(STEP)
    # Listing all fields of a variable takes long where there are many; runs are compared only where no steps are named.
    rows = selection.slots if wanted else snapshot.present(group.name, variable.name)
    runs, has = _runs_and_steps(rows, position, variable.shape[position])
    is_asked = _are_in(runs, np.delete(selection.slots, position, axis=1))
    is_complete = _complete(selection, runs, has, wanted)
    known = group.series.get(variable.name)
    is_new = known is None or (rebuild and _can_be_laid_out_anew(snapshot, known, runs[is_asked & is_complete]))
    series = new_array(group, variable, steps_at_once(selection, memory)) if is_new or known is None else known
    blocks = list(_blocks(series, runs[is_asked & is_complete], has[is_asked & is_complete]))
    there = [False] * len(blocks)
    if known is not None and not rebuild:
        there = snapshot.exist([(series.path, series.coordinates(one.block)) for one in blocks])
    made = tuple(one for one, is_there in zip(blocks, there, strict=True) if not is_there)
    if made:
        check_memory(series, memory)
    return VariablePlan(
        selection,
        series,
        made,
        sum(len(one.steps) for one, is_there in zip(blocks, there, strict=True) if is_there),
        int(has[is_asked & ~is_complete].sum()),
    )


def _can_be_laid_out_anew(snapshot: Snapshot, series: SeriesArray, runs: np.ndarray) -> bool:
    """Whether all blocks that exist are of runs that are made again."""
    with snapshot.told_damage():
        found = run_async(chunk_coordinates(snapshot.session, f"/{series.path}", len(series.shape)))
    blocks = np.delete(found[:, : len(series.dims)], series.step_position, axis=1)
    return bool(_are_in(blocks, runs).all())


def steps_at_once(selection: Selection, memory: int) -> int:
    """Most steps of which all fields are held at once, at least one."""
    field = selection.group.grid.size * np.dtype(selection.variable.dtype).itemsize
    room = memory - BASE_BYTES - 2 * max(FETCHED_BYTES, field) - 3 * ENCODED_BYTES
    return max(min(room, _PIECE_FIELDS_BYTES) // field, 1)


def check_memory(series: SeriesArray, memory: int) -> None:
    """Refuse a plan that does not fit.

    Raises
    ------
    PlanError
        If a task needs more memory than the process may take; names both numbers.
    """
    needed = BASE_BYTES + memory_of(series)
    if needed > memory:
        from dtedask.core.sizes import size_text

        raise PlanError(
            f"Making time series of {series.path!r} needs about {size_text(needed)}, for {series.steps} "
            f"field{'s' * (series.steps > 1)} at once; the limit is {size_text(memory)}.",
            hint=f"Allow more: memory='{-(-needed // 10**6)}MB'.",
        )


def _runs_and_steps(rows: np.ndarray, position: int, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Slots of the other dimensions that have fields, and which steps each of them has."""
    runs, owners = np.unique(np.delete(rows, position, axis=1), axis=0, return_inverse=True)
    has = np.zeros((len(runs), length), dtype=bool)
    has[owners.ravel(), rows[:, position]] = True
    return runs, has


def _are_in(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    known = set(map(tuple, np.unique(others, axis=0).tolist()))
    return np.fromiter((tuple(row) in known for row in rows.tolist()), dtype=bool, count=len(rows))


def _complete(selection: Selection, runs: np.ndarray, has: np.ndarray, wanted: Request) -> np.ndarray:
    """Which runs have all steps that they must have, and at least two."""
    if wanted:
        masks = [_step_mask(selection, wanted, step) for step in wanted.named(STEP)]
        found: np.ndarray = np.logical_and.reduce([(has & mask).any(axis=1) for mask in masks])
    else:
        hours = _times_of_day(selection, runs)
        needed = np.zeros_like(has)
        for hour in np.unique(hours):
            needed[hours == hour] = has[hours == hour].any(axis=0)
        found = (has | ~needed).all(axis=1)
    complete: np.ndarray = found & (has.sum(axis=1) > 1)
    return complete


def _step_mask(selection: Selection, wanted: Request, step: str) -> np.ndarray:
    position = selection.variable.dims.index(STEP)
    (texts,) = (part for part in selection.dimensions[position] if part.key == STEP)
    mask: np.ndarray = texts.mask(Request({STEP: [step]}, language=wanted.language))
    return mask[: selection.variable.shape[position]]


def _times_of_day(selection: Selection, runs: np.ndarray) -> np.ndarray:
    names = [name for name in selection.variable.dims if name != STEP]
    if _TIME not in names:
        return np.zeros(len(runs), dtype=np.int64)
    labels = selection.group.axes[_TIME].labels
    found: np.ndarray = labels[runs[:, names.index(_TIME)]] % _DAY_S
    return found


def _blocks(series: SeriesArray, runs: np.ndarray, has: np.ndarray) -> Iterator[BlockPlan]:
    position = series.step_position
    for run, steps in zip(runs.tolist(), has, strict=True):
        slots = np.flatnonzero(steps)
        for number in np.unique(slots // series.block_steps).tolist():
            inside: Sequence[int] = slots[slots // series.block_steps == number].tolist()
            yield BlockPlan((*run[:position], number, *run[position:]), tuple(inside))
