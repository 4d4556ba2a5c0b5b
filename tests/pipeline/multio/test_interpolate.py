"""`interpolate-mtg2` against the real MultIO, whose numbers are MIR's."""

import numpy as np
import pytest

from dtedask.geo import Grid
from dtedask.pipeline import Message
from dtedask.pipeline.action import Context, make_action
from dtedask.pipeline.compute import Eager
from tests.pipeline.fields import field
from tests.pipeline.multio.real import mars_metadata


def outputs_of(*wanted):
    return [{"grid": grid, "options": {"interpolation": method}} for grid, method in wanted]


def both(multio, source, outputs):
    """What the real one and ours make of a random field, for each output."""
    grid = Grid(source)
    values = np.random.default_rng(7).normal(280, 20, grid.size)
    document = {"type": "interpolate-mtg2", "outputs": outputs}
    keys = mars_metadata(1, size=grid.size) | {"grid": source}
    theirs = multio.values([document], [("field", keys, values)])
    action = make_action(document, Context())
    ours = action.handle(field(values.reshape(grid.shape), on=grid), action.start(), Eager())
    return zip(theirs, [np.ravel(one.values) for one in ours if isinstance(one, Message)], strict=True)


@pytest.mark.slow
@pytest.mark.parametrize("source", ["O16", "10/10"])
def test_one_field_on_several_grids_has_the_values_of_multio(multio, source):
    methods = ["structured-bilinear", "structured-bicubic", "structured-biquasicubic", "grid-box-average", "nn"]
    wanted = outputs_of(("20/20", "nn"), ("O8", "grid-box-average"), *(("15/15", method) for method in methods[:3]))
    for theirs, ours in both(multio, source, wanted):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("source", ["O16", "N32"])
def test_linear_values_are_those_of_multio_but_at_the_poles(multio, source):
    ((theirs, ours),) = both(multio, source, outputs_of(("10/10", "linear")))
    np.testing.assert_allclose(ours.reshape(19, 36)[1:-1], theirs.reshape(19, 36)[1:-1], rtol=1e-9)
