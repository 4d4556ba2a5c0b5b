"""Halos: what is borrowed is what is needed, comes back to its owner, and changes no bit."""

import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.core.errors import GridError
from dtedask.geo import Grid, Nabla, mesh
from dtedask.geo.halo import accumulate, apply, exchange, halos, join, local_matrix, split
from dtedask.geo.partition import Partition, bands, equal_regions
from dtedask.testing import raise_if_computes

MESH = mesh(Grid("O8"))
NABLA = Nabla(MESH)


def some(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def partitions():
    def of(drawn):
        seed, parts = drawn
        part = np.random.default_rng(seed).integers(0, parts, MESH.nodes)
        part[:parts] = np.arange(parts)
        return Partition(part, parts)

    return st.tuples(st.integers(0, 2**32 - 1), st.integers(1, 6)).map(of)


@settings(max_examples=20)
@given(partitions(), st.integers(1, 2))
def test_each_part_gets_the_values_it_lists(partition, depth):
    lists = halos(partition, MESH, depth=depth)
    field = some(0, 2, MESH.nodes)
    for part, values in zip(lists.parts, exchange(lists, split(lists, field)), strict=True):
        np.testing.assert_array_equal(values, field[:, part.points])
        assert not np.isin(part.halo, part.own).any()
        np.testing.assert_array_equal(partition.part[part.halo], part.owners)


@settings(max_examples=20)
@given(partitions(), st.integers(0, 2**32 - 1))
def test_accumulate_is_the_adjoint_of_exchange(partition, seed):
    lists = halos(partition, MESH)
    given_, wanted = split(lists, some(seed, MESH.nodes)), [some(seed, part.points.size) for part in lists.parts]
    forward = sum(np.dot(one, other) for one, other in zip(exchange(lists, given_), wanted, strict=True))
    back = sum(np.dot(one, other) for one, other in zip(given_, accumulate(lists, wanted), strict=True))
    assert forward == pytest.approx(back, rel=1e-12, abs=1e-12 * MESH.nodes)


@settings(max_examples=10)
@given(partitions())
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_operators_on_parts_give_the_whole_to_the_last_bit(dtype, partition):
    field = some(1, 3, MESH.nodes).astype(dtype)
    for operator in (NABLA.nodes.east, NABLA.nodes.from_north, NABLA.matrix("laplacian")):
        lists = halos(partition, operator)
        found = join(lists, apply(lists, operator, split(lists, field)))
        np.testing.assert_array_equal(found, (operator @ field.T).T)


def test_two_applications_need_halos_of_depth_two():
    partition = equal_regions(MESH, 4)
    with pytest.raises(GridError, match="points beyond its halo"):
        local_matrix(halos(partition, MESH), NABLA.matrix("laplacian"), 0)
    assert local_matrix(halos(partition, MESH, depth=2), NABLA.matrix("laplacian"), 0).shape[0] == 136


def test_lazy_parts_stay_lazy_and_give_the_same_to_the_last_bit():
    lists = halos(equal_regions(MESH, 5), MESH)
    field = some(2, 4, MESH.nodes)
    lazy = da.from_array(field, chunks=(2, 100))
    with raise_if_computes():
        parts = split(lists, lazy)
        applied = join(lists, apply(lists, NABLA.nodes.north, parts))
        back = accumulate(lists, exchange(lists, parts))
    np.testing.assert_array_equal(applied.compute(), (NABLA.nodes.north @ field.T).T)
    expected = accumulate(lists, exchange(lists, split(lists, field)))
    for one, other in zip(back, expected, strict=True):
        np.testing.assert_array_equal(one.compute(), other)
    assert {part.dtype for part in back} == {np.dtype("f8")}


def test_names_of_tasks_say_what_they_do_and_are_the_same_each_time():
    lists = halos(bands(MESH, 3), MESH)
    first, second = (
        apply(lists, NABLA.nodes.east, split(lists, da.from_array(some(3, MESH.nodes), chunks=50)))[1].dask.layers
        for _ in range(2)
    )
    assert set(first) == set(second)
    for start in ("halo-0-to-1", "halo-2-to-1", "halo-with-halo", "halo-product"):
        assert any(name.startswith(start) for name in first), start


def test_a_part_sends_no_more_than_what_is_needed():
    lists = halos(bands(MESH, 4), MESH)
    sent = exchange(lists, split(lists, da.from_array(some(4, MESH.nodes), chunks=-1)))[1]
    layers = {name: layer for name, layer in sent.dask.layers.items() if "-to-1" in name}
    assert len(layers) == 2
    assert repr(lists).startswith("<Halos of depth 1: 544 points in 4 parts")
    assert "544 points" in lists._repr_html_()


def test_bands_of_an_array_are_cut_where_they_lie():
    lists = halos(bands(MESH, 4), MESH)
    lazy = da.from_array(some(6, MESH.nodes), chunks=136)
    parts = split(lists, lazy)
    assert all(len(part.dask) <= 2 * lazy.npartitions + 1 for part in parts)
    assert len(join(lists, parts).chunks[0]) == 4


def test_one_part_borrows_nothing():
    lists = halos(bands(MESH, 1), MESH)
    field = some(5, MESH.nodes)
    np.testing.assert_array_equal(exchange(lists, split(lists, field))[0], field)


def test_sizes_that_do_not_fit_are_refused():
    lists = halos(bands(MESH, 2), MESH)
    with pytest.raises(GridError, match="No halo of depth 0"):
        halos(bands(MESH, 2), MESH, depth=0)
    with pytest.raises(GridError, match="No halo of depth 1 for 512"):
        halos(bands(Grid("F8"), 2), MESH)
    with pytest.raises(GridError, match=r"Arrays have \[3\] points, not \[544\]"):
        split(lists, np.zeros(3))
    with pytest.raises(GridError, match="not of a DataArray"):
        split(lists, xr.DataArray(np.zeros(544)))
    with pytest.raises(GridError, match="Arrays have"):
        exchange(lists, [np.zeros(272), np.zeros(271)])
