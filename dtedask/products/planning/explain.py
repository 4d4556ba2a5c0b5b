"""Reckons what a plan takes and gives, before anything is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from dtedask.core.errors import DtedaskError
from dtedask.products.formats.extract import Extract
from dtedask.products.making.units import units_of
from dtedask.products.making.waves import peak_bytes
from dtedask.products.node import inputs_of
from dtedask.products.operations.regrid import Regrid
from dtedask.products.planning.canonical import request_text, shown
from dtedask.products.planning.explanation import Explanation, Missing, OwnerShare, Problem, WeightsWork
from dtedask.products.planning.garbage import kept_objects
from dtedask.products.planning.rates import Rates
from dtedask.products.planning.read import Read
from dtedask.products.planning.work import works_of
from dtedask.store.compact import compact_keys

if TYPE_CHECKING:
    from dtedask.products.node import Node
    from dtedask.products.planning.plan import ProductPlan, Waiting
    from dtedask.products.product import Product

__all__ = ["explain"]

_BYTES = 4


def explain(plan: ProductPlan, *, rates: Rates | None = None) -> Explanation:
    """Say what a plan takes and gives; nothing is read.

    Parameters
    ----------
    plan : ProductPlan
        The plan.
    rates : Rates, optional
        How fast things are done; those of the settings by default.
    """
    with kept_objects():
        return _explained(plan, rates or Rates.of_settings())


def _explained(plan: ProductPlan, rates: Rates) -> Explanation:
    nodes = inputs_of(node for make in plan.makes for node in make.nodes)
    operations = works_of(nodes, plan)
    weights = tuple(_weights(nodes))
    reads = {work.name: work for work in operations}.get("read")
    return Explanation(
        requirements=len(_requirements(plan)),
        products=len(plan.products),
        makes=len(plan.makes),
        waiting=len(plan.waiting),
        skipped=len(plan.skipped),
        late=sum(one.due is not None and plan.now is not None and one.due < plan.now for one in plan.products),
        fields=reads.count if reads else 0,
        fields_alone=reads.alone if reads else 0,
        read_bytes=_BYTES * reads.points if reads else 0,
        read_bytes_alone=_BYTES * reads.points_alone if reads else 0,
        stored_bytes=sum(node.operation.stored_bytes for node in nodes if isinstance(node.operation, Read)),
        points=sum(node.size * len(make.products) for make in plan.makes for node in make.nodes),
        operations=operations,
        weights=weights,
        memory_bytes=peak_bytes(units_of(plan.makes), plan.makes),
        seconds=rates.seconds(operations, weights),
        seconds_alone=rates.seconds_alone(operations, weights),
        missing=tuple(_missing(plan.waiting)),
        problems=tuple(_problems(plan)),
        owners=tuple(_owners(plan)),
    )


def _requirements(plan: ProductPlan) -> set[int]:
    of_products = (*plan.products, *plan.skipped, *(one.product for one in plan.waiting))
    return {id(one.requirement) for one in of_products} | {id(one.requirement) for one in plan.broken}


def _weights(nodes: Iterable[Node]) -> Iterator[WeightsWork]:
    """Weights of the regriddings, each once."""
    weighing = [node.operation for node in nodes if isinstance(node.operation, (Regrid, Extract))]
    handles = {one.handle.key: one.handle for one in weighing}
    for handle in handles.values():
        asked = handle.interpolation
        name = f"{asked.source.label} to {asked.target.label}, {asked.method}"
        yield WeightsWork(name, asked.target.size, handle.is_kept)


def _missing(waiting: Sequence[Waiting]) -> Iterator[Missing]:
    """Missing fields, those together that the same products wait for."""
    keys: dict[tuple[tuple[str, str], ...], Mapping[str, str]] = {}
    users: dict[tuple[tuple[str, str], ...], list[int]] = {}
    for number, one in enumerate(waiting):
        for missing in one.missing:
            place = tuple(missing.items())
            keys[place] = missing
            users.setdefault(place, []).append(number)
    together: dict[tuple[int, ...], list[Mapping[str, str]]] = {}
    for place, numbers in users.items():
        together.setdefault(tuple(numbers), []).append(keys[place])
    for waiters, fields in sorted(together.items(), key=lambda item: -len(item[0])):
        for request in _requests(fields):
            yield Missing(request, len(fields), len(waiters))


def _requests(fields: Sequence[Mapping[str, str]]) -> list[str]:
    try:
        return [request_text(request) for request in compact_keys(map(shown, fields))]
    except DtedaskError:  # keys that MARS does not have, such as limits of probabilities
        return [",".join(f"{key}={value}" for key, value in shown(one).items()) for one in fields]


def _problems(plan: ProductPlan) -> Iterator[Problem]:
    for one in plan.broken:
        product = one.product.id if one.product is not None else ""
        yield Problem(one.requirement.name, one.requirement.place, product, one.error.message, one.error.hint)


def _owners(plan: ProductPlan) -> Iterator[OwnerShare]:
    waiting = Counter(one.product.requirement.owner for one in plan.waiting)
    broken = Counter(one.requirement.owner for one in plan.broken)
    skipped = Counter(one.requirement.owner for one in plan.skipped)
    found = {owner: OwnerShare(owner) for owner in sorted({*waiting, *broken, *skipped, *_owners_of(plan.products)})}
    for one in plan.products:
        known = found[one.requirement.owner]
        found[known.owner] = replace(known, products=known.products + 1, fields=known.fields + len(one.fields))
    for owner, share in found.items():
        yield replace(share, waiting=waiting[owner], broken=broken[owner], skipped=skipped[owner])


def _owners_of(products: Iterable[Product]) -> set[str]:
    return {one.requirement.owner for one in products}
