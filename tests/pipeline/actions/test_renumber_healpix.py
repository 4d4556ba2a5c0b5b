"""The action `renumber-healpix`: values, grid and coordinates are put in the other order."""

import healpix
import numpy as np
import pytest

from dtedask.core.errors import FieldError
from dtedask.geo import Grid
from dtedask.grib import Coordinate
from dtedask.pipeline import Kind, Message
from dtedask.pipeline.action import Context, make_action
from dtedask.pipeline.actions.renumber_healpix import RenumberHealpix, RenumberHealpixOptions
from dtedask.pipeline.compute import Eager
from dtedask.testing import ActionSuite
from tests.pipeline.fields import field

NSIDE = 4
SIZE = 12 * NSIDE**2
RING = Grid.of("healpix", {"nside": NSIDE, "ordering": "ring"}, ("values",), (SIZE,))


def renumbered(message, **options):
    document = {"type": "renumber-healpix", **options}
    action = RenumberHealpix(RenumberHealpixOptions.model_validate(document), Context())
    (out,) = action.handle(message, action.start(), Eager())
    return out


class TestRenumberHealpix(ActionSuite):
    @pytest.fixture
    def action(self):
        return make_action({"type": "renumber-healpix"}, Context())

    @pytest.fixture
    def messages(self):
        return [field(on=RING), field(on=RING, step="6")]


def test_a_field_says_the_same_of_the_same_places_in_the_other_order():
    longitude, latitude = healpix.pix2ang(NSIDE, np.arange(SIZE), lonlat=True)
    places = {name: Coordinate(("values",), at) for name, at in (("latitude", latitude), ("longitude", longitude))}
    message = field(np.cos(np.radians(latitude)) + longitude, on=RING).replaced(coordinates=places)
    out = renumbered(message)
    longitude, latitude = healpix.pix2ang(NSIDE, np.arange(SIZE), nest=True, lonlat=True)
    np.testing.assert_array_equal(out.coordinates["longitude"].values, longitude)
    np.testing.assert_array_equal(out.coordinates["latitude"].values, latitude)
    np.testing.assert_array_equal(out.values, np.cos(np.radians(latitude)) + longitude)
    assert out.description.grid.label == "H4-nested"
    assert renumbered(message).coordinates is out.coordinates
    again = renumbered(out, to="ring")
    np.testing.assert_array_equal(again.values, message.values)
    assert again.description.grid == RING


def test_a_field_that_has_the_order_goes_on_as_it_is():
    message = field(on=RING)
    assert renumbered(message, to="ring") is message
    assert renumbered(Message.flush()).kind is Kind.FLUSH


def test_the_keys_of_a_model_may_say_the_grid():
    keys = {"gridType": "HEALPix", "Nside": NSIDE, "orderingConvention": "ring"}
    out = renumbered(Message(Kind.FIELD, keys, np.arange(float(SIZE))))
    np.testing.assert_array_equal(out.values, healpix.nest2ring(NSIDE, np.arange(SIZE)))
    assert out.keys["orderingConvention"] == "nested"


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (field(), "The grid 90x90 is no HEALPix grid"),
        (Message(Kind.FIELD, {"gridType": "healpix"}, np.zeros(12)), "does not say which HEALPix grid it is on"),
        (
            Message(Kind.FIELD, {"gridType": "healpix", "Nside": 2, "orderingConvention": "ring"}, np.zeros(47)),
            r"A field of 47 points is on no HEALPix grid of nside 2 \(48 points\)",
        ),
    ],
)
def test_fields_that_are_on_no_such_grid_are_refused(message, reason):
    with pytest.raises(FieldError, match=reason):
        renumbered(message)
