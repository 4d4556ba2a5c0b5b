"""Orders as tests make them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from dtedask.products import Cycle, FormatOptions, PostProcessing, Product, Requirement
from dtedask.products.live.events import Expand, Found, Opened, Required, Start
from dtedask.products.live.order import Order, need_of
from dtedask.products.live.orders import Orders
from dtedask.products.live.pacing import Pacing

CYCLE = Cycle(datetime(2024, 6, 3, tzinfo=UTC))
NOW = CYCLE.time + timedelta(hours=5)


def requirement(name="a", *, hours=None, priority=0, digest="1", **request):
    request = {key: tuple(str(value).split("/")) for key, value in {"time": "0000", **request}.items()}
    deadline = None if hours is None else timedelta(hours=hours)
    how = PostProcessing()
    return Requirement(
        name, "me", request, how, FormatOptions(type="grib2"), deadline=deadline, priority=priority, digest=digest
    )


def keys(*, cycle=CYCLE, param="167", step="0", **others):
    return {**cycle.keys, "param": param, "step": step, "levtype": "sfc", **others}


def order(name="a", *needs, cycle=CYCLE, of=None, left_open="nothing", file_name="f.grib2"):
    of = of or requirement(name)
    product = Product(of, cycle, file_name, (), of.due(cycle))
    return Order(product, tuple(need_of(one) for one in needs), left_open)


def opened(*orders, present=(), cycle=CYCLE, now=NOW, pacing=None):
    """A machine with these orders, and what it says of them."""
    machine = Orders(pacing or Pacing())
    wanted = tuple({one.product.requirement.name: one.product.requirement for one in orders}.values())
    machine.handle(Required(wanted), now)
    machine.handle(Found((cycle,)), now)
    said = machine.handle(Opened(cycle, wanted, orders, frozenset(map(need_of, present))), now)
    return machine, said


def started(instructions):
    """Ids of all products that are started, in order."""
    return [product.id for one in instructions if isinstance(one, Start) for product in one.products]


def expanded(instructions):
    """Cycles, and names of the requirements that are to be expanded in each."""
    return [
        (one.cycle, [requirement.name for requirement in one.requirements])
        for one in instructions
        if isinstance(one, Expand)
    ]
