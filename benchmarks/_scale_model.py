"""What a run on many workers takes: costs fitted to what was measured, and a prediction from them. Used by `scale.py`.

A run is: the driver prepares all fields; tasks write them, while the scheduler hands them out; the driver checks,
merges and publishes. Only the tasks get faster with more workers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

BEFORE = {
    "survey": ("survey",),
    "addresses and slots": ("addresses", "open repository", "slots", "items", "grow", "batches", "other"),
    "pickling and graph": ("pickle items", "graph"),
}
AFTER = {
    "results and checks": ("unpickle results", "check forks"),
    "merging": ("merge forks",),
    "publishing": ("publish",),
}


@dataclass(frozen=True)
class Cost:
    """Seconds that something takes: so many at all, and for each field and each task.

    Parameters
    ----------
    fixed_s, field_s, task_s : float
        The coefficients.
    residual : float
        Median relative distance of what was measured from them.
    """

    fixed_s: float
    field_s: float
    task_s: float
    residual: float = 0.0

    def at(self, fields: float, tasks: float) -> float:
        return self.fixed_s + self.field_s * fields + self.task_s * tasks


def fit(rows: Sequence[tuple[float, float, float]]) -> Cost:
    """Fit seconds to fields and tasks by least squares of relative errors, no coefficient below zero.

    Parameters
    ----------
    rows : sequence of (float, float, float)
        Fields, tasks and seconds.
    """
    table = np.array(rows, dtype=float)
    seconds = table[:, 2]
    weights = 1 / np.maximum(seconds, 1e-3)  # what takes less than a millisecond is noise
    design = np.column_stack([np.ones(len(table)), table[:, 0], table[:, 1]])
    used = [column for column in range(3) if design[:, column].any()]
    found = np.zeros(3)
    while used:
        # Columns of like size, or those of a million fields drown the others.
        scaled = design[:, used] * weights[:, np.newaxis]
        norms = np.linalg.norm(scaled, axis=0)
        solution = np.linalg.lstsq(scaled / norms, seconds * weights, rcond=None)[0] / norms
        if (solution >= 0).all():
            found[used] = solution
            break
        used.pop(int(np.argmin(solution * norms)))
    predicted = design @ found
    residual = float(np.median(np.abs(predicted - seconds) * weights))
    return Cost(*(float(value) for value in found), residual)


@dataclass(frozen=True)
class Kind:
    """Fields of one grid.

    Parameters
    ----------
    name : str
        Of the grid.
    size_bytes : int
        Of a decoded field.
    work_s : float
        Seconds of one thread to decode, encode and write a field.
    moved_bytes : float
        What is read and written for it.
    """

    name: str
    size_bytes: int
    work_s: float
    moved_bytes: float = 0.0


@dataclass(frozen=True)
class Run:
    """A prediction.

    Parameters
    ----------
    parts : mapping
        Seconds of each part that is not the tasks' own work.
    ideal_s : float
        The work, spread evenly over all threads.
    seconds : float
        The whole.
    moved_bytes : float
        What the storage reads and writes.
    """

    kind: str
    workers: int
    threads: int
    fields: int
    tasks: int
    parts: Mapping[str, float]
    ideal_s: float
    seconds: float
    moved_bytes: float

    @property
    def driver_s(self) -> float:
        """What the driver takes before and after the tasks."""
        return sum(self.parts[name] for name in (*BEFORE, *AFTER))

    @property
    def efficiency(self) -> float:
        return self.ideal_s / self.seconds

    @property
    def fields_per_s(self) -> float:
        return self.fields / self.seconds

    @property
    def bottleneck(self) -> str:
        """What takes most of the time that is not the work."""
        return max(self.parts, key=lambda name: self.parts[name])


@dataclass(frozen=True)
class Model:
    """Costs of everything.

    Parameters
    ----------
    costs : mapping of str to Cost
        Of the parts of the driver, as `BEFORE` and `AFTER` name them.
    scheduling : Cost
        Of handing out tasks that do nothing, graph included.
    starting : Cost
        Of a task in its worker beside the work: its fork, its fields.
    task_bytes : callable
        Bytes of decoded fields in a task, of all bytes and the threads.
    bandwidth : float
        Bytes a second that the storage moves.
    """

    costs: Mapping[str, Cost]
    scheduling: Cost
    starting: Cost
    task_bytes: Callable[[int, int], int]
    bandwidth: float = math.inf
    names: Mapping[str, Sequence[str]] = field(default_factory=lambda: {**BEFORE, **AFTER})

    @property
    def all_costs(self) -> dict[str, Cost]:
        return {**self.costs, "scheduling": self.scheduling, "starting (worker)": self.starting}

    def run(self, kind: Kind, workers: int, threads: int, fields: int) -> Run:
        """Predict one commit of so many fields."""
        width = workers * threads
        each = max(self.task_bytes(fields * kind.size_bytes, width) // kind.size_bytes, 1)
        tasks = math.ceil(fields / each)
        parts = {
            name: sum(self.costs[one].at(fields, tasks) for one in ones if one in self.costs)
            for name, ones in self.names.items()
        }
        ideal = fields * kind.work_s / width
        begun = (self.starting.task_s + self.starting.field_s * each) * math.ceil(tasks / width)
        uneven = math.ceil(tasks / width) * min(each, fields) * kind.work_s - ideal
        working = ideal + begun + uneven
        handing = self.scheduling.at(0, tasks) - self.costs["graph"].at(0, tasks)
        moved = fields * kind.moved_bytes
        moving = moved / self.bandwidth
        longest = max(working, handing, moving)
        parts |= {
            "starting tasks": begun,
            "uneven tasks": uneven,
            "scheduler": handing if longest == handing else 0.0,
            "storage": moving if longest == moving else 0.0,
        }
        driver = sum(parts[name] for name in self.names)
        return Run(kind.name, workers, threads, fields, tasks, parts, ideal, driver + longest, moved)
