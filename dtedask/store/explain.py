"""Why a request takes what it takes: key by key, group by group, and what to ask for instead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from dtedask.core.errors import ControlledError, RequestError
from dtedask.request import Request
from dtedask.request.values import NONE_KEYS
from dtedask.store import retrieval
from dtedask.store.missing import count_of, missing_fields
from dtedask.store.nearest import nearest
from dtedask.store.ranks import sort_values
from dtedask.store.schema import CUBE_KEYS
from dtedask.store.schema.rules import meant
from dtedask.store.series.explain import LayoutChoice, layout_choices

if TYPE_CHECKING:
    from dtedask.store.reader import Reader
    from dtedask.store.schema import Schema
    from dtedask.store.schema.rules import Rule
    from dtedask.store.selection import Selection

_SHOWN = 8
Selections = Sequence["Selection"]


@dataclass(frozen=True, slots=True)
class KeyMatch:
    """One key of a request against what exists.

    Parameters
    ----------
    key : str
        The key.
    asked : tuple of str
        Values that the request names.
    matched, unmatched : tuple of str
        Those that exist together with the other keys, and those that do not. Where nothing matches the other keys,
        those that exist at all.
    nearest : mapping of str to str
        For values that do not exist, the nearest that does: in time, number or spelling.
    existing : tuple of str
        All values that exist with the other keys, sorted.
    """

    key: str
    asked: tuple[str, ...]
    matched: tuple[str, ...]
    unmatched: tuple[str, ...]
    nearest: Mapping[str, str]
    existing: tuple[str, ...]

    def __str__(self) -> str:
        if not self.existing:
            return f"{self.key}={'/'.join(self.asked)}: no field has this key"
        if not self.unmatched:
            return f"{self.key}={retrieval.shorten(self.key, self.asked)}: exists"
        near = [f"{self.nearest[value]} is nearest to {value}" for value in self.unmatched if value in self.nearest]
        have = f"exists: {retrieval.shorten(self.key, self.matched) if self.matched else 'none'}"
        lacks = f"does not: {retrieval.shorten(self.key, self.unmatched)}"
        there = f"there is {retrieval.shorten(self.key, self.existing)}"
        return f"{self.key}: {'; '.join([have, lacks, *near[:_SHOWN], there])}"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A group that a request could take fields of.

    Parameters
    ----------
    cube, group : str
        Names.
    fields : int
        Number of its fields that the request takes.
    failing : tuple of str
        Keys of the request of which no field of the group has a value that is asked for.
    """

    cube: str
    group: str
    fields: int
    failing: tuple[str, ...]

    def __str__(self) -> str:
        if self.fields:
            return f"{self.cube} {self.group}: {self.fields:,} fields"
        why = f"none for {', '.join(self.failing)}" if self.failing else "every key by itself, but not all together"
        return f"{self.cube} {self.group}: {why}"


@dataclass(frozen=True, slots=True)
class RootShare:
    """What one of several roots has of a request.

    Parameters
    ----------
    root : str
        Path or URL.
    fields : int
        Fields that are read from it.
    shadowed : int
        Fields that it has, and a root before it too.
    asked : bool
        Whether it was asked: no where its space cannot hold what is asked for.
    """

    root: str
    fields: int
    shadowed: int
    asked: bool

    def __str__(self) -> str:
        if not self.asked:
            return f"{self.root}: not asked, its space takes no such fields"
        shadow = f", {self.shadowed:,} more in the shadow of a root before" if self.shadowed else ""
        return f"{self.root}: {self.fields:,} fields{shadow}"


@dataclass(frozen=True)
class Explanation:
    """What a request takes and why not more.

    Parameters
    ----------
    request : Request
        The request, in canonical form.
    root : str
        Path or URL of the root.
    fields : int
        Number of fields that it takes.
    keys : tuple of KeyMatch
        Each key that it names values for.
    candidates : tuple of Candidate
        Groups, those with fields first, then those in which the fewest keys fail.
    missing : tuple of Request
        Of a request that takes some fields: what it names and what does not exist.
    relax : tuple of tuple of str
        Of a request that takes no field: keys to leave out, each tuple by itself is enough.
    refused : str
        Why the store would refuse it; empty if it would not.
    against_rules : str
        Why no rule of the schema takes such a field when it is archived; empty if one does.
    roots : tuple of RootShare
        Of several roots, what each has of it.
    layouts : tuple of LayoutChoice
        Of variables that stand in time series, too: which layout reading whole fields, and a point, takes. Of others in
        tiles: what a point takes.
    """

    request: Request
    root: str
    fields: int
    keys: tuple[KeyMatch, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    missing: tuple[Request, ...] = ()
    relax: tuple[tuple[str, ...], ...] = ()
    refused: str = ""
    against_rules: str = ""
    roots: tuple[RootShare, ...] = ()
    layouts: tuple[LayoutChoice, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether `retrieve` would give everything that is named."""
        return self.fields > 0 and not self.missing and not self.refused

    def __repr__(self) -> str:
        return f"<Explanation of {self.request} in {self.root}>\n{self}"

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _repr_html_(self) -> str:
        from html import escape

        head, *items = self._lines()
        return f"<p><b>{escape(head)}</b></p><ul>{''.join(f'<li>{escape(item.strip())}</li>' for item in items)}</ul>"

    def _lines(self) -> list[str]:
        found = [f"{self.fields:,} field{'' if self.fields == 1 else 's'}" if self.fields else "no field"]
        if self.refused:
            found.append(f"  refused: {self.refused}")
        if self.against_rules:
            found.append(f"  no rule of the schema takes such fields: {self.against_rules}")
        found += [f"  {key}" for key in self.keys]
        if self.missing:
            shown = "; ".join(map(str, self.missing[:_SHOWN])) + ("; ..." if len(self.missing) > _SHOWN else "")
            found.append(f"  missing {count_of(self.missing):,}: {shown}")
        if self.relax:
            found.append(f"  leave out {' or '.join(' and '.join(keys) for keys in self.relax)}")
        found += [f"  {root}" for root in self.roots]
        found += [f"  {choice}" for choice in self.layouts[: 2 * _SHOWN]]
        found += [f"  {candidate}" for candidate in self.candidates[:_SHOWN]]
        more = len(self.candidates) - _SHOWN
        return [*found, f"  and {more} more groups"] if more > 0 else found

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return {
            "request": _plain(self.request),
            "fields": self.fields,
            "complete": self.is_complete,
            "keys": [
                {
                    "key": one.key,
                    "asked": list(one.asked),
                    "matched": list(one.matched),
                    "unmatched": list(one.unmatched),
                    "nearest": dict(one.nearest),
                    "existing": list(one.existing),
                }
                for one in self.keys
            ],
            "candidates": [
                {"cube": one.cube, "group": one.group, "fields": one.fields, "failing": list(one.failing)}
                for one in self.candidates
            ],
            "missing": [_plain(one) for one in self.missing],
            "relax": [list(one) for one in self.relax],
            "refused": self.refused,
            "against_rules": self.against_rules,
            **({"roots": [asdict(one) for one in self.roots]} if self.roots else {}),
            **({"layouts": [one.to_dict() for one in self.layouts]} if self.layouts else {}),
        }


def explain(request: Request, store: Reader, schema: Schema) -> Explanation:
    """Explain what a request takes of a root.

    Parameters
    ----------
    request : Request
        The request.
    store : Reader
        The root. What may not be listed there is not told either.
    schema : Schema
        Its schema.
    """
    try:
        found = list(store.select(request))
        everything = _of_its_cubes(request, store)
        keys = tuple(_key_match(key, request, store, everything) for key in request if not request.is_all(key))
    except (ControlledError, RequestError) as error:
        return Explanation(request, store.root, 0, refused=str(error))
    candidates = _candidates(request, found, everything)
    return Explanation(
        request=request,
        root=store.root,
        fields=sum(len(one.slots) for one in found),
        keys=keys,
        candidates=candidates,
        missing=tuple(missing_fields(request, found)) if found else (),
        relax=() if found else _relaxed(request, store, candidates),
        refused=_refused(request, store),
        against_rules=_against_rules(request, schema),
        layouts=tuple(layout_choices(found)),
    )


def _of_its_cubes(request: Request, store: Reader) -> Selections:
    """All fields of the cubes that the request names; of all cubes where it names none that exists."""
    of_cube = Request({key: list(request[key]) for key in request if key in CUBE_KEYS}, language=request.language)
    return list(store.select(of_cube)) or list(store.select())


def _key_match(key: str, request: Request, store: Reader, everything: Selections) -> KeyMatch:
    others = list(store.select(retrieval.without(request, key)))
    existing, aliases = _values(key, others)
    if not existing:
        existing, aliases = _values(key, everything)
    unmatched = request.missing(key, existing | aliases)
    have = sort_values(key, existing)
    near = {value: found for value in unmatched if (found := nearest(key, value, have)) is not None}
    asked = request.named(key)
    matched = tuple(value for value in asked if value not in unmatched)
    return KeyMatch(key, asked, matched, tuple(unmatched), near, tuple(have))


def _values(key: str, selections: Iterable[Selection]) -> tuple[set[str], set[str]]:
    """Values of a key over some fields, and the other values that these answer to."""
    found: set[str] = set()
    aliases: set[str] = set()
    for one in selections:
        found.update(one.axes.get(key, [one.group.grid.label] if key == "grid" else []))
        for used, parts in zip(one.used, one.dimensions, strict=True):
            for part in parts:
                if part.key == key and part.aliases is not None:
                    aliases.update(part.aliases[slot] for slot in used.tolist())
    if key in NONE_KEYS:  # fields without the key answer to "none"
        aliases.add("none")
    return found, aliases


def _candidates(request: Request, found: Selections, everything: Selections) -> tuple[Candidate, ...]:
    counts = {name: sum(len(one.slots) for one in parts) for name, parts in retrieval.by_group(found).items()}
    made = []
    for name, parts in retrieval.by_group(everything).items():
        failing = [key for key in request if not _meets(request, key, parts)]
        made.append(Candidate(*name, counts.get(name, 0), tuple(failing)))
    return tuple(sorted(made, key=lambda one: (-one.fields, len(one.failing), one.cube, one.group)))


def _meets(request: Request, key: str, parts: Selections) -> bool:
    values, aliases = _values(key, parts)
    return request.is_all(key) or bool(request.select(key, values | aliases))


def _relaxed(request: Request, store: Reader, candidates: Sequence[Candidate]) -> tuple[tuple[str, ...], ...]:
    """Keys to leave out: any one that is enough, else those that fail in the group that fits best."""

    def helps(*keys: str) -> bool:
        return any(True for _ in store.select(retrieval.without(request, *keys)))

    singly = tuple((key,) for key in request if not request.is_all(key) and helps(key))
    if singly:
        return singly
    together = {one.failing: None for one in candidates if len(one.failing) > 1}
    return tuple(keys for keys in list(together)[:1] if helps(*keys))


def _refused(request: Request, store: Reader) -> str:
    try:
        list(store.select(request, verb="retrieve"))
    except ControlledError as error:
        return str(error)
    return ""


def _against_rules(request: Request, schema: Schema) -> str:
    """The keys that each rule fails at; empty where a rule takes a field of the request, or where there are none."""
    found = {rule.label(number): _failing(rule, request) for number, rule in enumerate(schema.rules, 1)}
    if not all(found.values()):
        return ""
    return "; ".join(f"{label} fails at {', '.join(keys)}" for label, keys in found.items())


def _failing(rule: Rule, request: Request) -> list[str]:
    """Keys of which a rule takes none of the values that are asked for."""
    return [key for key in request if not request.is_all(key) and not _is_taken(rule, key, request)]


def _is_taken(rule: Rule, key: str, request: Request) -> bool:
    if key == "number" and "0" in request.named(key):
        return True  # the control forecast has no number
    if key not in rule.keys:
        return key == "grid" or (key in NONE_KEYS and "none" in request.named(key))
    found = rule.keys[key]
    if found.allow:
        return bool(request.select(key, meant(key, found.allow)))
    return not found.hidden and not set(request.named(key)) <= meant(key, found.exclude)


def _plain(request: Request) -> dict[str, list[str]]:
    return {key: list(values) for key, values in request.items()}
