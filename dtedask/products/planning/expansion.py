"""From a requirement to its products: every field that it names, grouped by the name of the file that holds it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from dtedask.core.errors import DtedaskError, ProductError
from dtedask.products.format import format_class
from dtedask.products.planning.canonical import cycles_of, member_of, members_of, params_of
from dtedask.products.planning.defaults import FindRecipes, find_recipes
from dtedask.products.product import Product
from dtedask.products.requirements.names import file_name, template_keys
from dtedask.store.ranks import sort_values

if TYPE_CHECKING:
    from dtedask.products.planning.cycle_fields import CycleFields
    from dtedask.products.planning.inventory import Inventory
    from dtedask.products.requirement import Cycle, Requirement

__all__ = ["Expansion", "fields_of", "is_for", "is_over_members", "named_cycles", "products_of"]

Keys = dict[str, str]
Request = Mapping[str, tuple[str, ...]]
_CYCLE = ("date", "time")
_DEEPEST = 4
_ENSEMBLE = ("cf", "pf")
_OVER_MEMBERS = frozenset({"em", "es", "ep", "pb", "taem", "taes"})
_COMPLETE = frozenset({"class", "stream", "expver", "type", "levtype", "step"})
_NOT_OPEN = frozenset({*_CYCLE, "param"})
_WITHOUT_LEVEL = frozenset({"sfc", "o2d"})


class Expansion:
    """Expands requirements; what several of them ask for is made out once.

    Parameters
    ----------
    inventory : Inventory
        What says which values there are where a requirement leaves a key out or asks for ``all``. Where nothing of the
        kind exists yet, ``all`` stays, and what is called so is not found.
    find : callable
        Finds ways to make what does not exist of what does.
    """

    def __init__(self, inventory: Inventory, find: FindRecipes = find_recipes) -> None:
        self._inventory, self._find = inventory, find
        self._fields: dict[tuple[Cycle, tuple[tuple[str, tuple[str, ...]], ...]], list[Keys]] = {}
        self._known: dict[tuple[tuple[str, str], ...], Keys] = {}

    def products(self, requirement: Requirement, cycle: Cycle) -> Iterator[Product]:
        """Products that a requirement gives for one cycle, in the order of their fields.

        Raises
        ------
        DtedaskError
            If nothing can be made of it, such as the name of a file.
        """
        if not is_for(requirement, cycle):
            return
        suffix = format_class(requirement.format.type).suffix
        template = requirement.file_name or format_class(requirement.format.type).default_name
        due = requirement.due(cycle)
        for group in _grouped(self.fields(requirement.request, cycle), template_keys(template)):
            name = file_name(template, group[0], requirement, cycle, suffix=suffix)
            yield Product(requirement, cycle, name, tuple(group), due)

    def fields(self, request: Request, cycle: Cycle) -> list[Keys]:
        """Keys of every field that a request takes of a cycle, in its order: the last key runs fastest.

        Fields that are the same are the same object.
        """
        place = (cycle, tuple(request.items()))
        if place not in self._fields:
            found = fields_of(request, self._inventory.at(cycle), self._find)
            full = ({**keys, **cycle.keys} for keys in found)
            same = (self._known.setdefault(tuple(keys.items()), keys) for keys in full)
            self._fields[place] = list({id(keys): keys for keys in same}.values())  # none of them twice
        return self._fields[place]


def products_of(
    requirement: Requirement, cycle: Cycle, inventory: Inventory, find: FindRecipes = find_recipes
) -> Iterator[Product]:
    """Products that a requirement gives for one cycle; see `Expansion`."""
    return Expansion(inventory, find).products(requirement, cycle)


def is_for(requirement: Requirement, cycle: Cycle) -> bool:
    """Whether a requirement is for a cycle: it may name dates and times."""
    request, keys = requirement.request, cycle.keys
    return all(key not in request or "all" in request[key] or keys[key] in request[key] for key in _CYCLE)


def named_cycles(requirement: Requirement, there: Sequence[Cycle]) -> Sequence[Cycle]:
    """Runs that there are, and those whose dates a requirement names: their products wait.

    Parameters
    ----------
    requirement : Requirement
        What was ordered. Without times it is for those of day at which there are runs.
    there : sequence of Cycle
        Runs that there are.
    """
    dates = requirement.request.get("date", ("all",))
    if "all" in dates:
        return there
    times = requirement.request.get("time", ("all",))
    if "all" in times:
        times = tuple(sorted({cycle.keys["time"] for cycle in there})) or ("0000",)
    known = set(there)
    named = (cycle for date in dates for time in times for cycle in cycles_of({"date": date, "time": time}))
    return (*there, *(cycle for cycle in named if cycle not in known))


def fields_of(request: Request, known: CycleFields, find: FindRecipes = find_recipes) -> Iterator[Keys]:
    """Keys of every field that a request takes of a cycle, without those of the cycle.

    Raises
    ------
    ProductError
        If it names no parameter, and there is none.
    """
    params = request.get("param")
    if not params or "all" in params:
        params = tuple(sort_values("param", known.expected_params))
    if not params:
        raise ProductError("The requirement names no parameter.", hint="Name one, as in 'param=2t/tp'.")
    named = [_param(name, known) for name in params]
    for combination in _named(request):
        for param in named:
            yield from _completed({**combination, "param": param}, request, known, find)


def _param(name: str, known: CycleFields) -> str:
    """The paramId that a name means among those that exist; else the likeliest."""
    ids = params_of(name)
    return ids[0] if len(ids) == 1 else next((one for one in ids if one in known.expected_params), ids[0])


def _named(request: Request) -> Iterator[Keys]:
    """All combinations of the values that are named, but for parameters; members are one axis."""
    axes: list[list[Keys]] = []
    members = _members(request)
    beside = {*_CYCLE, "param", *(("number",) if members or is_over_members(request) else ())}
    for key, values in request.items():
        if key == "type" and members is not None:
            axes.append(members)
        elif key not in beside and "all" not in values:
            axes.append([{key: value} for value in values])
    for parts in itertools.product(*axes):
        yield {key: value for part in parts for key, value in part.items()}


def _members(request: Request) -> list[Keys] | None:
    """The members that are named, with their types; None where types alone or nothing is named."""
    types, numbers = request.get("type", ()), request.get("number", ())
    if not set(types) & set(_ENSEMBLE) or not numbers or "all" in numbers:
        return None
    return [{"type": kind, "number": number} for kind, number in members_of(types, numbers)]


def is_over_members(request: Request) -> bool:
    """Whether the fields are made over members, which `number` then chooses."""
    return bool(_OVER_MEMBERS & set(request.get("type", ())))


def _completed(keys: Keys, request: Request, known: CycleFields, find: FindRecipes) -> Iterable[Keys]:
    """Fields with keys that leave others open: those that exist, else what is named and ``all``."""
    if _is_complete(keys, request):
        return [keys]
    found: dict[tuple[tuple[str, str], ...], Keys] = {}
    for one in _like(keys, known, find):
        if "number" not in keys and _is_other(one.get("type"), keys.get("type")):
            continue  # a control forecast is no perturbed one where members are not named
        own = {key: value for key, value in one.items() if key not in _CYCLE}
        if keys.get("type") in _OVER_MEMBERS:
            own.pop("number", None)
        elif member_of(own):
            own["number"] = member_of(own)
        full = {**keys, **{key: value for key, value in own.items() if key not in keys}}
        found[tuple(full.items())] = full
    if found:
        return _in_order(list(found.values()), keys)
    return [{**keys, **{key: "all" for key, values in request.items() if "all" in values and key not in _CYCLE}}]


def _is_other(one: str | None, asked: str | None) -> bool:
    return one is not None and asked is not None and one != asked


def _like(keys: Keys, known: CycleFields, find: FindRecipes, depth: int = 0) -> Iterable[Mapping[str, str]]:
    """Keys of the fields themselves, or of those that they are made of where they are made of others."""
    found: Iterable[Mapping[str, str]] = known.expected(keys)
    if found or depth == _DEEPEST:
        return found
    with suppress(DtedaskError):  # what cannot be said yet is said when the field is planned
        for recipe in find(keys):
            like = dict(recipe.like(keys))
            others = _like(like, known, find, depth + 1)
            if others:
                beside = {key for key in like if like[key] != keys.get(key)}
                return [{key: value for key, value in one.items() if key not in beside} for one in others]
    return ()


def _is_complete(keys: Keys, request: Request) -> bool:
    """Whether keys name a field, so that nobody need look what there is."""
    if not keys.keys() >= _COMPLETE or _is_open(request):
        return False
    if keys["type"] in _ENSEMBLE and "number" not in keys:
        return False
    return keys["levtype"] in _WITHOUT_LEVEL or "levelist" in keys


def _is_open(request: Request) -> bool:
    """Whether a key but the parameter takes all that there is."""
    return any("all" in values and key not in _NOT_OPEN for key, values in request.items())


def _in_order(found: list[Keys], named: Keys) -> list[Keys]:
    """Fields by the values of what was left open, numbers as such."""
    opened = [key for key in found[0] if key not in named]
    ranks = {
        key: {value: rank for rank, value in enumerate(sort_values(key, {one.get(key, "") for one in found} - {""}))}
        for key in opened
    }
    return sorted(found, key=lambda one: [ranks[key].get(one.get(key, ""), -1) for key in opened])


def _grouped(fields: Sequence[Keys], names: Sequence[str]) -> Iterable[list[Keys]]:
    """Fields that give the same file name."""
    groups: dict[tuple[str, ...], list[Keys]] = {}
    for keys in fields:
        groups.setdefault(tuple(keys.get(name, "") for name in names), []).append(keys)
    return groups.values()
