"""What a checkpoint says, and how it becomes bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dtedask.core.errors import DamagedError, FormatVersionError
from dtedask.pipeline.action import Saved
from dtedask.pipeline.runs.packed import Buffer, pack, unpack

if TYPE_CHECKING:
    import numpy as np

__all__ = ["FORMAT", "Checkpoint", "Entry"]
FORMAT = 1


@dataclass(slots=True)
class Entry:
    """One pipeline in a checkpoint.

    Parameters
    ----------
    pipeline : str
        Its name.
    seen : int
        How many messages of the stream it has taken.
    position : dict, optional
        Where the source goes on behind them, in its own words.
    last : str
        The last of them, to tell whether the stream is the same.
    complete : bool
        Whether it is done; it has no states then.
    states : list of (str, Saved)
        Type and state of each action.
    """

    pipeline: str
    seen: int = 0
    position: dict[str, Any] | None = None
    last: str = ""
    complete: bool = False
    states: list[tuple[str, Saved]] = field(default_factory=list)


@dataclass(slots=True)
class Checkpoint:
    """The state of a run between two messages.

    Parameters
    ----------
    run : str
        Which run it is.
    plan : list of dict
        What its pipelines do.
    plan_hash : str
        The digest of the plan.
    source : dict
        What the run reads.
    entries : list of Entry
        Its pipelines.
    time : str
        When it was saved, UTC.
    serial : int
        Number of the checkpoint; a newer one has a higher one.
    """

    run: str
    plan: list[dict[str, Any]]
    plan_hash: str
    source: dict[str, Any]
    entries: list[Entry]
    time: str = ""
    serial: int = 0

    @property
    def complete(self) -> bool:
        """Whether all pipelines are done."""
        return all(entry.complete for entry in self.entries)

    @property
    def seen(self) -> int:
        """How many messages all pipelines have taken."""
        return min((entry.seen for entry in self.entries), default=0)

    def entry(self, pipeline: str) -> Entry:
        """The entry of a pipeline; one of its beginning where there is none."""
        return next((one for one in self.entries if one.pipeline == pipeline), Entry(pipeline))

    def to_bytes(self) -> list[Buffer]:
        """The checkpoint in pieces that belong one behind the other.

        Raises
        ------
        PlanError
            If the state of an action cannot be kept.
        """
        arrays: dict[str, np.ndarray] = {}
        entries = []
        for number, entry in enumerate(self.entries):
            states = []
            for position, (kind, saved) in enumerate(entry.states):
                states.append({"type": kind, "document": saved.document, "arrays": list(saved.arrays)})
                arrays |= {f"{number}/{position}/{name}": array for name, array in saved.arrays.items()}
            said = {name: getattr(entry, name) for name in _ENTRY}
            entries.append({**said, "states": states})
        document = {"format": FORMAT, "entries": entries, **{name: getattr(self, name) for name in _CHECKPOINT}}
        return pack(document, arrays)

    @classmethod
    def from_bytes(cls, data: Buffer, place: str) -> Checkpoint:
        """Read what `to_bytes` gave.

        Raises
        ------
        DamagedError
            If it is not whole.
        FormatVersionError
            If a newer dtedask wrote it.
        """
        document, arrays = unpack(data, place)
        if document.get("format", 0) > FORMAT:
            raise FormatVersionError(
                f"{place} has format {document['format']}; this dtedask reads {FORMAT}.",
                hint="Go on with the dtedask that wrote it or a newer one, or begin anew (--again).",
            )
        try:
            entries = [_entry(number, one, arrays) for number, one in enumerate(document["entries"])]
            return cls(**{name: document[name] for name in _CHECKPOINT}, entries=entries)
        except (KeyError, TypeError) as error:
            raise DamagedError(f"{place} is damaged: it lacks {error}.") from error


_CHECKPOINT = ("run", "plan", "plan_hash", "source", "time", "serial")
_ENTRY = ("pipeline", "seen", "position", "last", "complete")


def _entry(number: int, document: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Entry:
    states = [
        (one["type"], Saved(one["document"], {name: arrays[f"{number}/{position}/{name}"] for name in one["arrays"]}))
        for position, one in enumerate(document["states"])
    ]
    return Entry(**{name: document[name] for name in _ENTRY}, states=states)
