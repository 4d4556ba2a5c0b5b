"""The same calls as of the real MultIO, through our actions."""

from dtedask.pipeline import Kind, Message, Plan
from dtedask.pipeline.compute import Eager
from dtedask.pipeline.streams.stream_metadata import keys_of, values_of

_KINDS = {"field": Kind.FIELD, "flush": Kind.FLUSH, "domain": Kind.DOMAIN, "mask": Kind.MASK, "notify": Kind.NOTICE}


def message_of(kind, keys, values=None):
    found = keys_of(keys)
    if kind == "field":
        values = values_of(values, found)
    return Message(_KINDS[kind], found, values)


def run(actions, calls):
    """What comes out: a list of (number of the call that brought it out, message), fields only."""
    (pipeline,) = Plan.from_yaml({"actions": actions}).pipelines
    states = [action.start() for action in pipeline.actions]

    def through(message, position):
        if position == len(states):
            yield message
            return
        for out in list(pipeline.actions[position].handle(message, states[position], Eager())):
            yield from through(out, position + 1)

    return [
        (number, out)
        for number, call in enumerate(calls)
        for out in through(message_of(*call), 0)
        if out.kind is Kind.FIELD
    ]


def values(actions, calls):
    return [out.values for _, out in run(actions, calls)]
