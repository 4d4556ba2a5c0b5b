"""Series of fields for tests, and the ways in which a run takes them into a state."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dtedask.pipeline.statistics.facts import WindowFacts

SEGMENT = 32
FACTS = WindowFacts(0, 86_400, 3_600, 86_400, 24, 3_600)
VALUES = st.floats(-1e6, 1e6) | st.just(np.nan)


def series(max_fields=12, elements=VALUES, max_points=6):
    """Fields of some points, one after the other."""
    shapes = st.tuples(st.integers(1, max_fields), st.integers(1, max_points))
    return shapes.flatmap(lambda shape: arrays(np.float64, shape, elements=elements, fill=st.just(0.0)))


def folded(operations, values):
    """One field after the other into one state."""
    state = operations.begin(values[0])
    for one in values[1:]:
        state = operations.update(state, one)
    return state


def segmented(operations, values, through=lambda state: state):
    """As a run does it: segments of so many fields, merged in order; a state may go through something in between."""
    total, segment = None, None
    for one in values:
        segment = operations.begin(one) if segment is None else operations.update(through(segment), one)
        if segment.fields == SEGMENT:
            total, segment = segment if total is None else operations.merge(through(total), segment), None
    if segment is None or total is None:
        return segment if total is None else total
    return operations.merge(total, segment)


def finished(operations, state, opening=None):
    """All results."""
    return {name: operations.finish(name, state, FACTS, opening) for name in operations.names}
