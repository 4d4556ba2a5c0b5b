"""The actions `interpolate` and `interpolate-mtg2`: what can be done is exact, what cannot is said."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from scipy.sparse import save_npz

from dtedask import geo
from dtedask.core.errors import FieldError, PlanError
from dtedask.geo import Grid, cropped, regular_latlon, weights
from dtedask.geo.framing import frame_points
from dtedask.geo.spectral.coefficients import cut
from dtedask.grib import Coordinate
from dtedask.pipeline import Message
from dtedask.pipeline.action import Context, make_action
from dtedask.pipeline.compute import Eager
from dtedask.testing import ActionSuite
from tests.pipeline.fields import field

LATITUDE, LONGITUDE = np.arange(90.0, -91.0, -10.0), np.arange(0.0, 360.0, 10.0)
GLOBE = regular_latlon(LATITUDE, LONGITUDE)
RING = Grid.of("healpix", {"nside": 4, "ordering": "ring"}, ("values",), (192,))
NOWHERE = Grid.of("unstructured", {"number": 1, "reference": 1, "uuid": "ab", "size": 12}, ("values",), (12,))
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


OTHER = [
    (on_globe(), "O16", {}),
    (on_globe(), "7.5/5", {"interpolation": "nearest-neighbour"}),
    (on_globe(), "H4", {"options": {"interpolation": "grid-box-average", "caching": False}}),
    (field(on=Grid("O16")), "10/10", {"interpolation": "bilinear"}),
    (field(on=RING), "N16", {"interpolation": "conservative"}),
    (field(on=RING), "H8-nested", {}),
]


@pytest.mark.slow
@pytest.mark.parametrize(("message", "grid", "options"), OTHER)
def test_a_field_on_another_grid_is_what_its_weights_make_of_it(message, grid, options):
    (out,) = interpolated(message, grid=grid, **options)
    method = options.get("interpolation") or options.get("options", {}).get("interpolation", "")
    matrix = weights(message.description.grid, grid, method)
    np.testing.assert_allclose(out.values.reshape(-1), matrix @ np.ravel(message.values), rtol=1e-12)
    assert out.description.grid == Grid(grid)
    assert out.description.order.shape == out.values.shape == Grid(grid).shape
    latitude, longitude = out.coordinates["latitude"], out.coordinates["longitude"]
    assert latitude.dims == (Grid(grid).dims if Grid(grid).dims == ("values",) else ("latitude",))
    assert latitude.values.size * (longitude.values.size if latitude.dims == ("latitude",) else 1) == Grid(grid).size


def test_a_grid_beyond_the_area_of_a_field_has_missing_points():
    (part,) = interpolated(on_globe(), area="60/0/30/50")
    (out,) = interpolated(part, grid="10/10")
    assert out.description.grid == GLOBE
    is_there = np.isfinite(out.values)
    np.testing.assert_array_equal(out.values[is_there], on_globe().values[is_there])
    assert is_there.sum() == part.values.size


@pytest.mark.parametrize("grid", ["O8", "15/15", "H4"])
def test_an_area_of_another_grid_has_the_values_of_the_whole(grid):
    area = (70, -20, 10, 40)
    (whole,), (part,) = interpolated(on_globe(), grid=grid), interpolated(on_globe(), grid=grid, area=list(area))
    expected = cropped(Grid(grid), area)
    assert part.description.grid == expected.grid
    np.testing.assert_array_equal(part.values.reshape(-1), whole.values.reshape(-1)[expected.places])


@pytest.mark.parametrize("source", [Grid("O8"), Grid("H4"), Grid("F8")])
def test_an_area_of_a_fields_own_grid_has_its_values(source):
    message = field(on=source)
    (part,) = interpolated(message, area="60/-30/-20/100")
    expected = cropped(source, (60, -30, -20, 100))
    assert (part.description.grid, part.values.shape) == (expected.grid, expected.grid.shape)
    np.testing.assert_array_equal(part.values.reshape(-1), np.ravel(message.values)[expected.places])


def test_spherical_harmonics_are_summed_up_without_what_the_grid_cannot_carry():
    values = np.random.default_rng(2).normal(size=Grid("T63").size)
    message = field(values, on=Grid("T63"))
    (out,) = interpolated(message, grid="10/10")
    array = xr.DataArray(values, dims="values", attrs={"grid_spec": Grid("T63").spec})
    expected = geo.spectral.inverse(array, "10/10", truncation="linear")
    np.testing.assert_allclose(out.values, expected.to_numpy(), atol=1e-12)
    assert out.description.grid == Grid("10/10")


def test_weights_of_a_file_are_taken(tmp_path):
    save_npz(tmp_path / "a.npz", weights(GLOBE, "O8", "nearest"))
    options = {"interpolation": "matrix", "interpolation-matrix": "a.npz"}
    action = make_action({"type": "interpolate", "grid": "O8", "options": options}, Context(folder=tmp_path))
    (out,) = action.handle(on_globe(), action.start(), Eager())
    (expected,) = interpolated(on_globe(), grid="O8", interpolation="nn")
    np.testing.assert_array_equal(out.values, expected.values)


@pytest.mark.slow
def test_options_of_a_method_are_taken():
    spike = np.zeros(GLOBE.shape)
    spike[9, 18] = 1.0
    (free,), (limited,) = (
        interpolated(field(spike, on=GLOBE), grid="O8", interpolation="bicubic", **{"method-options": options})
        for options in ({}, {"limiter": True})
    )
    assert free.values.min() < 0 <= limited.values.min()


def test_keys_that_name_the_grid_follow_it():
    message = field(on=RING).with_keys(grid="H4", gridType="healpix", Nside=4, orderingConvention="ring")
    (out,) = interpolated(message, grid="O8")
    assert {key: value for key, value in out.keys.items() if key not in field(on=RING).keys} == {"grid": "O8"}


def test_a_point_is_missing_where_the_point_of_its_largest_weight_is():
    message = on_globe()
    values = np.where(np.arange(GLOBE.size).reshape(GLOBE.shape) % 3 == 0, np.nan, message.values)
    (out,) = interpolated(message.replaced(values=values), grid="O16")
    heaviest = [row.indices[row.data.argmax()] for row in weights(GLOBE, "O16")]
    np.testing.assert_array_equal(np.isnan(out.values), np.isnan(values.reshape(-1)[heaviest]))


def test_one_field_on_several_grids_is_the_same_as_one_by_one():
    outputs = [{"grid": "O8"}, {"grid": "H4", "options": {"interpolation": "nn"}}, {"grid": "20/20"}]
    together = interpolated(on_globe(), "interpolate-mtg2", outputs=outputs)
    for one, output in zip(together, outputs, strict=True):
        (alone,) = interpolated(on_globe(), **output)
        np.testing.assert_array_equal(one.values, alone.values)
        assert one.description == alone.description


@pytest.mark.parametrize(
    ("message", "options", "reason"),
    [
        (field(on=NOWHERE), {"grid": "O8"}, r"unstructured.* cannot be put on O8 by the method 'linear'"),
        (field(on=Grid("T21")), {"area": [60, 0, 0, 60]}, "T21 .* cannot be put on its own grid in 60/0/0/60"),
    ],
)
def test_what_cannot_be_interpolated_is_an_error_that_names_both_grids(message, options, reason):
    with pytest.raises(PlanError, match=reason):
        interpolated(message, **options)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"grid": 1, "style": "x"}, "An interpolation to 1x1 with style: x cannot be done yet"),
        (
            {"grid": 1, "rotation": "-40/22", "accuracy": 8},
            "to 1x1 turned to -40/22 with accuracy: 8 cannot be done yet",
        ),
        ({"grid": "H4", "options": {"interpolation-matrix": "a.mat"}}, r"file \(a.mat\) are for the method 'matrix'"),
        ({"grid": "H4", "options": {"interpolation": "matrix"}}, "'matrix' needs the option 'path'"),
        ({"grid": "H4", "options": {"interpolation": "lineer"}}, "interpolation to H4 cannot be done: .*'lineer'"),
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


def test_a_turned_grid_has_its_own_points_and_an_area_in_its_system():
    (out,) = interpolated(on_globe(), grid="5/5", rotation="-35/15", area="20/-20/-20/20")
    whole = Grid({"grid": [5, 5], "rotation": [-35, 15]})
    part = cropped(whole, (20, -20, -20, 20))
    assert out.description.grid == part.grid
    expected = (weights(GLOBE, whole, cache=False) @ on_globe().values.ravel())[part.places]
    np.testing.assert_allclose(out.values.ravel(), expected, rtol=1e-6)
    with pytest.raises(PlanError, match="Give 'grid'|distances of a turned grid"):
        interpolated(on_globe(), rotation=[-35, 15])


def test_winds_do_not_turn_one_by_one():
    wind = on_globe()
    wind = wind.replaced(description=replace(wind.description, short_name="10u"))
    with pytest.raises(PlanError, match="one component of a wind"):
        interpolated(wind, grid="5/5", rotation="-35/15")
    assert interpolated(wind, grid="5/5")


@pytest.mark.parametrize("grid", ["", "30/30", "O4"])
def test_a_frame_and_a_bitmap_leave_points_out(grid, tmp_path):
    said = {"grid": grid} if grid else {}
    (plain,) = interpolated(on_globe(), **(said or {"area": [90, 0, -90, 360]}))
    (out,) = interpolated(on_globe(), **said, frame=2)
    kept = np.isfinite(out.values)
    np.testing.assert_array_equal(kept, frame_points(plain.description.grid, 2))
    np.testing.assert_array_equal(out.values[kept], plain.values[kept])
    rows, columns = plain.values.shape if plain.values.ndim == 2 else (1, plain.values.size)
    (tmp_path / "bitmap").write_text(f"size={rows}:{columns},points=1:1-3" + (f",{rows}:2" if rows > 1 else ""))
    action = make_action({"type": "interpolate", **said, "bitmap": "bitmap"}, Context(folder=tmp_path))
    (out,) = action.handle(on_globe(), action.start(), Eager())
    assert np.isfinite(out.values).sum() == (3 * (rows - 1) + 1 if rows > 1 else 3)


def test_harmonics_are_cut_and_stay_harmonics():
    values = np.random.default_rng(1).normal(size=Grid("T21").size)
    (out,) = interpolated(field(values, on=Grid("T21")), truncation=10)
    assert out.description.grid == Grid("T10")
    np.testing.assert_array_equal(out.values, cut(values, 10))


@pytest.mark.parametrize("words", [{"intgrid": "F12"}, {"resol": "F12"}, {"options": {"intgrid": "F12"}}])
def test_harmonics_go_over_a_grid_between(words):
    values = np.random.default_rng(1).normal(size=Grid("T21").size)
    (out,) = interpolated(field(values, on=Grid("T21")), grid="10/10", **words)
    (between,) = interpolated(field(values, on=Grid("T21")), grid="F12", truncation="none")
    (expected,) = interpolated(between, grid="10/10")
    np.testing.assert_allclose(out.values, expected.values)
