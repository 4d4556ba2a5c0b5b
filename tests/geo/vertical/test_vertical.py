"""Model levels: pressure, the hydrostatic equation and interpolation, against closed forms and numpy."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.core.errors import GribUnsupportedError, GridError
from dtedask.geo import vertical
from dtedask.geo.vertical import HybridLevels
from dtedask.geo.vertical.below import DRY_GAS, GRAVITY
from dtedask.grib import decode, hybrid_levels, scan
from dtedask.testing import raise_if_computes

L137 = HybridLevels.named("L137")
LAPSE = 0.0065


def surface(values, **dims):
    names = tuple(dims) or ("values",)
    return xr.DataArray(np.asarray(values, float), dims=names)


def on_levels(values, pressure):
    return pressure.copy(data=np.broadcast_to(values, pressure.shape)).drop_attrs()


def test_pressures_are_those_that_ecmwf_publishes():
    # https://confluence.ecmwf.int/display/UDOC/L137+model+level+definitions, for a surface pressure of 1013.25 hPa
    full = L137.full_pressure(np.array(101_325.0)) / 100
    half = L137.half_pressure(np.array(101_325.0)) / 100
    assert (full[136], full[135]) == (pytest.approx(1012.0494, abs=6e-5), pytest.approx(1009.5363, abs=6e-5))
    assert (full[0], half[1], half[136]) == (
        pytest.approx(0.0100, abs=6e-5),
        pytest.approx(0.0200, abs=6e-5),
        pytest.approx(1010.8487, abs=6e-5),
    )
    assert HybridLevels.named("L91").count == 91


def test_named_levels_are_those_of_real_messages(grib_folder):
    message = next(iter(scan((grib_folder / "regular-gg-model-levels.grib2").read_bytes())))
    read = hybrid_levels(message.read())
    assert np.array_equal(np.float32(read.a), np.float32(L137.a))
    assert np.array_equal(np.float32(read.b), np.float32(L137.b))
    surface_field = next(iter(scan((grib_folder / "ifs-oper-surface.grib2").read_bytes())))
    with pytest.raises(GribUnsupportedError, match="no A and B of hybrid levels"):
        hybrid_levels(surface_field.read())


@settings(max_examples=25)
@given(st.floats(45_000, 108_000))
def test_pressure_stands_between_its_half_levels(value):
    full = vertical.pressure(surface([value]), L137)
    half = vertical.half_level_pressure(surface([value]), L137).to_numpy()
    assert full.dims == ("level", "values")
    assert full.to_numpy() == pytest.approx(L137.full_pressure(np.array([value])), rel=1e-14)
    assert ((half[:-1] < full) & (full < half[1:])).all()
    assert half[-1] == value


def test_levels_stand_before_the_grid_and_can_be_chosen():
    field = xr.DataArray(np.full((2, 3, 4), 1e5), dims=("step", "latitude", "longitude"))
    chosen = vertical.pressure(field, L137, level=[137, 100])
    assert chosen.dims == ("step", "level", "latitude", "longitude")
    assert chosen.level.to_numpy().tolist() == [137, 100]
    assert chosen.attrs["units"] == "Pa"


@pytest.mark.slow
def test_an_isothermal_atmosphere_has_its_closed_form():
    pressure_at_ground, ground = surface([101_325.0, 80_000.0]), surface([0.0, 20_000.0])
    pressure = vertical.pressure(pressure_at_ground, L137)
    temperature = on_levels(250.0, pressure)
    found = vertical.geopotential(temperature, None, ground, pressure_at_ground, L137)
    expected = ground + DRY_GAS * 250.0 * np.log(pressure_at_ground / pressure)
    below_the_top = found.isel(level=slice(1, None))
    # the mean of two half levels is not quite the pressure whose height the full level has
    error = np.abs(below_the_top - expected).max() / GRAVITY
    assert float(error) < 60
    assert float(np.abs(found - expected).sel(level=slice(60, None)).max()) / GRAVITY < 1.5


@pytest.mark.slow
def test_layers_add_up_as_the_equations_say():
    rng = np.random.default_rng(1)
    pressure_at_ground, ground = surface(rng.uniform(6e4, 1.05e5, 5)), surface(rng.uniform(0, 3e4, 5))
    pressure = vertical.pressure(pressure_at_ground, L137)
    temperature = on_levels(rng.uniform(200, 300, pressure.shape), pressure)
    humidity = on_levels(rng.uniform(0, 0.02, pressure.shape), pressure)
    found = vertical.geopotential(temperature, humidity, ground, pressure_at_ground, L137).to_numpy()
    half = L137.half_pressure(pressure_at_ground.to_numpy())
    half[0] = 0.1
    energy = DRY_GAS * temperature.to_numpy() * (1 + (461.5250 / DRY_GAS - 1) * humidity.to_numpy())
    thickness = np.log(half[1:] / half[:-1])
    alpha = 1 - half[:-1] / np.diff(half, axis=0) * thickness
    alpha[0] = np.log(2)
    layers = (energy * thickness)[::-1].cumsum(axis=0)[::-1]
    below = ground.to_numpy() + np.concatenate([layers[1:], np.zeros((1, 5))])
    assert found == pytest.approx(below + alpha * energy, rel=1e-13)


def test_a_constant_lapse_rate_has_its_heights():
    pressure_at_ground, nothing = surface([101_325.0]), surface([0.0])
    pressure = vertical.pressure(pressure_at_ground, L137, level=range(60, 138))
    temperature = 288.15 * (pressure / 101_325.0) ** (DRY_GAS * LAPSE / GRAVITY)
    found = vertical.height(vertical.geopotential(temperature, None, nothing, pressure_at_ground, L137))
    exact = (288.15 - temperature) / LAPSE
    assert float(np.abs(found - exact).max()) < 2.0
    assert found.attrs["units"] == "m"
    above = vertical.height(found * GRAVITY + 5_000.0, surface_geopotential=nothing + 5_000.0)
    assert above.to_numpy() == pytest.approx(found.to_numpy())


@pytest.mark.slow
@settings(max_examples=25)
@given(st.lists(st.floats(20, 1100), min_size=1, max_size=6), st.integers(0, 2**32 - 1))
def test_pressure_levels_are_those_of_numpy(targets, seed):
    rng = np.random.default_rng(seed)
    pressure = vertical.pressure(surface(rng.uniform(7e4, 1.05e5, 4)), L137)
    field = on_levels(rng.normal(size=pressure.shape), pressure)
    found = vertical.to_pressure_levels(field, pressure, targets)
    wanted = np.log(np.array(targets) * 100)
    for column in range(4):
        along = np.log(pressure.to_numpy()[:, column])
        expected = np.interp(wanted, along, field.to_numpy()[:, column], left=np.nan, right=np.nan)
        assert found.to_numpy()[:, column] == pytest.approx(expected, rel=1e-9, abs=1e-9, nan_ok=True)
    kept = vertical.to_pressure_levels(field, pressure, targets, above="nearest", below="nearest")
    assert not kept.isnull().any()
    assert found.level.to_numpy().tolist() == targets


def test_heights_are_linear_between_levels_whatever_their_order():
    pressure = vertical.pressure(surface([1e5, 9e4]), L137)
    height = 8_000.0 * np.log(1e5 / pressure)
    field = 3.0 * height - 7.0
    expected = 3.0 * np.array([5_000.0, 1_000.0, 12_000.0]) - 7.0
    for data in (field, field.isel(level=slice(None, None, -1))):
        found = vertical.to_heights(data, height, [5_000, 1_000, 12_000])
        assert found.to_numpy() == pytest.approx(np.stack([expected] * 2, axis=1))
    missing = vertical.to_heights(field, height, [-100, 1e6])
    assert missing.isnull().all()
    nearest = vertical.to_heights(field, height, [-100], below="nearest")
    assert nearest.to_numpy()[0] == pytest.approx(field.to_numpy()[-1])


def test_temperature_below_the_ground_follows_the_standard_lapse_rate():
    pressure_at_ground, ground = surface([95_000.0]), surface([500.0 * GRAVITY])
    pressure = vertical.pressure(pressure_at_ground, L137)
    slope = DRY_GAS * LAPSE / GRAVITY
    temperature = 280.0 * (pressure / 95_000.0) ** slope
    targets = [500.0, 900.0, 949.5, 1000.0, 1050.0]
    found = vertical.temperature_on_pressure_levels(temperature, pressure, pressure_at_ground, ground, targets)
    exact = 280.0 * (np.array(targets) / 950.0) ** slope
    assert found.to_numpy()[:, 0] == pytest.approx(exact, abs=2e-3)
    high = vertical.temperature_on_pressure_levels(temperature, pressure, pressure_at_ground, ground * 6, [1000.0])
    plateau = DRY_GAS * (298.0 - 280.0) / float(ground[0] * 6) * np.log(1000 / 950)
    assert float(high[0, 0]) == pytest.approx(280.0 * np.exp(plateau), rel=1e-5)


def test_geopotential_below_the_ground_goes_on_without_a_step():
    pressure_at_ground, ground = surface([95_000.0]), surface([500.0 * GRAVITY])
    pressure = vertical.pressure(pressure_at_ground, L137)
    slope = DRY_GAS * LAPSE / GRAVITY
    temperature = 280.0 * (pressure / 95_000.0) ** slope
    geopotential = vertical.geopotential(temperature, None, ground, pressure_at_ground, L137)
    targets = [700.0, 949.0, 950.0, 951.0, 1000.0]
    found = vertical.geopotential_on_pressure_levels(
        geopotential, temperature, pressure, pressure_at_ground, ground, targets
    ).to_numpy()[:, 0]
    exact = 500.0 * GRAVITY + GRAVITY / LAPSE * 280.0 * (1 - (np.array(targets) / 950.0) ** slope)
    assert found == pytest.approx(exact, abs=GRAVITY)
    assert found[2] == pytest.approx(500.0 * GRAVITY)


@pytest.mark.parametrize(("warm", "factor"), [(300.0, 0.5 * (290.5 + 300.0)), (240.0, 0.5 * (255.0 + 240.0))])
def test_geopotential_below_hot_and_cold_ground_is_tempered(warm, factor):
    from dtedask.geo.vertical.below import geopotential_below

    found = geopotential_below(*map(np.asarray, (105_000.0, 0.0, warm, 100_000.0, 100_000.0, 0.0)))
    slope = 0.0 if warm > 290 else DRY_GAS * LAPSE / GRAVITY
    depth = slope * np.log(1.05)
    assert float(found) == pytest.approx(-DRY_GAS * factor * np.log(1.05) * (1 + depth / 2 + depth**2 / 6))


@pytest.mark.slow
def test_chunked_fields_stay_lazy():
    rng = np.random.default_rng(2)
    at_ground = xr.DataArray(rng.uniform(9e4, 1e5, (2, 3, 4)), dims=("step", "latitude", "longitude"))
    ground = xr.zeros_like(at_ground)
    pressure = vertical.pressure(at_ground, L137)
    temperature = on_levels(rng.uniform(220, 300, pressure.shape), pressure).astype("float32")
    eager = vertical.geopotential(temperature, None, ground, at_ground, L137)
    with raise_if_computes():
        chunks = {"step": 1, "latitude": 2}
        lazy_pressure = vertical.pressure(at_ground.chunk(chunks), L137)
        warm = temperature.chunk({**chunks, "level": 10})
        lazy = vertical.geopotential(warm, None, ground.chunk(chunks), at_ground.chunk(chunks), L137)
        levels = vertical.temperature_on_pressure_levels(
            warm, lazy_pressure, at_ground.chunk(chunks), ground.chunk(chunks), [1000, 500]
        )
    assert lazy.chunks == ((1, 1), (137,), (2, 1), (4,))
    assert lazy.dims == temperature.dims == levels.dims
    assert levels.dtype == "float32"
    assert lazy.to_numpy().tobytes() == eager.to_numpy().tobytes()
    expected = vertical.temperature_on_pressure_levels(temperature, pressure, at_ground, ground, [1000, 500])
    assert levels.to_numpy() == pytest.approx(expected.to_numpy())


@pytest.mark.slow
def test_real_levels_go_to_pressure_levels_between_them(grib_folder):
    data = (grib_folder / "regular-gg-model-levels.grib2").read_bytes()
    found = [(m.field.keys["levelist"], decode(m.read(), m.field.order, dtype="float64")) for m in scan(data)]
    numbers, values = [int(number) for number, _ in found], np.stack([value for _, value in found])
    temperature = xr.DataArray(values, {"level": numbers}, ("level", "latitude", "longitude"))
    pressure = vertical.pressure(xr.full_like(temperature.isel(level=0, drop=True), 1e5), L137, level=numbers)
    at_levels = vertical.to_pressure_levels(temperature, pressure, pressure.isel(latitude=0, longitude=0) / 100)
    assert at_levels.to_numpy() == pytest.approx(values)
    between = vertical.to_pressure_levels(temperature, pressure, [10.0]).to_numpy()
    low, high = values[:2].min(axis=0), values[:2].max(axis=0)
    assert ((between[0] >= low) & (between[0] <= high)).all()
    ground = xr.zeros_like(pressure.isel(level=0, drop=True))
    with pytest.raises(GridError, match="levels 2, 3, 4, 5, 6 are missing"):
        vertical.geopotential(temperature, None, ground, ground + 1e5, L137)


def test_what_cannot_be_is_refused():
    pressure = vertical.pressure(surface([1e5]), L137)
    field = on_levels(1.0, pressure)
    with pytest.raises(GridError, match="no levels 'L62'"):
        HybridLevels.named("L62")
    with pytest.raises(GridError, match="3 numbers is no pv"):
        HybridLevels.from_pv([1, 2, 3])
    with pytest.raises(GridError, match="does not grow downwards"):
        HybridLevels((0.0, 10.0, 0.0), (1.0, 0.5, 0.0))
    with pytest.raises(GridError, match="no level 138"):
        vertical.pressure(surface([1e5]), L137, level=[138])
    with pytest.raises(GridError, match="no dimension 'level'"):
        vertical.to_pressure_levels(surface([1.0]), pressure, [500])
    with pytest.raises(GridError, match="not on the same levels"):
        vertical.to_pressure_levels(field.isel(level=slice(5)), pressure, [500])
    with pytest.raises(GridError, match=r"-5.0 is no pressure level"):
        vertical.to_pressure_levels(field, pressure, [-5])
    with pytest.raises(GridError, match="no choice 'zero' for below"):
        vertical.to_pressure_levels(field, pressure, [500], below="zero")
