"""Fields through one action `statistics`, for tests."""

from datetime import UTC, datetime, timedelta

import numpy as np

from dtedask.pipeline import Message
from dtedask.pipeline.action import Context, make_action
from dtedask.pipeline.compute import Eager
from dtedask.request import format_step
from tests.pipeline.fields import field

END = Message.flush("end-of-simulation")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def statistics(operations=("average",), frequency="1d", *, details=None, **options):
    document = {"type": "statistics", "operations": list(operations), "output-frequency": frequency}
    return make_action({**document, **options, "options": details or {}}, Context("test"))


def run(action, messages, *, end=True, compute=None):
    """All results of some fields, in order."""
    state, compute = action.start(), compute or Eager()
    found = [out for message in messages for out in action.handle(message, state, compute) if out.is_field]
    return found + ([out for out in action.handle(END, state, compute) if out.is_field] if end else [])


def forecast(steps, *, seconds=3600, **keys):
    """Fields of a forecast, one value each, at multiples of so many seconds."""
    return [at_step(step * seconds, **keys) for step in steps]


def at_step(seconds, **keys):
    return field(values_of(seconds + 10**9 * int(keys.get("param", 0))), step=format_step(seconds), **keys)


def analysis(moment, **keys):
    date = f"{moment:%Y%m%d}"
    return field(values_of(moment.timestamp()), **{"type": "an", "date": date, "time": f"{moment:%H%M}", **keys})


def analyses(start, count, hours):
    return [analysis(start + timedelta(hours=hours * place)) for place in range(count)]


def values_of(seed):
    return np.random.default_rng(abs(int(seed))).normal(size=(3, 4))
