"""The action `ensemble`: mean, spread, probabilities and quantiles over the members of an ensemble."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, cast

from dtedask.core.errors import FieldError
from dtedask.pipeline.action import Action, Context, Saved
from dtedask.pipeline.ensemble.groups import EnsembleState, Group, Identity, load_state, save_state
from dtedask.pipeline.ensemble.options import EnsembleOptions
from dtedask.pipeline.ensemble.results import result_message
from dtedask.pipeline.message import Kind
from dtedask.pipeline.operations import OperationSet
from dtedask.pipeline.runs.undo import rebuilt
from dtedask.pipeline.statistics.facts import WindowFacts
from dtedask.pipeline.statistics.series import Folding, joined
from dtedask.pipeline.values.numbers import numbers_of

if TYPE_CHECKING:
    from dtedask.pipeline.compute import Compute
    from dtedask.pipeline.message import Message

log = logging.getLogger(__name__)
_OF_A_MEMBER = frozenset({"number", "perturbationNumber", "type"})
_ENDS = frozenset({"end-of-simulation", "last-step", "close-connection"})
_USUAL = 51  # members of an ensemble, where a plan names none


class Ensemble(Action):
    """Takes members of one field together, in ascending order of their numbers, and gives their statistics.

    The results go out with the last member that is wanted, else with the flush of their step.
    """

    Options = EnsembleOptions

    def __init__(self, options: EnsembleOptions, context: Context) -> None:
        super().__init__(options, context)
        self.operations = OperationSet(options.operations, value_count_threshold=options.value_count_threshold)
        self.folding = Folding(self.operations)
        self.wanted: tuple[int, ...] | None = options.members

    def start(self) -> EnsembleState:
        """Return the state before the first field."""
        return EnsembleState()

    def handle(self, message: Message, state: EnsembleState, compute: Compute) -> Iterable[Message]:
        """See `Action`."""
        if message.kind is Kind.FIELD:
            return list(self._field(message, state, compute))
        if message.kind is Kind.FLUSH:
            return [*self._flush(message, state, compute), message]
        return [message]

    def save(self, state: EnsembleState) -> Saved:
        """See `Action`."""
        return save_state(state)

    def load(self, saved: Saved) -> EnsembleState:
        """See `Action`."""
        return load_state(saved)

    def kept(self, state: EnsembleState, message: Message) -> EnsembleState:
        """See `Action`: a field changes one group."""
        if message.kind is not Kind.FIELD:
            return cast("EnsembleState", super().kept(state, message))
        groups, identity = dict(state.groups), _identity_of(message)
        if identity in groups:
            groups[identity] = rebuilt(groups[identity])
        return EnsembleState(groups, dict(state.done))

    def memory_bytes(self, fields: int, field_bytes: int) -> int:
        """See `Action`; members that wait, and two states a field. A plan that names no members is taken to have 51."""
        members = _USUAL if self.wanted is None else len(self.wanted)
        return fields * (members * field_bytes + 2 * self.operations.memory_bytes(members, field_bytes))

    def _field(self, message: Message, state: EnsembleState, compute: Compute) -> Iterator[Message]:
        numbers_of(message, "ensemble")
        number = _number_of(message)
        if (number == 0 and not self.options.control) or (self.wanted is not None and number not in self.wanted):
            return
        identity = _identity_of(message)
        group = state.groups.get(identity)
        if identity in state.done or (group is not None and group.has(number)):
            raise FieldError(
                f"Member {number} came twice: {message}.", hint="Take out one of them by select, or flush in between."
            )
        if group is None:
            group = state.groups[identity] = Group(message.replaced(values=None, data=None), number)
        group.put(message, number)
        if self.wanted is not None:
            group.fold(self.wanted[len(group.taken) :], self.folding, compute)
            if len(group.taken) == len(self.wanted):
                del state.groups[identity]
                state.done[identity] = None
                yield from self._results(group, compute)

    def _flush(self, flush: Message, state: EnsembleState, compute: Compute) -> Iterator[Message]:
        closed = [identity for identity in state.groups if _is_meant(flush, identity)]
        for identity in closed:
            self._check(state.groups[identity])
        for identity in closed:
            group = state.groups.pop(identity)
            if self.wanted is None or self.options.on_missing == "partial":
                group.fold(sorted(group.waiting), self.folding, compute)
                yield from self._results(group, compute)
        for identity in [one for one in state.done if _is_meant(flush, one)]:
            del state.done[identity]

    def _check(self, group: Group) -> None:
        """Name the members that did not come."""
        missing = [str(number) for number in self.wanted or () if not group.has(number)]
        if not missing:
            return
        said = f"Members {'/'.join(missing)} of the {len(self.wanted or ())} wanted did not come before the flush: "
        said += f"{group.member.with_keys(number=None, type=None)}."
        if self.options.on_missing == "error":
            raise FieldError(said, hint="Flush later, want fewer members, or set on-missing to partial or skip.")
        log.warning("%s", said)

    def _results(self, group: Group, compute: Compute) -> Iterator[Message]:
        part = joined([group.part], self.folding, compute)
        facts = WindowFacts(part.first, part.last, part.first, part.last, part.fields)
        for operation in self.operations.operations:
            values = compute.call(operation.name, self.folding.finish, operation.name, part.merged, facts)
            yield result_message(group.member, operation, part.fields, values)


def _number_of(message: Message) -> int:
    number = message.keys.get("number", "0" if message.keys.get("type") == "cf" else None)
    if number is None:
        raise FieldError(f"The {message} is no member of an ensemble.", hint="Select type=cf/pf before.")
    return int(number)


def _identity_of(message: Message) -> Identity:
    return tuple(sorted((key, str(value)) for key, value in message.keys.items() if key not in _OF_A_MEMBER))


def _is_meant(flush: Message, identity: Identity) -> bool:
    """Whether a flush is of a field: of all at the end, else of those whose date, time and step it names."""
    if flush.keys.get("flushKind") in _ENDS:
        return True
    keys = dict(identity)
    return all(str(flush.keys[key]) == keys.get(key) for key in ("date", "time", "step") if key in flush.keys)
