"""Values that a graph will compute, and the tasks behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

from dask._task_spec import Alias, DataNode, List, Task, TaskRef
from dask.base import tokenize

from dtedask.pipeline.compute import Fold
from dtedask.pipeline.graph.tasks import Later, apply, fold_all

__all__ = ["Constant", "Folded", "Node", "Result", "is_held"]

_NOTHING: Any = object()
IsOwn = Callable[["Node"], bool]


class Node:
    """A value that a graph will compute; it stands where an action would have an array.

    Parameters
    ----------
    key : str
        Name of its task: readable, and the same in every process for the same work.
    """

    stands_for_values: ClassVar[bool] = True
    __slots__ = ("__weakref__", "_key", "held")

    def __init__(self, key: str) -> None:
        self._key = key
        self.held: Any = _NOTHING
        """The value, or the future of it, once it was computed."""

    @property
    def key(self) -> str:
        """Name of its task."""
        return self._key

    @property
    def inputs(self) -> Iterable[Node]:
        """What its task needs."""
        return ()

    def task(self, is_own: IsOwn = lambda _: False) -> Any:
        """What Dask is to do.

        Parameters
        ----------
        is_own : callable
            Whether nothing else needs a node that this task needs, so that it may be made here.
        """
        raise NotImplementedError

    def later(self, is_own: IsOwn) -> Later | None:  # noqa: ARG002 - most of them are tasks
        """The value as something that another task makes on its way; None where it must be a task of its own."""
        return None

    def hold(self, value: Any) -> None:
        """Keep what was computed; how it was is forgotten, and with it what nobody else needs."""
        self.held = value

    def held_task(self) -> Any:
        """What stands in a graph for a value that is there: the value, or the future of a worker."""
        if hasattr(self.held, "status") and hasattr(self.held, "key"):
            return self.held
        return DataNode(self.key, self.held)

    def __dask_tokenize__(self) -> str:
        return self.key

    def __repr__(self) -> str:
        return f"<{self.key}>"


def is_held(node: Node) -> bool:
    """Whether the value of a node was computed."""
    return node.held is not _NOTHING


class Constant(Node):
    """Something large that many tasks need, such as weights: a node of its own, so that each worker has it once."""

    __slots__ = ()

    def __init__(self, key: str, value: Any) -> None:
        super().__init__(key)
        self.held = value


class Result(Node):
    """What a function gives.

    Parameters
    ----------
    key : str
        Name of the task.
    function : callable or Node
        What is called.
    arguments : sequence
        Nodes and constants; lists and tuples of nodes too.
    """

    __slots__ = ("_arguments", "_function")

    def __init__(self, key: str, function: Any, arguments: Sequence[Any]) -> None:
        super().__init__(key)
        self._function, self._arguments = function, tuple(arguments)

    @property
    def inputs(self) -> Iterable[Node]:
        """See `Node`."""
        return nodes_in((self._function, *self._arguments))

    def later(self, is_own: IsOwn) -> Later | None:
        """See `Node`."""
        if isinstance(self._function, Node) or not is_own(self):
            return None
        arguments = [one.later(is_own) if isinstance(one, Node) else one for one in self._arguments]
        whole = all(
            one is not None if isinstance(given, Node) else next(iter(nodes_in(given)), None) is None
            for one, given in zip(arguments, self._arguments, strict=True)
        )
        return Later(self._function, tuple(arguments)) if whole else None

    def task(self, is_own: IsOwn = lambda _: False) -> Any:  # noqa: ARG002 - it takes its arguments all at once
        """See `Node`."""
        arguments = [_refer(one) for one in self._arguments]
        if isinstance(self._function, Node):
            return Task(self.key, apply, TaskRef(self._function.key), *arguments)
        return Task(self.key, self._function, *arguments)

    def hold(self, value: Any) -> None:
        """See `Node`."""
        super().hold(value)
        self._function, self._arguments = None, ()


class Folded(Node):
    """A state into which values are taken one after another, in one task.

    Parameters
    ----------
    name : str
        What to call it.
    fold : Fold
        How.
    token : str
        Stands for `fold`.
    base : Node, optional
        The state before; None for a new one.
    values : tuple of Node
        What is taken.
    """

    __slots__ = ("_base", "_fold", "_name", "_token", "_values")

    def __init__(self, name: str, fold: Fold, token: str, base: Node | None, values: tuple[Node, ...]) -> None:
        super().__init__("")
        self._name, self._fold, self._token, self._base, self._values = name, fold, token, base, values

    def with_value(self, name: str, token: str, value: Node, most: int) -> Folded | None:
        """The same task with one more value; None where that is another task, such as when this one was asked for."""
        if self._key or (self._name, self._token) != (name, token) or len(self._values) >= most:
            return None
        return Folded(name, self._fold, token, self._base, (*self._values, value))

    @property
    def key(self) -> str:
        """Name of the task. Who asks for it needs the state as it is: what follows is another task."""
        if not self._key:
            base = self._base.key if self._base is not None else ""
            self._key = f"{self._name}-{tokenize(self._token, base, [value.key for value in self._values])}"
        return self._key

    @property
    def inputs(self) -> Iterable[Node]:
        """See `Node`."""
        return (*self._values, *(() if self._base is None else (self._base,)))

    def own_inputs(self, is_own: IsOwn) -> tuple[Later | None, ...]:
        """Values that are made in this task, one after another: no more than one of them is in memory."""
        return tuple(None if is_held(value) else value.later(is_own) for value in self._values)

    def task(self, is_own: IsOwn = lambda _: False) -> Any:
        """See `Node`."""
        base = None if self._base is None else TaskRef(self._base.key)
        values = [
            TaskRef(value.key) if own is None else own
            for own, value in zip(self.own_inputs(is_own), self._values, strict=True)
        ]
        return Task(self.key, fold_all, self._fold, base, *values)

    def hold(self, value: Any) -> None:
        """See `Node`."""
        self._key = self.key
        super().hold(value)
        self._base, self._values = None, ()


def alias(key: Any, node: Node) -> Any:
    """A second name for a node, such as that of a block of an array."""
    return Alias(key, node.key)


def nodes_in(value: Any) -> Iterable[Node]:
    """The nodes in a value, in lists and tuples too."""
    if isinstance(value, Node):
        yield value
    elif isinstance(value, list | tuple):
        for one in value:
            yield from nodes_in(one)


def _refer(value: Any) -> Any:
    """An argument as a task has it."""
    if isinstance(value, Node):
        return TaskRef(value.key)
    if isinstance(value, list | tuple) and any(True for _ in nodes_in(value)):
        return List(*(_refer(one) for one in value))
    return value
