"""Actions that change numbers say so where a field comes encoded."""

import numpy as np
import pytest

from dtedask.core.errors import FieldError
from dtedask.geo import Grid
from dtedask.pipeline import Kind, Message
from dtedask.pipeline.action import Context, make_action
from dtedask.pipeline.compute import Eager
from tests.pipeline.fields import field

RING = Grid.of("healpix", {"nside": 1, "ordering": "ring"}, ("values",), (12,))


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"type": "scale", "preset-mappings": "local-to-wmo"}, field(param="228")),
        ({"type": "average-rate"}, field(param="228228", step="0-6")),
        ({"type": "mask"}, field()),
        ({"type": "renumber-healpix"}, field(on=RING)),
        ({"type": "interpolate", "area": [90, 0, -90, 90]}, field()),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else "",
)
def test_an_encoded_field_is_refused_with_what_to_do(document, message):
    action = make_action(document, Context())
    state = action.start()
    list(action.handle(Message(Kind.MASK, {}, np.ones(12, bool)), state, Eager()))
    with pytest.raises(FieldError, match=rf"is encoded, and has no values\. Put '{document['type']}' before 'encode'"):
        list(action.handle(message.replaced(values=None, data=b"GRIB"), state, Eager()))
