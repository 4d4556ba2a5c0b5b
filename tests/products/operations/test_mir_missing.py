"""Against the real MIR: points without values, and land and sea kept apart."""

import numpy as np
import pytest

from dtedask.core.errors import ProductError
from dtedask.geo import Grid
from dtedask.grib import encode
from dtedask.products import Nodes, PostProcessing
from dtedask.products.operations.chain import post_processed
from tests.products.operations.fields import described, given, made, read

POLICIES = ["", "missing-if-heaviest-missing", "missing-if-all-missing", "missing-if-any-missing"]


@pytest.mark.slow
@pytest.mark.parametrize("grid", ["F16", "O16", "N32"])
@pytest.mark.parametrize("number", [0, 1])
def test_real_fields_with_gaps_miss_the_points_that_mir_misses(grid, number, mir_of, written, grib_folder):
    nodes = Nodes()
    field = read(nodes, grib_folder / "missing-values.grib")[number]
    for policy in POLICIES:
        node = post_processed(nodes, PostProcessing(grid=grid, missing=policy), field)
        said = {"non_linear": policy} if policy else {}
        expected = mir_of(written(field), grid=grid, interpolation="linear", **said).values
        assert np.isnan(expected).any()
        np.testing.assert_allclose(made(node), expected, rtol=1e-6, atol=1e-6, err_msg=policy)


def mask(path, grid, shift=0.0):
    """A wavy coast, as GRIB."""
    grid = Grid(grid)
    latitude, longitude = (np.deg2rad(part) for part in grid.points())
    land = 0.5 + 0.5 * np.sin(3 * longitude + shift) * np.cos(2 * latitude)
    path.write_bytes(encode(land, described(grid, param="172").keys, grid, packing="grid_ieee"))
    return str(path)


@pytest.mark.slow
@pytest.mark.parametrize("factor", [None, 0.05])
@pytest.mark.parametrize("interpolation", ["grid-box-average", "linear"])
def test_land_and_sea_are_kept_apart_as_with_mir(interpolation, factor, mir_of, written, tmp_path):
    nodes = Nodes()
    field = given(nodes, "O32")
    files = {"lsm_file_input": mask(tmp_path / "in", "O32"), "lsm_file_output": mask(tmp_path / "out", "5/5")}
    options = files | ({} if factor is None else {"lsm_weight_adjustment": factor})
    how = PostProcessing(grid="5/5", interpolation=interpolation, lsm=True, method_options=tuple(options.items()))
    node = post_processed(nodes, how, field)
    said = {"lsm": "true", "lsm_selection": "file", "lsm_interpolation": "nearest-neighbour"} | options
    expected = mir_of(written(field), grid="5/5", interpolation=interpolation, **said)
    inner = slice(2, -2)  # linear beyond the outermost row of a Gaussian grid is another one
    np.testing.assert_allclose(made(node)[inner], expected.values[inner], rtol=1e-6)
    plain = post_processed(nodes, PostProcessing(grid="5/5", interpolation=interpolation), field)
    assert np.abs(made(plain) - made(node)).max() > 0.5


def test_one_mask_serves_both_grids_and_its_change_is_noticed(tmp_path):
    nodes, path = Nodes(), tmp_path / "mask"
    field = given(nodes, "O16")
    how = PostProcessing(grid="10/10", lsm=True, method_options=(("lsm-file", str(path)),))
    with pytest.raises(ProductError, match="no field of land and sea in"):
        post_processed(nodes, how, field)
    mask(path, "5/5")
    first = post_processed(nodes, how, field)
    mask(path, "5/5", shift=1.0)
    second = post_processed(nodes, how, field)
    assert first.key != second.key
    assert not np.array_equal(made(first), made(second))


def test_land_is_not_guessed():
    nodes = Nodes()
    with pytest.raises(ProductError, match=r"Which points are land is not known for O16 \(lsm\)"):
        post_processed(nodes, PostProcessing(grid="10/10", lsm=True), given(nodes, "O16"))


def test_weights_of_a_file_and_without_the_cache_are_asked_for_in_mirs_words():
    nodes = Nodes()
    field = given(nodes, "O16")
    how = PostProcessing(grid="10/10", method_options=(("caching", False),))
    assert post_processed(nodes, how, field).operation.handle.location == ""
    how = PostProcessing(grid="10/10", interpolation="matrix", method_options=(("interpolation-matrix", "none.npz"),))
    with pytest.raises(ProductError, match=r"none\.npz"):
        post_processed(nodes, how, field)


@pytest.mark.slow
def test_the_nearest_point_of_its_kind_is_that_of_mir(mir_of, written, tmp_path):
    nodes = Nodes()
    field = given(nodes, "O32")
    files = {"lsm_file_input": mask(tmp_path / "in", "O32"), "lsm_file_output": mask(tmp_path / "out", "F20")}
    how = PostProcessing(grid="F20", interpolation="nearest-lsm", method_options=tuple(files.items()))
    found = made(post_processed(nodes, how, field))
    said = files | {"lsm_selection": "file", "lsm_interpolation": "nearest-neighbour"}
    expected = mir_of(written(field), grid="F20", interpolation="nearest-lsm", **said).values
    plain = made(post_processed(nodes, PostProcessing(grid="F20", interpolation="nearest"), field))
    nearest = mir_of(written(field), grid="F20", interpolation="nearest-neighbour").values
    is_clear = np.isclose(plain, nearest, rtol=1e-6)  # of two points at the same distance MIR takes any
    assert is_clear.mean() > 0.95
    np.testing.assert_allclose(found[is_clear], expected[is_clear], rtol=1e-6)
    assert (plain != found).mean() > 0.01
