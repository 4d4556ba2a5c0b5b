import os
from functools import cache

import numpy as np
import pytest

from dtedask.geo import Grid
from dtedask.geo.interpolation.method import method_class


def as_grid(said):
    """A grid from its name or specification; one with an area from its step and the area."""
    if isinstance(said, Grid):
        return said
    if isinstance(said, str | dict):
        return Grid(said)
    step, (north, west, south, east) = said
    ni, nj = round((east - west) / step) + 1, round((north - south) / step) + 1
    place = {"north": north, "west": west, "south": south, "east": east, "ni": ni, "nj": nj, "dx": step, "dy": step}
    return Grid.of("regular_ll", place | {"periodic": False}, ("latitude", "longitude"), (nj, ni))


def make(name, source, target, **options):
    kind = method_class(name)
    method = kind(kind.Options(**options))
    source, target = as_grid(source), as_grid(target)
    return method.block(method.prepare(source, target), source, target, 0, target.size)


@pytest.fixture(scope="session")
def weights():
    """Weights of a method, made in one block."""
    return make


@pytest.fixture(scope="session")
def grid():
    return as_grid


@pytest.fixture(scope="session")
def vectors():
    """Points of a grid on the unit sphere, shape (size, 3)."""

    def vectors(said):
        latitude, longitude = np.deg2rad(as_grid(said).points())
        return np.stack(
            [np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)], 1
        )

    return vectors


@pytest.fixture(scope="module")
def mir(tmp_path_factory):
    """Weights as MIR makes them."""
    os.environ["MIR_CACHE_PATH"] = str(tmp_path_factory.mktemp("mir"))
    made = pytest.importorskip("mir.weight_matrix").WeightMatrix.from_regrid

    def spec(said):
        return said if isinstance(said, str) else f"{{grid: [{said[0]}, {said[0]}], area: {list(said[1])}}}"

    @cache
    def matrix(name, source, target, **options):
        return made(spec(source), spec(target), interpolation=name, **options).to_csr()

    yield matrix
    del os.environ["MIR_CACHE_PATH"]


@pytest.fixture(scope="module")
def mir_values(tmp_path_factory):
    """Values as MIR interpolates them."""
    os.environ["MIR_CACHE_PATH"] = str(tmp_path_factory.mktemp("mir"))
    mir = pytest.importorskip("mir")

    def values(name, source, target, field, **options):
        job = mir.Job()
        for key, value in {"grid": target, "interpolation": name, **options}.items():
            job.set(key, value)
        made = mir.ArrayOutput()
        job.execute(mir.ArrayInput(field, source), made)
        return np.asarray(made.values()).ravel()

    yield values
    del os.environ["MIR_CACHE_PATH"]
