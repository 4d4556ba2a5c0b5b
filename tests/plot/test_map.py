"""Maps: pixels have the values of nearest points, and titles, units, legends and errors say what they should."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import pyplot as plt

from dtedask import plot
from dtedask.core.errors import DocumentError, FieldError, GridError
from dtedask.geo import Grid

NAMES = ("plate-carree", "mercator", "robinson", "orthographic", "north-polar", "south-polar")


def field(step=5.0, name="2t", **attributes):
    """Each point has a value of its own."""
    latitude, longitude = np.arange(90.0, -91, -step), np.arange(0.0, 360, step)
    values = np.arange(len(latitude) * len(longitude), dtype=float).reshape(len(latitude), -1)
    words = {"GRIB_shortName": name, "units": "", "long_name": "A field"}
    return xr.DataArray(
        values,
        dims=("latitude", "longitude"),
        coords={"latitude": latitude, "longitude": longitude},
        attrs=words | attributes,
        name=name,
    )


def temperature():
    found = field(units="K", standard_name="air_temperature", long_name="2 metre temperature")
    found = found.copy(data=273.15 + 30 * np.cos(np.deg2rad(found.latitude.to_numpy()))[:, None] * np.ones((1, 72)))
    coordinates = {
        "forecast_reference_time": np.datetime64("2024-06-03", "ns"),
        "step": np.timedelta64(24, "h").astype("timedelta64[ns]"),
        "member": 3,
    }
    return found.assign_coords(coordinates).assign_attrs(mars_class="rd", mars_stream="enfo", mars_expver="demo")


def pixel(ax, x, y):
    image = ax.images[-1]
    left, right, bottom, top = image.get_extent()
    rows, columns = image.get_array().shape
    column, row = int((x - left) / (right - left) * columns), int((top - y) / (top - bottom) * rows)
    # Of the pixel's centre, whose nearest point it shows.
    centre = left + (column + 0.5) * (right - left) / columns, top - (row + 0.5) * (top - bottom) / rows
    return image.get_array()[row, column], centre


def shown(ax):
    from dtedask.plot.drawing import _maps

    return _maps[ax].frame


@pytest.mark.parametrize("projection", NAMES)
def test_a_pixel_of_a_known_place_has_the_value_of_its_nearest_point(projection):
    grid = Grid("O16")
    latitude, longitude = grid.points()
    places = {"latitude": ("values", latitude), "longitude": ("values", longitude)}
    _, ax = plt.subplots(figsize=(3, 2))
    numbers = xr.DataArray(np.arange(grid.size, dtype=float), dims="values", coords=places)
    frame = shown(plot.map(numbers, ax, projection=projection, coastlines=False, legend=False))

    @given(across=st.floats(0.01, 0.99), up=st.floats(0.01, 0.99))
    @settings(max_examples=30)
    def check(across, up):
        x, y = frame.left + across * (frame.right - frame.left), frame.bottom + up * (frame.top - frame.bottom)
        value, centre = pixel(ax, x, y)
        place = [float(one) for one in frame.projection.inverse(*centre)]
        if not np.isfinite(place[0]):
            assert np.ma.is_masked(value)
            return
        phi, lam = np.deg2rad(latitude), np.deg2rad(longitude - place[1])
        near = np.sin(phi) * np.sin(np.deg2rad(place[0])) + np.cos(phi) * np.cos(np.deg2rad(place[0])) * np.cos(lam)
        assert near[int(value)] == pytest.approx(near.max(), abs=1e-9)

    check()


def test_a_map_draws_on_the_axes_that_it_is_given_and_returns_them():
    _, ax = plt.subplots()
    assert plot.map(field(), ax) is ax
    assert len(plt.get_fignums()) == 1


def test_a_map_has_coast_lines_and_meridians_unless_they_are_not_wanted():
    assert {line.get_gid() for line in plot.map(field()).lines} >= {"coastlines", "graticule"}
    assert not plot.map(field(), coastlines=False).lines


def test_title_units_and_colours_of_a_temperature_come_from_its_metadata():
    ax = plot.map(temperature())
    assert ax.get_title("left").splitlines() == [
        "2 metre temperature, member 3",
        "valid Tuesday 2024-06-04 00:00 UTC, forecast from 2024-06-03 00:00 UTC, step 24 h",
        "class rd, stream enfo, expver demo",
    ]
    (bar,) = ax.child_axes
    assert bar.get_xlabel() == "°C"
    assert ax.images[0].get_array().max() == pytest.approx(30, abs=0.5)


def test_a_title_that_is_given_replaces_the_own_one():
    assert plot.map(field(), title="Mine").get_title("left") == "Mine"
    assert plot.map(field(), title="").get_title("left") == ""


def test_isolines_on_colours_share_map_and_title_and_say_their_units():
    ax = plot.map(temperature(), projection="robinson")
    pressure = temperature().assign_attrs(units="Pa", long_name="Mean sea level pressure", GRIB_shortName="msl")
    pressure = pressure.assign_attrs(standard_name="air_pressure_at_mean_sea_level") * 1.0
    pressure.attrs = {**temperature().attrs, "units": "Pa", "long_name": "Pressure", "GRIB_shortName": "msl"}
    del pressure.attrs["standard_name"]
    plot.map(pressure.copy(data=98000 + 40 * pressure.to_numpy() % 5000), ax)
    assert ax.get_title("left").splitlines()[0] == "2 metre temperature, member 3; Pressure, member 3 (hPa)"
    levels = ax.collections[-1].levels
    assert set(np.diff(levels)) == {5.0}
    assert sum(line.get_gid() == "coastlines" for line in ax.lines) == 1


@pytest.mark.slow
def test_axes_that_show_a_map_keep_its_area():
    ax = plot.map(field())
    with pytest.raises(GridError, match="show a map already"):
        plot.map(field(), ax, area="60/0/40/20")


def test_missing_values_are_grey_and_the_legend_says_so():
    masked = field().where(field().latitude < 50)
    ax = plot.map(masked)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["missing"]
    grey = ax.images[0].get_array()
    assert not np.ma.is_masked(grey[2, 5])
    assert np.ma.is_masked(grey[-2, 5])


def test_a_field_without_any_value_is_drawn_as_missing():
    ax = plot.map(field() * np.nan)
    assert ax.get_legend() is not None


def test_what_a_grid_does_not_reach_is_neither_missing_nor_coloured():
    part = field().sel(latitude=slice(60, 30), longitude=slice(0, 60))
    ax = plot.map(part, area="80/-40/10/100")
    assert ax.get_legend() is None
    assert np.ma.is_masked(pixel(ax, -30, 50)[0])
    assert not np.ma.is_masked(pixel(ax, 30, 50)[0])


def test_a_map_of_part_of_the_globe_shows_that_part():
    ax = plot.map(field().sel(latitude=slice(60, 30), longitude=slice(20, 60)))
    assert (ax.get_xlim(), ax.get_ylim()) == ((20, 60), (30, 60))


def test_an_area_across_the_date_line_is_shown_as_one():
    ax = plot.map(field(), area=(60, 150, -20, -120))
    assert ax.get_xlim() == (150, 240)
    labels = [label.get_text() for label in ax.get_xticklabels()]
    assert "180°" in labels
    assert "150°W" in labels


def test_fields_that_differ_are_refused_with_the_dimensions_on_which_they_do():
    several = xr.concat([field(), field()], "member").expand_dims(step=[1, 2])
    with pytest.raises(FieldError, match=r"step \(2\), member \(2\).*isel\(step=0\)"):
        plot.map(several)


def test_several_variables_are_refused_unless_they_are_a_wind():
    with pytest.raises(FieldError, match="one field, or the two components of a wind; there are a, b"):
        plot.map(xr.Dataset({"a": field(name="a"), "b": field(name="b")}))


def wind():
    u, v = (
        field(name=name, units="m s**-1").copy(data=np.full((37, 72), value))
        for name, value in (("10u", 3.0), ("10v", 4.0))
    )
    return xr.Dataset({"10u": u, "10v": v})


def test_a_wind_is_arrows_on_the_colours_of_its_speed():
    ax = plot.map(wind())
    assert np.unique(ax.images[0].get_array().compressed()).tolist() == [5.0]
    (arrows,) = (one for one in ax.collections if type(one).__name__ == "Quiver")
    np.testing.assert_allclose((arrows.U[0], arrows.V[0]), (3, 4))
    assert ax.get_title("left").startswith("10 metre wind")


def test_arrows_point_along_the_meridians_of_a_polar_map():
    data = wind()
    data["10u"][:] = 0.0
    ax = plot.map(data, projection="north-polar", style="wind-barbs")
    (barbs,) = (one for one in ax.collections if type(one).__name__ == "Barbs")
    # A wind from the south blows towards the pole, which is the middle of the map.
    inwards = barbs.x * barbs.u + barbs.y * barbs.v
    np.testing.assert_allclose(inwards / np.hypot(barbs.x, barbs.y), -4 * 3600 / 1852, rtol=1e-3)


def test_arrows_of_one_field_are_refused():
    with pytest.raises(FieldError, match="both components of a wind"):
        plot.map(field(units="m s**-1"), style="wind-arrows")


def test_a_style_in_units_that_do_not_fit_is_refused():
    with pytest.raises(FieldError, match="cannot be shown in 'hPa'"):
        plot.map(temperature(), style="mean-sea-level-pressure")


def test_a_style_that_does_not_exist_is_refused_with_the_nearest_one():
    with pytest.raises(DocumentError, match=r"no style 'temprature'.*temperature"):
        plot.map(field(), style="temprature")


def test_a_style_may_be_what_it_says():
    ax = plot.map(temperature(), style={"units": "K", "levels": [270, 280, 290], "colours": ["navy", "gold"]})
    assert ax.images[0].norm.boundaries.tolist() == [270, 280, 290]
    assert ax.child_axes[0].get_xlabel() == "K"


@pytest.mark.parametrize("area", ["1/2/3", "30/0/60/10", "100/0/0/10", "a/b/c/d"])
def test_an_area_that_is_none_is_refused(area):
    with pytest.raises(GridError, match="area"):
        plot.map(field(), area=area)


def test_a_projection_that_does_not_exist_is_refused():
    with pytest.raises(GridError, match=r"no map projection 'robinsen'.*robinson"):
        plot.map(field(), projection="robinsen")


@pytest.mark.slow
def test_a_lambert_map_of_the_globe_is_refused():
    with pytest.raises(GridError, match=r"cannot show the globe.*area"):
        plot.map(field(), projection="lambert")
    assert plot.map(field(), projection="lambert", area="70/-20/30/40")


@pytest.mark.slow
@pytest.mark.parametrize("form", ["png", "svg"])
def test_a_saved_map_is_as_wide_as_wanted_and_leaves_no_figure_behind(tmp_path, form):
    plot.save(temperature(), tmp_path / f"map.{form}", over=temperature(), width=500)
    assert not plt.get_fignums()
    begin = (tmp_path / f"map.{form}").read_bytes()[:40]
    assert begin.startswith(b"\x89PNG") if form == "png" else b"<?xml" in begin
    if form == "png":
        assert int.from_bytes(begin[16:20], "big") == 500


def test_a_field_in_blocks_is_read_once_and_drawn_as_the_same_in_memory():
    lazy = wind().chunk(latitude=10)
    drawn = [plot.map(data).images[-1].get_array() for data in (lazy, wind())]
    np.testing.assert_array_equal(*drawn)


def test_spherical_harmonics_are_drawn_through_points():
    coefficients = np.zeros(12)
    coefficients[0] = 5.0  # the mean
    spec = '{"kind":"sh","truncation":2}'
    ax = plot.map(
        xr.DataArray(coefficients, dims="values", attrs={"grid_spec": spec, "units": "", "long_name": "Mean"})
    )
    assert ax.images[0].get_array().min() == pytest.approx(5.0)
    assert ax.images[0].get_array().max() == pytest.approx(5.0)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(1, 1), (1, 3), (3, 1)])
def test_one_point_or_one_row_is_drawn_with_what_is_around_it(shape):
    places = {"latitude": 50.0 + np.arange(shape[0]), "longitude": 10.0 + np.arange(shape[1])}
    ax = plot.map(xr.DataArray(np.full(shape, 5.0), dims=("latitude", "longitude"), coords=places))
    assert pixel(ax, 10.1, 50.1)[0] == 5.0
