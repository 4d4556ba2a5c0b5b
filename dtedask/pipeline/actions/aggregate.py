"""The action `aggregate`: parts of fields from several sources become whole fields."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field

from dtedask.core.errors import FieldError
from dtedask.pipeline.action import Action, ActionOptions, Saved
from dtedask.pipeline.message import Kind, Message
from dtedask.pipeline.streams.domains import DomainMap, Gather, read_part, sources_in_order
from dtedask.pipeline.streams.flush_counts import FlushCounts

if TYPE_CHECKING:
    from dtedask.pipeline.compute import Compute

WHOLE = ("", "g", "global")
"""Domains of fields that are whole already: none, MARS's global one, MultIO's default."""
_TIMES = ("date", "time", "step", "domain")

Identity = tuple[str, tuple[tuple[str, str], ...]]
"""Kind and keys of a field or mask, without its source."""


class AggregateOptions(ActionOptions):
    """How parts are put together; the sources say themselves which points they hold."""

    parts: Annotated[int, Field(ge=0)] = 0
    """How many sources there are; by default the domains are complete once they cover every point, or once there are as
    many as their key ``domainCount`` says."""
    holes: Literal["error", "missing"] = "error"
    """What points are that no source holds; ``missing`` needs `parts` or ``domainCount``."""


@dataclass(slots=True)
class State:
    """What an aggregation knows.

    Parameters
    ----------
    domains : dict of str to DomainMap
        By name.
    waiting : dict of Identity to dict
        Fields and masks that are not whole yet: values by source.
    flushes : FlushCounts
        Flushes that not all sources have sent.
    """

    domains: dict[str, DomainMap] = field(default_factory=dict)
    waiting: dict[Identity, dict[str, Any]] = field(default_factory=dict)
    flushes: FlushCounts[Identity] = field(default_factory=FlushCounts)


class Aggregate(Action):
    """Puts fields together, and holds each flush back until all sources have sent it."""

    Options = AggregateOptions

    def start(self) -> State:
        """See `Action`."""
        return State()

    def handle(self, message: Message, state: State, compute: Compute) -> Iterable[Message]:
        """See `Action`."""
        if message.kind is Kind.DOMAIN:
            return self._domain(message, state)
        if message.kind is Kind.FLUSH:
            return self._flush(message, state)
        if message.kind is Kind.NOTICE or str(message.keys.get("domain", "")) in WHOLE:
            return (message,)
        return self._part(message, state, compute)

    def _domain(self, message: Message, state: State) -> tuple[Message, ...]:
        name = str(message.keys.get("name", ""))
        known = state.domains.get(name, DomainMap(name, self.options.parts, self.options.holes == "missing"))
        part = read_part(name, message.keys, message.values)
        known.add(part, _count(message))
        state.domains[name] = known
        if known.has_all_parts and not known.is_complete:
            known.check_covered()
        return ()

    def _part(self, message: Message, state: State, compute: Compute) -> Iterator[Message]:
        domain = self._domain_of(message, state)
        source = str(message.keys.get("source", "0"))
        part = domain.parts[source]
        part.check_size(message.values)
        identity = _identity(message)
        waiting = state.waiting.setdefault(identity, {})
        if source in waiting:
            raise FieldError(
                f"The source {source} sends its part of {_named(identity)} twice.",
                hint="Different fields differ in a key, such as step or level.",
            )
        waiting[source] = message.values
        if domain.is_complete and not _missing(domain, waiting):
            yield _whole(domain, message, state.waiting.pop(identity), compute)

    def _domain_of(self, message: Message, state: State) -> DomainMap:
        name, source = str(message.keys["domain"]), str(message.keys.get("source", "0"))
        domain = state.domains.get(name)
        if domain is None:
            known = ", ".join(repr(one) for one in sorted(state.domains)) or "none"
            raise FieldError(
                f"The domain {name!r} is not known; known are: {known}.",
                hint="Each source sends its domain before its first field.",
            )
        if source not in domain.parts:
            raise FieldError(
                f"The source {source} sends a {message.kind.value} before it says which points of the domain {name!r} "
                "it holds.",
                hint="Each source sends its domain before its first field.",
            )
        return domain

    def _flush(self, message: Message, state: State) -> Iterator[Message]:
        domains = _concerned(message, state)
        if "source" in message.keys:
            if not self._all_sent(message, domains, state):
                return
        else:
            _check_sources(message, domains, state)
        _check_parts(message, state)
        yield message.with_keys(source=None)

    def _all_sent(self, message: Message, domains: list[DomainMap], state: State) -> bool:
        identity = _identity(message)
        state.flushes.add(identity, str(message.keys["source"]))
        sent = state.flushes.sent_by(identity)
        needed = {source for domain in domains for source in domain.parts}
        if not all(domain.is_complete for domain in domains) or not needed <= sent:
            return False
        if len(sent) < self.options.parts:
            return False
        state.flushes.take(identity)
        return True

    def save(self, state: State) -> Saved:
        """See `Action`."""
        saved = Saved({"domains": [], "waiting": [], "flushes": []})
        for number, domain in enumerate(state.domains.values()):
            _save_domain(saved, number, domain)
        for number, (identity, waiting) in enumerate(state.waiting.items()):
            saved.document["waiting"].append([*identity, list(waiting)])
            for place, values in enumerate(waiting.values()):
                saved.arrays[f"field-{number}-{place}"] = np.asarray(values)
        saved.document["flushes"] = [[*identity, counts] for identity, counts in state.flushes.counts.items()]
        return saved

    def load(self, saved: Saved) -> State:
        """See `Action`."""
        state = State()
        for number, document in enumerate(saved.document["domains"]):
            state.domains[document["name"]] = _load_domain(saved, number, document)
            state.domains[document["name"]].may_have_holes = self.options.holes == "missing"
        for number, (kind, pairs, sources) in enumerate(saved.document["waiting"]):
            state.waiting[_loaded(kind, pairs)] = {
                source: saved.arrays[f"field-{number}-{place}"] for place, source in enumerate(sources)
            }
        for kind, pairs, counts in saved.document["flushes"]:
            state.flushes.counts[_loaded(kind, pairs)] = dict(counts)
        return state

    def explain(self) -> str:
        """See `Action`."""
        parts = f"{self.options.parts} parts" if self.options.parts else "the parts of all sources"
        holes = "; points without a source are missing" if self.options.holes == "missing" else ""
        return f"{parts} of each field become one; a flush waits for all of them{holes}"

    def memory_bytes(self, fields: int, field_bytes: int) -> int:
        """See `Action`."""
        return fields * field_bytes


def _count(message: Message) -> int:
    said = message.keys.get("domainCount", 0)
    if not str(said).isdecimal():
        raise FieldError(f"The number of sources, domainCount, is {said!r}.", hint="Give a number, or leave it out.")
    return int(said)


def _identity(message: Message) -> Identity:
    keys = sorted((key, str(value)) for key, value in message.keys.items() if key != "source")
    return message.kind.value, tuple(keys)


def _loaded(kind: str, pairs: Iterable[Iterable[str]]) -> Identity:
    return kind, tuple((key, value) for key, value in pairs)


def _named(identity: Identity) -> str:
    return f"the {identity[0]} " + ",".join(f"{key}={value}" for key, value in identity[1])


def _missing(domain: DomainMap, waiting: Mapping[str, Any]) -> list[str]:
    return [part.source for part in domain.ordered() if part.source not in waiting]


def _whole(domain: DomainMap, last: Message, values: Mapping[str, Any], compute: Compute) -> Message:
    """Put parts together; the message is like the part that came last."""
    parts = domain.ordered()
    shape = last.description.grid.shape if last.description else (parts[0].global_size,)
    gather = Gather(parts, shape, np.nan if last.is_field else False)
    whole = compute.call("aggregate", gather, *(values[part.source] for part in parts))
    return last.with_keys(source=None).replaced(values=whole, data=None)


def _concerned(message: Message, state: State) -> list[DomainMap]:
    """Domains whose sources a flush needs: the one that it names, else all."""
    name = message.keys.get("domain")
    return [domain for domain in state.domains.values() if name is None or domain.name == str(name)]


def _check_sources(message: Message, domains: list[DomainMap], state: State) -> None:
    """A flush that names no source speaks for all of them: no domain may be unfinished, and no source behind."""
    for domain in domains:
        if not domain.is_complete:
            domain.check_covered()
            raise FieldError(
                f"The domain {domain.name!r} has {domain.expected} parts, of which only those of "
                f"{', '.join(sources_in_order(domain.parts))} are known when a step is flushed."
            )
    if message.keys.get("flushKind") != "end-of-simulation" or not state.flushes.counts:
        return
    (identity, counts), *_ = state.flushes.counts.items()
    state.flushes.counts.clear()
    behind = {source for domain in domains for source in domain.parts} - counts.keys()
    raise FieldError(
        f"The run ends, but {_named(identity)} was sent by {', '.join(sources_in_order(counts))} only, and not by "
        f"{', '.join(sources_in_order(behind)) or 'others'}."
    )


def _check_parts(message: Message, state: State) -> None:
    """No field of a step that is flushed may lack a part; those that do are let go."""
    times = {key: str(message.keys[key]) for key in _TIMES if key in message.keys}
    late = [identity for identity in state.waiting if _is_of(identity, times)]
    if not late:
        return
    texts = []
    for identity in late:
        waiting = state.waiting.pop(identity)
        domain = state.domains[dict(identity[1])["domain"]]
        missing = ", ".join(_missing(domain, waiting)) or "sources that never said what they hold"
        texts.append(f"{_named(identity)} lacks the parts of {missing}")
    raise FieldError(f"Fields are not whole when their step is flushed: {'; '.join(texts)}.")


def _is_of(identity: Identity, times: Mapping[str, str]) -> bool:
    keys = dict(identity[1])
    return all(keys.get(key, value) == value for key, value in times.items())


def _save_domain(saved: Saved, number: int, domain: DomainMap) -> None:
    parts = [
        {"source": part.source, "representation": part.representation, "globalSize": part.global_size}
        for part in domain.parts.values()
    ]
    saved.document["domains"].append({"name": domain.name, "expected": domain.expected, "parts": parts})
    for place, part in enumerate(domain.parts.values()):
        saved.arrays[f"domain-{number}-{place}"] = part.definition


def _load_domain(saved: Saved, number: int, document: Mapping[str, Any]) -> DomainMap:
    domain = DomainMap(document["name"], document["expected"])
    for place, keys in enumerate(document["parts"]):
        part = read_part(domain.name, keys, saved.arrays[f"domain-{number}-{place}"])
        domain.parts[part.source] = part
    return domain
