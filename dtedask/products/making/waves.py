"""Parts of a run that fit into memory one after another; what does not fit by itself is refused before it begins."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dtedask.core.errors import TaskMemoryError
from dtedask.core.sizes import size_text
from dtedask.products.making.bundles import bytes_of
from dtedask.products.making.state import State

if TYPE_CHECKING:
    from dtedask.products.making.units import Unit
    from dtedask.products.node import Node
    from dtedask.products.planning.make import Make

__all__ = ["Wave", "peak_bytes", "waves_of"]

UnitsOf = Callable[[Sequence["Make"]], list["Unit"]]


@dataclass(frozen=True, slots=True, eq=False)
class Wave:
    """Products that are made together.

    Parameters
    ----------
    makes : tuple of Make
        Which.
    units : tuple of Unit
        The tasks behind them.
    peak_bytes : int
        About what values take together at most, if one task runs after another.
    error : TaskMemoryError, optional
        Why it cannot be made: it is one product that takes more memory than there is.
    """

    makes: tuple[Make, ...]
    units: tuple[Unit, ...]
    peak_bytes: int
    error: TaskMemoryError | None = None


def waves_of(makes: Sequence[Make], units_of: UnitsOf, limit_bytes: int) -> Iterator[Wave]:
    """Cut a run into parts that fit into memory, the most urgent products first; one where all fit.

    A field that products of several parts need is read in each of them.

    Parameters
    ----------
    makes : sequence of Make
        In the order of their urgency.
    units_of : callable
        Gives the tasks behind some products.
    limit_bytes : int
        What values may take together.
    """
    if not makes:
        return
    units = units_of(makes)
    peak = peak_bytes(units, makes, limit_bytes)
    if peak <= limit_bytes:
        yield Wave(tuple(makes), tuple(units), peak)
    elif len(makes) == 1:
        yield Wave(tuple(makes), (), peak, _refusal(makes[0], peak, limit_bytes))
    else:
        together = near(makes)
        middle = len(together) // 2
        for half in (together[:middle], together[middle:]):
            yield from waves_of(half, units_of, limit_bytes)


def near(makes: Sequence[Make]) -> list[Make]:
    """Order equally urgent products so that those of the same fields are neighbours."""
    ranks: dict[int, int] = {}

    def place(make: Make) -> tuple[float, int, list[int]]:
        reads = (ranks.setdefault(id(one), len(ranks)) for node in make.nodes for one in _read_by(node))
        due, priority, _ = make.urgency
        return due, priority, sorted(set(reads))

    return sorted(makes, key=place)


def peak_bytes(units: Sequence[Unit], makes: Sequence[Make], enough_bytes: int = 0) -> int:
    """About what values take together at most, if one task runs after another and products are finished at once.

    Where all values together take no more than `enough_bytes` their sum is the answer.
    """
    total = sum(bytes_of(node) for unit in units for node in unit.makes)
    if total <= enough_bytes:
        return total
    state = State(units, makes)
    while (unit := state.take()) is not None:
        for one in state.done(unit, [None] * len(unit.nodes), [bytes_of(node) for node in unit.nodes]):
            state.finished(one.make)
    return max(state.most_bytes, max((_working_bytes(unit) for unit in units), default=0))


def _working_bytes(unit: Unit) -> int:
    """What one task takes: its inputs, and all that it makes."""
    return sum(map(bytes_of, unit.uses)) + sum(map(bytes_of, unit.makes))


def _read_by(node: Node) -> Iterator[Node]:
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if not one.inputs:
            yield one
        waiting += one.inputs


def _refusal(make: Make, need: int, limit: int) -> TaskMemoryError:
    return TaskMemoryError(
        f"{make.products[0].id} needs about {size_text(need)} of memory, and products may take {size_text(limit)}.",
        hint="Give it more memory, or fewer fields a product: name the key that changes most in its file name.",
    )
