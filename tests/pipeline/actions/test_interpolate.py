"""The actions `interpolate` and `interpolate-mtg2`: what can be done is exact, what cannot is said."""

import numpy as np
import pytest

from dtedask.core.errors import FieldError, PlanError
from dtedask.geo import Grid, regular_latlon
from dtedask.grib import Coordinate
from dtedask.pipeline import Message
from dtedask.pipeline.action import Context, make_action
from dtedask.pipeline.compute import Eager
from dtedask.testing import ActionSuite
from tests.pipeline.fields import field

LATITUDE, LONGITUDE = np.arange(90.0, -91.0, -10.0), np.arange(0.0, 360.0, 10.0)
GLOBE = regular_latlon(LATITUDE, LONGITUDE)
RING = Grid.of("healpix", {"nside": 4, "ordering": "ring"}, ("values",), (192,))
REDUCED = Grid.of("reduced_gg", {"n": 2, "pl": [20, 24, 24, 20]}, ("values",), (88,))


def on_globe():
    places = {
        "latitude": Coordinate(("latitude",), LATITUDE, {"units": "degrees_north"}),
        "longitude": Coordinate(("longitude",), LONGITUDE, {"units": "degrees_east"}),
    }
    return field(LATITUDE[:, None] * 1000 + LONGITUDE, on=GLOBE).replaced(coordinates=places)


def interpolated(message, kind="interpolate", **options):
    action = make_action({"type": kind, **options}, Context())
    return list(action.handle(message, action.start(), Eager()))


class TestInterpolate(ActionSuite):
    @pytest.fixture
    def action(self):
        return make_action({"type": "interpolate", "grid": [20, 20], "area": [70, -20, 30, 40]}, Context())

    @pytest.fixture
    def messages(self):
        return [on_globe(), on_globe().with_keys(step="6")]


class TestInterpolateMtg2(ActionSuite):
    @pytest.fixture
    def action(self):
        outputs = [{"grid": "20/20"}, {"grid": "30/30", "additional-metadata": {"resolution": "low"}}]
        return make_action({"type": "interpolate-mtg2", "outputs": outputs}, Context())

    @pytest.fixture
    def messages(self):
        return [on_globe(), on_globe().with_keys(step="6")]


@pytest.mark.parametrize("area", ["70/-20/30/40", [70, -20, 30, 40], [70, 340, 30, 40]])
def test_an_area_is_cut_out_with_grid_and_coordinates(area):
    (out,) = interpolated(on_globe(), area=area)
    place = out.description.grid.description
    assert (place["north"], place["west"], place["south"], place["east"]) == (70, -20, 30, 40)
    latitude, longitude = (out.coordinates[name].values for name in ("latitude", "longitude"))
    np.testing.assert_array_equal(longitude, np.arange(-20.0, 41.0, 10.0))
    np.testing.assert_array_equal(out.values, latitude[:, None] * 1000 + longitude % 360)
    assert out.coordinates["latitude"].attrs == {"units": "degrees_north"}
    assert out.description.order.shape == out.values.shape == (5, 7)


@pytest.mark.parametrize("grid", ["30x30", "30/30", [30, 30], 30])
@pytest.mark.parametrize("method", ["linear", "nearest-neighbour"])
def test_every_third_point_is_the_coarser_grid(grid, method):
    (out,) = interpolated(on_globe(), grid=grid, interpolation=method, input="10/10")
    assert out.description.grid.label == "30x30"
    np.testing.assert_array_equal(out.values, on_globe().values[::3, ::3])


def test_a_field_on_the_grid_goes_on_as_it_is():
    for message, grid in [
        (on_globe(), "10x10"),
        (field(on=RING), "H4"),
        (field(on=REDUCED), "O2"),
        (Message.flush(), "O2"),
    ]:
        assert interpolated(message, grid=grid)[0] is message


def test_healpix_is_put_in_the_other_order():
    (nested,) = interpolated(field(on=RING), grid="H4-nested")
    assert nested.description.grid.label == "H4-nested"
    (ring,) = interpolated(nested, grid="H4")
    np.testing.assert_array_equal(ring.values, field(on=RING).values)


def test_several_targets_are_several_fields():
    outputs = [
        {"grid": "30/30", "additional-metadata": {"resolution": "low"}},
        {"grid": "O320", "enable": False},
        {"grid": "10/10", "area": "0/0/-90/90", "additional-metadata": {"resolution": "high"}},
    ]
    low, high = interpolated(on_globe(), "interpolate-mtg2", outputs=outputs)
    assert (low.description.grid.label, low.keys["resolution"]) == ("30x30", "low")
    assert (high.values.shape, high.keys["resolution"]) == ((10, 10), "high")


@pytest.mark.parametrize(
    ("message", "options", "reason"),
    [
        (field(on=REDUCED), {"grid": "0.25/0.25"}, r"on the grid O2 \(reduced_gg\) cannot be put on 0.25x0.25 yet"),
        (on_globe(), {"grid": "O320"}, r"on the grid 10x10 \(regular_ll\) cannot be put on O320 yet"),
        (on_globe(), {"grid": [15, 15]}, "10x10.* cannot be put on 15x15 yet"),
        (field(on=RING), {"grid": "H8"}, "H4.* cannot be put on H8 yet"),
        (field(on=RING), {"area": [1, 2, 0, 3]}, "H4.* cannot be put on its own grid in 1/2/0/3 yet"),
        (on_globe(), {"grid": 20, "interpolation": "grid-box-average"}, "20x20 by the method 'grid-box-average' yet"),
    ],
)
def test_what_would_have_to_be_interpolated_is_an_error_that_names_both_grids(message, options, reason):
    with pytest.raises(PlanError, match=reason):
        interpolated(message, **options)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"grid": 1, "rotation": "-40/22"}, "An interpolation to 1x1 with rotation: -40/22 cannot be done yet"),
        ({"truncation": 639}, "with truncation: 639 cannot be done yet"),
        ({"grid": "H4", "options": {"interpolation-matrix": "a.mat"}}, "H4 with interpolation-matrix: a.mat"),
        ({"grid": "H4", "options": {"interpolation": "matrix"}}, "interpolation: matrix cannot be done yet"),
    ],
)
def test_what_cannot_be_done_on_any_grid_is_refused_before_the_first_field(options, reason):
    with pytest.raises(PlanError, match=reason):
        make_action({"type": "interpolate", **options}, Context()).start()
    if "options" in options:
        with pytest.raises(PlanError, match=reason):
            make_action({"type": "interpolate-mtg2", "outputs": [options]}, Context()).start()


def test_a_field_on_another_grid_than_the_input_of_the_plan_is_refused():
    with pytest.raises(FieldError, match="is on the grid 10x10, and the plan says that its input is on O1280"):
        interpolated(on_globe(), input="O1280", grid="10/10")


def test_an_area_without_points_is_an_error():
    with pytest.raises(FieldError, match="No point of the grid 10x10 lies in the area 9/1/1/9"):
        interpolated(on_globe(), area="9/1/1/9")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"grid": "nowhere"}, "'nowhere' is no grid. A grid is such as O320"),
        ({"area": "1/2/3"}, "'1/2/3' is no area"),
        ({"area": [10, 0, 20, 30]}, "lies upside down"),
        ({}, "Nothing is wanted of an interpolation"),
        ({"grid": 1, "gridd": 2}, "gridd"),
        ({"grid": 1, "options": {"cachin": True}}, "cachin"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, reason):
    with pytest.raises(ValueError, match=reason):
        make_action({"type": "interpolate", **options}, Context())
