import numpy as np
import pytest
import xarray as xr
from scipy.sparse import csr_array, save_npz

from dtedask.core.errors import GridError
from dtedask.geo import Grid
from dtedask.geo.interpolation.matrix import Matrix
from dtedask.testing import MethodSuite


def triplets(matrix, names, dims, **more):
    made = matrix.tocoo()
    values = made.data, made.row.astype("i4") + 1, made.col.astype("i4") + 1
    variables = {name: ("link", array) for name, array in zip(names, values, strict=True)}
    sizes = {f"area_{dim}": (dim, np.zeros(size)) for dim, size in zip(dims, matrix.shape, strict=True)}
    return xr.Dataset(variables | sizes | more)


def write(kind, matrix, path):
    if kind == "scipy":
        save_npz(path, matrix)
    elif kind == "esmf":
        triplets(matrix, ("S", "row", "col"), ("n_b", "n_a")).to_netcdf(path, engine="h5netcdf")
    elif kind == "scrip":
        said = triplets(matrix, ("one", "dst_address", "src_address"), ("dst_grid_size", "src_grid_size"))
        three = np.stack([said["one"].values, 0 * said["one"].values, 0 * said["one"].values], axis=1)
        said.drop_vars("one").assign(remap_matrix=(("link", "weight"), three)).to_netcdf(path, engine="scipy")
    else:
        pytest.importorskip("mir.weight_matrix").WeightMatrix.from_csr(matrix).to_mat(path)


@pytest.mark.parametrize(("kind", "name"), [("scipy", "w.npz"), ("esmf", "w.nc"), ("scrip", "w.nc"), ("mir", "w.mat")])
def test_weights_of_others_are_read_as_they_are(kind, name, tmp_path, weights):
    matrix = weights("bilinear", "O4", "30/30")
    write(kind, matrix, tmp_path / name)
    found = weights("matrix", "O4", "30/30", path=tmp_path / name)
    assert found.has_sorted_indices
    assert abs(found - matrix).max() == 0


@pytest.fixture
def file(tmp_path):
    save_npz(tmp_path / "w.npz", csr_array(np.eye(3)))
    return tmp_path / "w.npz"


def test_weights_for_other_grids_are_refused(file):
    with pytest.raises(GridError, match="3 points from 3, but 30x30 has 84 and O4 has 208"):
        Matrix(Matrix.Options(path=file)).prepare(Grid("O4"), Grid("30/30"))


def test_what_is_in_the_file_is_part_of_what_the_weights_are(file):
    method = Matrix(Matrix.Options(path=file))
    before = method.identity()
    save_npz(file, csr_array(2 * np.eye(3)))
    assert method.identity() != before


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "cannot be read"), (b"text", "not known"), (b"\x0a\0\0\0\1\5\0\0\0\1\0", "no matrix of MIR")],
)
def test_files_that_are_none_say_so(content, message, tmp_path):
    path = tmp_path / "weights"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(GridError, match=message):
        Matrix(Matrix.Options(path=path)).prepare(Grid("O4"), Grid("O4"))


def test_a_netcdf_file_of_something_else_says_what_it_has(tmp_path):
    xr.Dataset({"t": ("x", [1.0])}).to_netcdf(tmp_path / "t.nc", engine="h5netcdf")
    with pytest.raises(GridError, match="its variables are t"):
        Matrix(Matrix.Options(path=tmp_path / "t.nc")).prepare(Grid("O4"), Grid("O4"))


class TestMatrix(MethodSuite):
    source = target = Grid("O4")

    @pytest.fixture
    def method(self, tmp_path):
        save_npz(tmp_path / "w.npz", csr_array(np.eye(self.source.size)))
        return Matrix(Matrix.Options(path=tmp_path / "w.npz"))
