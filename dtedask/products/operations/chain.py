"""From a field to what was ordered: the operations that MIR's keywords stand for."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from dtedask.core.errors import GridError, ProductError
from dtedask.core.settings import setting
from dtedask.geo import Grid
from dtedask.products.operations.bound import named
from dtedask.products.operations.kinds import Kind, kind_of
from dtedask.products.operations.pairs import VORTICITY_DIVERGENCE, pair_of
from dtedask.products.operations.regridding import PATHS
from dtedask.products.operations.steps import Asked, Step, Together, steps_of
from dtedask.products.operations.winds import Component
from dtedask.products.requirement import Formula, PostProcessing

if TYPE_CHECKING:
    from dtedask.products.node import Node, Nodes

__all__ = ["FormulaOf", "post_processed"]

FormulaOf = Callable[["Nodes", Formula, "Node", Callable[["Node"], "Node"]], "Node"]
"""Applies a formula to a field; the last argument brings another field to where this one is."""
_KEPT: WeakKeyDictionary[Nodes, tuple[Any, ...]] = WeakKeyDictionary()
"""Settings as they were when the first field of a plan was looked at: they take longer to read than all the rest."""
_FILES = (*PATHS, "path")


def post_processed(
    nodes: Nodes,
    how: PostProcessing,
    field: Node,
    *,
    pair: Node | None = None,
    formula: FormulaOf | None = None,
) -> Node:
    """Make what was ordered of a field.

    Parameters
    ----------
    nodes : Nodes
        Makes the nodes.
    how : PostProcessing
        What is done.
    field : Node
        The field.
    pair : Node, optional
        The field that belongs to it, as `inputs_for` says: the other component of a wind, where the grid is turned; of
        vorticity, which gives u, divergence, and of divergence, which gives v, vorticity.
    formula : callable, optional
        Applies formulas; needed where there are any.

    Returns
    -------
    Node
        The field as it was ordered; `field` itself where nothing is done.

    Raises
    ------
    ProductError
        If it cannot be done with such a field; names the field and both grids.
    """
    try:
        steps = _steps(how, field.description.grid, _kind(field), _beside(nodes, how))
    except GridError as error:
        raise _cannot(how, field, error) from error
    return _Way(nodes, field, pair, formula).go(steps)


class _Way:
    """A field on its way, and the one that belongs to it as long as it is needed."""

    def __init__(self, nodes: Nodes, field: Node, pair: Node | None, formula: FormulaOf | None) -> None:
        self.nodes, self.field, self.pair, self.formula = nodes, field, pair, formula
        self.number = _number(field)

    def go(self, steps: tuple[Step, ...]) -> Node:
        last = max((number for number, step in enumerate(steps) if isinstance(step, Together)), default=-1)
        for number, step in enumerate(steps):
            if isinstance(step, Together):
                self._both(step, is_last=number == last)
                continue
            self.field = self._one(step, self.field)
            if self.pair is not None and number < last:
                self.pair = self._one(step, self.pair)
        return self.field

    def _one(self, step: Step, field: Node) -> Node:
        if not isinstance(step, Asked):
            assert not isinstance(step, Together)
            return self.nodes.make(step, field)
        if self.formula is None:
            raise ProductError(
                f"Nothing is there that can apply the formula {step.formula.text!r}.", hint="Give `formula`."
            )
        return self.formula(self.nodes, step.formula, field, lambda other: self._brought(step.before, other))

    def _brought(self, how: PostProcessing, other: Node) -> Node:
        try:
            kind = _kind(other)
            kind = "scalar" if kind == "wind" else kind  # the other component is not there
            steps = _steps(how, other.description.grid, kind, _beside(self.nodes, how))
        except GridError as error:
            raise _cannot(how, other, error) from error
        return _Way(self.nodes, other, None, None).go(steps)

    def _both(self, step: Together, *, is_last: bool) -> None:
        if self.pair is None:
            raise ProductError(
                f"{named(self.field.description).capitalize()} is one component of a wind, and the other is not there.",
                hint="Turned grids and vod2uv need both.",
            )
        ordered = (self.field, self.pair) if self.number == 0 else (self.pair, self.field)
        both = self.nodes.make(step.operation, *ordered)
        params = step.params or tuple(node.description.keys["param"] for node in ordered)
        self.field = self._component(step, both, params, self.number)
        self.pair = None if is_last else self._component(step, both, params, 1 - self.number)

    def _component(self, step: Together, both: Node, params: tuple[str, ...], number: int) -> Node:
        return self.nodes.make(Component(step.operation.target, number, params[number]), both)


@lru_cache(16_384)
def _steps(how: PostProcessing, grid: Grid, kind: Kind, beside: tuple[Any, ...]) -> tuple[Step, ...]:
    return steps_of(how, grid, kind, beside)


def _beside(nodes: Nodes, how: PostProcessing) -> tuple[Any, ...]:
    """What steps depend on beside the keywords: files that may change, and where weights are kept."""
    kept = _KEPT.get(nodes)
    if kept is None:
        kept = _KEPT[nodes] = (setting("geo.weights-cache"), setting("geo.weights-memory"))
    if not how.bitmap and not how.method_options:
        return kept
    files = [how.bitmap, *(value for name, value in how.method_options if name.replace("-", "_") in _FILES)]
    return (*kept, *(_stamp(path) for path in files if path))


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _kind(field: Node) -> Kind:
    return kind_of(field.description.keys.get("param", ""))


def _number(field: Node) -> int:
    """Whether a field is the first or the second of two that belong together."""
    param = field.description.keys.get("param", "")
    pair = VORTICITY_DIVERGENCE if param in VORTICITY_DIVERGENCE else pair_of(param)
    return 0 if pair is None else pair.index(param)


def _cannot(how: PostProcessing, field: Node, error: GridError) -> ProductError:
    wanted = how.grid or "other points"
    return ProductError(
        f"{named(field.description).capitalize()} on {field.description.grid.label} cannot be put on {wanted}: "
        f"{error.message}",
        hint=error.hint,
    )
