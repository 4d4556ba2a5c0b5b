"""Grids of messages are those that geo makes, and their points are where ecCodes puts them."""

import numpy as np
import pytest

from dtedask.geo import Grid
from dtedask.geo.grids.gaussian import gaussian_latitudes
from dtedask.grib import coordinates, scan
from dtedask.grib.library import eccodes

TOLERANCE = 1e-11


def message_of(kind, values, **keys):
    handle = eccodes.codes_grib_new_from_samples("regular_ll_pl_grib2")
    try:
        eccodes.codes_set(handle, "gridType", kind)
        for key, value in keys.items():
            setter = eccodes.codes_set_array if isinstance(value, np.ndarray) else eccodes.codes_set
            setter(handle, key, value)
        eccodes.codes_set_values(handle, np.arange(float(values)))
        return eccodes.codes_get_message(handle)
    finally:
        eccodes.codes_release(handle)


def field_of(data):
    (message,) = scan(data)
    return message


def corners(north, west, south, east):
    names = ("latitudeOfFirst", "longitudeOfFirst", "latitudeOfLast", "longitudeOfLast")
    return {
        f"{name}GridPointInDegrees": float(value) for name, value in zip(names, (north, west, south, east), strict=True)
    }


def latlon(north, west, south, east, step):
    ni, nj = round((east - west) / step) + 1, round((north - south) / step) + 1
    steps = {"iDirectionIncrementInDegrees": step, "jDirectionIncrementInDegrees": step}
    return ni * nj, {"Ni": ni, "Nj": nj} | corners(north, west % 360, south, east % 360) | steps


def reduced(number, lengths, first=0, west=0.0, east=None, size=None):
    latitude = gaussian_latitudes(number)
    last = 360 - 360 / max(lengths) if east is None else east
    edges = corners(latitude[first], west, latitude[first + len(lengths) - 1], last)
    return size or sum(lengths), {"N": number, "Nj": len(lengths), "pl": np.array(lengths)} | edges


def assert_points_are_those_of_eccodes(message, tolerance=TOLERANCE):
    handle = eccodes.codes_new_from_message(message.read())
    latitude, longitude = (eccodes.codes_get_array(handle, name) for name in ("latitudes", "longitudes"))
    eccodes.codes_release(handle)
    found, order = message.field.grid.points(), message.field.order
    expected = [order.apply(one, dtype="float64").ravel() for one in (latitude, longitude)]
    np.testing.assert_allclose(found.latitude, expected[0], rtol=0, atol=tolerance)
    np.testing.assert_allclose((found.longitude - expected[1] + 180) % 360, 180, rtol=0, atol=tolerance)


FROM_45 = {"longitudeOfFirstGridPointInDegrees": 45.0}


@pytest.mark.parametrize(
    ("name", "kind", "described"),
    [
        ("O32", "reduced_gg", reduced(32, Grid("O32").description["pl"])),
        ("N48", "reduced_gg", reduced(48, Grid("N48").description["pl"])),
        ("5/5", "regular_ll", latlon(90, 0, -90, 355, 5.0)),
        ("S36x18", "regular_ll", latlon(85, 5, -85, 355, 10.0)),
        ({"grid": [5, 5], "area": [60, -10, 40, 20]}, "regular_ll", latlon(60, -10, 40, 20, 5.0)),
        ({"grid": "O32", "area": [60, -10, 40, 20]}, "reduced_gg", reduced(32, range(60, 92, 4), 10, 350, 20, 50)),
        ({"grid": "O32", "area": [60, 0, 40, 360]}, "reduced_gg", reduced(32, range(60, 92, 4), 10)),
        ({"grid": "H4"}, "healpix", (192, {"Nside": 4, "orderingConvention": "ring"} | FROM_45)),
        ({"grid": "H4", "order": "nested"}, "healpix", (192, {"Nside": 4, "orderingConvention": "nested"} | FROM_45)),
    ],
)
def test_a_grid_by_name_is_that_of_the_message(name, kind, described):
    size, keys = described
    message = field_of(
        message_of(kind, size, **{key: np.array(v) if isinstance(v, range) else v for key, v in keys.items()})
    )
    assert message.field.grid == Grid(name)
    assert message.field.grid.uid == Grid(name).uid
    assert_points_are_those_of_eccodes(message)


@pytest.mark.parametrize("ends", [(0.0, 330.0), (10.0, 70.0)])
def test_reduced_latlon_rows_share_out_the_width_of_their_area(ends):
    edges = corners(80, ends[0], -80, ends[1])
    keys = {"Nj": 3, "jDirectionIncrementInDegrees": 80.0, "pl": np.array([6, 12, 6])}
    message = field_of(message_of("reduced_ll", 24, **keys, **edges))
    assert message.field.grid.kind == "reduced_ll"
    assert_points_are_those_of_eccodes(message)


TURNED = {"latitudeOfSouthernPoleInDegrees": -40.0, "longitudeOfSouthernPoleInDegrees": 10.0}
STRETCHED = {"stretchingFactorScaled": 2_400_000, "latitudeOfThePoleOfStretching": 90_000_000}


@pytest.mark.parametrize(
    ("kind", "described", "same"),
    [
        ("rotated_ll", latlon(30, 0, 10, 30, 5.0), {"grid": [5, 5], "area": [30, 0, 10, 30], "rotation": [-40, 10]}),
        ("reduced_rotated_gg", reduced(32, Grid("O32").description["pl"]), {"grid": "O32", "rotation": [-40, 10]}),
    ],
)
def test_turned_grids_are_those_of_geo_with_points_as_near_as_ecCodes_rounds_them(kind, described, same):  # noqa: N802
    size, keys = described
    message = field_of(message_of(kind, size, **keys, **TURNED))
    assert message.field.grid == Grid(same)
    latitude, longitude = (one.copy() for one in message.field.grid.points())
    handle = eccodes.codes_new_from_message(message.read())
    expected = [np.deg2rad(eccodes.codes_get_array(handle, name)) for name in ("latitudes", "longitudes")]
    eccodes.codes_release(handle)
    latitude, longitude = np.deg2rad(latitude), np.deg2rad(longitude)
    apart = np.hypot(latitude - expected[0], np.cos(latitude) * np.sin(longitude - expected[1]))
    assert np.rad2deg(apart).max() < 1e-5


@pytest.mark.parametrize("kind", ["stretched_ll", "stretched_rotated_ll"])
def test_stretched_grids_are_those_of_geo(kind):
    size, keys = latlon(30, 0, 10, 30, 5.0)
    turned = {"rotation": [-40, 10]} if "rotated" in kind else {}
    message = field_of(message_of(kind, size, **keys, **STRETCHED, **(TURNED if turned else {})))
    assert message.field.grid == Grid({"grid": [5, 5], "area": [30, 0, 10, 30], "stretching": [2.4]} | turned)
    found = coordinates(message)
    assert found["latitude"].values.shape == message.field.grid.shape


def test_a_lambert_azimuthal_grid_has_points_where_ecCodes_puts_them():  # noqa: N802
    keys = {"standardParallelInDegrees": 52.0, "centralLongitudeInDegrees": 10.0, "Nx": 50, "Ny": 40}
    keys |= {"DxInMetres": 50000.0, "DyInMetres": 40000.0, "jScansPositively": 1, "shapeOfTheEarth": 6}
    keys |= {"latitudeOfFirstGridPointInDegrees": 40.0, "longitudeOfFirstGridPointInDegrees": 355.0}
    message = field_of(message_of("lambert_azimuthal_equal_area", 2000, **keys))
    assert message.field.grid.dims == ("y", "x")
    assert_points_are_those_of_eccodes(message)
    assert coordinates(message)["crs"].attrs["grid_mapping_name"] == "lambert_azimuthal_equal_area"


@pytest.mark.parametrize("scanning", [0, 0b01000000, 0b10000000, 0b11000000])
def test_what_a_satellite_sees_is_where_ecCodes_puts_it(scanning):  # noqa: N802
    keys = {"Nx": 50, "Ny": 40, "shapeOfTheEarth": 6, "latitudeOfSubSatellitePoint": 0, "scanningMode": scanning}
    keys |= {
        "longitudeOfSubSatellitePoint": 10_000_000,
        "dx": 36,
        "dy": 36,
        "Xp": 23_000,
        "Yp": 18_000,
        "Nr": 6_610_700,
    }
    keys |= {"xCoordinateOfOriginOfSectorImage": 0, "yCoordinateOfOriginOfSectorImage": 0, "orientationOfTheGrid": 0}
    message = field_of(message_of("space_view", 2000, **keys))
    assert message.field.grid.kind == "space_view"
    handle = eccodes.codes_new_from_message(message.read())
    expected = [eccodes.codes_get_array(handle, name) for name in ("latitudes", "longitudes")]
    eccodes.codes_release(handle)
    found = message.field.grid.points()
    # ecCodes counts the middle along the scan, and goes from the north-west all the same; what is beside the Earth it
    # puts at 0, 0; at the edge of the disc a root of nearly nothing loses half of all digits
    is_seen = np.isfinite(found.latitude) & (expected[0] != 0)
    assert is_seen.sum() > 900
    np.testing.assert_allclose(found.latitude[is_seen], expected[0][is_seen], rtol=0, atol=1e-5)
    apart = np.abs(found.latitude - expected[0])[is_seen]
    assert np.quantile(apart, 0.9) < TOLERANCE
    np.testing.assert_allclose((found.longitude - expected[1] + 180)[is_seen] % 360, 180, rtol=0, atol=1e-5)
    assert coordinates(message)["crs"].attrs["grid_mapping_name"] == "geostationary"
