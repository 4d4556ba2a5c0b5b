"""Actions that fail when they are told to, and fields to feed them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from dtedask.core.errors import FieldError
from dtedask.pipeline import Action, ActionOptions, Context, Message, Saved
from dtedask.pipeline.plan import Pipeline
from dtedask.pipeline.runs.policy import OnError


class Sum:
    """Adds fields up in two arrays; fails after the first of them where a value is negative."""

    def begin(self, values):
        return self.update({"sum": np.zeros_like(values), "squares": np.zeros_like(values)}, values)

    def update(self, state, values):
        state["sum"] += values
        if (values < 0).any():
            raise FieldError("A negative value.", hint="Give it a positive one.")
        state["squares"] += values * values
        return state


@dataclass
class SumState:
    series: dict[str, Any] = field(default_factory=dict)
    count: int = 0


class SumAction(Action):
    """A running sum of each parameter; it counts before it adds, so that a failure leaves half an update."""

    def start(self):
        return SumState()

    def handle(self, message, state, compute) -> Iterable[Message]:
        if not message.is_field:
            yield message
            return
        state.count += 1
        param = message.keys["param"]
        before = state.series.get(param)
        state.series[param] = None
        state.series[param] = compute.fold("sum", Sum(), before, message.values)
        total = compute.call("copy", _copied, state.series[param])
        yield message.replaced(values=total)

    def save(self, state):
        arrays = {f"{param}:{name}": array for param, one in state.series.items() for name, array in one.items()}
        return Saved({"count": state.count}, arrays)

    def load(self, saved):
        state = SumState(count=saved.document["count"])
        for name, array in saved.arrays.items():
            param, _, part = name.partition(":")
            state.series.setdefault(param, {})[part] = array
        return state


class Broken(Action):
    """Fails so many times, then hands on."""

    times: ClassVar[int] = 10**9

    def start(self):
        return {"failed": 0}

    def handle(self, message, state, compute):  # noqa: ARG002
        if message.is_field and tally[0] < type(self).times:
            tally[0] += 1
            raise OSError("No such luck.")
        yield message


class BrokenTwice(Broken):
    times = 2


tally = [0]


def _copied(state):
    return state["sum"] + 1000 * state["squares"]


class Collect(Action):
    """Keeps what comes."""

    takes_arrays = True

    def start(self):
        return []

    def handle(self, message, state, compute):  # noqa: ARG002
        state.append(message)
        yield message


def pipeline(name, *kinds, on_error="propagate", policies=()):
    """Make a pipeline of actions; `policies` are those of the actions, None where they say nothing."""
    tally[0] = 0
    given = [*policies, *[None] * (len(kinds) - len(policies))]
    actions = tuple(
        kind(ActionOptions(type=kind.__name__.lower(), on_error=policy), Context(name, position))
        for position, (kind, policy) in enumerate(zip(kinds, given, strict=True))
    )
    return Pipeline(name, actions, on_error=OnError.model_validate(on_error))


def fields(*values, param="130", points=3):
    return [
        Message(
            one_kind(),
            {"param": param, "date": "20240601", "time": "0000", "step": str(step)},
            np.full(points, float(value)),
        )
        for step, value in enumerate(values)
    ]


def one_kind():
    from dtedask.pipeline import Kind

    return Kind.FIELD


def collected(run, pipeline_index=0):
    """Return the values that reached the last action of a pipeline."""
    chain = run._chains[pipeline_index]
    return [one.values.tolist() for one in chain.links[-1].state if one.is_field]


def collector():
    """Make an action that keeps what comes."""
    return Collect(ActionOptions(type="collect"), Context())
