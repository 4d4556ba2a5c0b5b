"""Members of one field of an ensemble: folded in ascending order, whatever the order in which they come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dtedask.pipeline.action import Saved
from dtedask.pipeline.operations import OperationState
from dtedask.pipeline.statistics.series import Folding, Part
from dtedask.pipeline.statistics.templates import Templates

if TYPE_CHECKING:
    import numpy as np

    from dtedask.pipeline.compute import Compute
    from dtedask.pipeline.message import Message

__all__ = ["EnsembleState", "Group", "Identity", "load_state", "save_state"]

Identity = tuple[tuple[str, str], ...]
_PARTS = ("merged", "segment")


@dataclass(slots=True)
class Group:
    """Members of one field.

    Parameters
    ----------
    member : Message
        The one with the lowest number so far, without its values.
    number : int
        Its number.
    waiting : dict of int to array
        Those that cannot be folded yet, since one before them is still to come.
    taken : list of int
        Those that are folded.
    part : Part
        What is folded; its times are numbers of members.
    """

    member: Message
    number: int
    waiting: dict[int, Any] = field(default_factory=dict)
    taken: list[int] = field(default_factory=list)
    part: Part = field(default_factory=Part)

    def put(self, message: Message, number: int) -> None:
        """Take one more member in, which is folded later."""
        self.waiting[number] = message.values
        if number < self.number:
            self.member, self.number = message.replaced(values=None, data=None), number

    def fold(self, numbers: Iterable[int], folding: Folding, compute: Compute) -> None:
        """Fold those that wait, in the order of the numbers, up to the first that is not there."""
        for number in numbers:
            if number not in self.waiting:
                return
            self.part.take(self.waiting.pop(number), number, folding, compute)
            self.taken.append(number)

    def has(self, number: int) -> bool:
        """Whether a member has come."""
        return number in self.waiting or number in self.taken


@dataclass(slots=True)
class EnsembleState:
    """All fields whose members are coming.

    Parameters
    ----------
    groups : dict of Identity to Group
        By the keys that all members share.
    done : dict of Identity to None
        Those that were given out since the last flush.
    """

    groups: dict[Identity, Group] = field(default_factory=dict)
    done: dict[Identity, None] = field(default_factory=dict)


def save_state(state: EnsembleState) -> Saved:
    """Return what a checkpoint keeps; it stays as it is when the run goes on."""
    templates, arrays = Templates(), dict[str, Any]()
    groups = [
        _save_group(place, identity, group, templates, arrays)
        for place, (identity, group) in enumerate(state.groups.items())
    ]
    done = [[list(pair) for pair in identity] for identity in state.done]
    return Saved({"groups": groups, "done": done, "templates": templates.document()}, arrays)


def load_state(saved: Saved) -> EnsembleState:
    """Return the state that was saved, to the last bit."""
    state = EnsembleState(done=dict.fromkeys(_identity(one) for one in saved.document.get("done", ())))
    templates = Templates.load(saved.document.get("templates", []), saved.arrays)
    for place, document in enumerate(saved.document.get("groups", ())):
        state.groups[_identity(document["identity"])] = _load_group(place, document, templates, saved.arrays)
    return state


def _save_group(
    place: int, identity: Identity, group: Group, templates: Templates, arrays: dict[str, np.ndarray]
) -> dict[str, Any]:
    for number, values in group.waiting.items():
        arrays[f"{place} member {number}"] = values
    states = {}
    for name in _PARTS:
        state: OperationState | None = getattr(group.part, name)
        if state is not None:
            states[name], kept = state.save()
            is_under_way = name == "segment"  # it goes on in place
            arrays |= {f"{place} {name} {key}": one.copy() if is_under_way else one for key, one in kept.items()}
    return {
        "identity": [list(pair) for pair in identity],
        "member": templates.add(group.member, arrays),
        "number": group.number,
        "waiting": list(group.waiting),
        "taken": list(group.taken),
        "states": states,
        "times": [group.part.fields, group.part.first, group.part.last],
    }


def _load_group(
    place: int, document: Mapping[str, Any], templates: Templates, arrays: Mapping[str, np.ndarray]
) -> Group:
    fields, first, last = document["times"]
    states = {}
    for name, saved in document["states"].items():
        start = f"{place} {name} "
        kept = {key.removeprefix(start): array for key, array in arrays.items() if key.startswith(start)}
        states[name] = OperationState.load(saved, kept)
    return Group(
        templates.message(document["member"]),
        document["number"],
        {number: arrays[f"{place} member {number}"] for number in document["waiting"]},
        list(document["taken"]),
        Part(states.get("merged"), states.get("segment"), fields, first, last),
    )


def _identity(pairs: Iterable[Iterable[str]]) -> Identity:
    return tuple((key, value) for key, value in pairs)
