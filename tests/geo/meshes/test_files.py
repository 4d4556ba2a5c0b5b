"""Meshes as files of UGRID and Gmsh."""

import numpy as np
import pytest
import xarray as xr

from dtedask.core.errors import GridError
from dtedask.geo import Grid
from dtedask.geo.meshes import from_ugrid, mesh, write_gmsh
from dtedask.geo.meshes.connectivity import sizes
from dtedask.geo.meshes.sphere import EARTH_RADIUS_M


@pytest.mark.parametrize("name", ["O8", "10/10", "H4"])
@pytest.mark.parametrize("is_decoded", [True, False])
def test_a_mesh_comes_back_from_netcdf(name, is_decoded, tmp_path):
    found = mesh(Grid(name))
    found.to_ugrid().to_netcdf(tmp_path / "mesh.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "mesh.nc", engine="h5netcdf", mask_and_scale=is_decoded) as read:
        assert from_ugrid(read) == found
        assert read["mesh"].attrs["cf_role"] == "mesh_topology"
        assert read.attrs["Conventions"] == "CF-1.11 UGRID-1.0"


def test_every_name_in_the_topology_exists():
    described = mesh(Grid("O8")).to_ugrid(name="o8")
    topology = described["o8"].attrs
    for key in ("face_node_connectivity", "edge_node_connectivity", "edge_face_connectivity"):
        assert described[topology[key]].attrs["cf_role"] == key
    for key in ("face_dimension", "edge_dimension"):
        assert topology[key] in described.sizes
    assert set(topology["node_coordinates"].split()) <= set(described.coords)


def test_indices_that_count_from_one_are_understood():
    found = mesh(Grid("H4"))
    other = found.to_ugrid()
    faces = other["mesh_face_nodes"]
    other["mesh_face_nodes"] = (faces.dims, np.where(faces < 0, 999_999, faces + 1), dict(faces.attrs))
    other["mesh_face_nodes"].attrs |= {"start_index": 1, "_FillValue": 999_999}
    np.testing.assert_array_equal(from_ugrid(other).elements, found.elements)


def test_a_dataset_without_a_mesh_is_refused():
    with pytest.raises(GridError, match="has no mesh"):
        from_ugrid(xr.Dataset())


def read_gmsh(path):
    """Nodes and elements by the definition of the format: a section begins with its name and ends with $End."""
    lines = iter(path.read_text().splitlines())
    sections = {}
    for line in lines:
        assert line.startswith("$")
        body = []
        for inner in lines:
            if inner == f"$End{line[1:]}":
                break
            body.append(inner.split())
        sections[line[1:]] = body
    is_new = sections["MeshFormat"] == [["4.1", "0", "8"]]
    return (_new if is_new else _old)(sections["Nodes"], sections["Elements"])


def _old(nodes, elements):
    places = np.array([line[1:] for line in nodes[1:]], float)
    assert int(nodes[0][0]) == len(places)
    assert int(elements[0][0]) == len(elements) - 1
    return places, [(int(line[1]), [int(node) for node in line[3 + int(line[2]) :]]) for line in elements[1:]]


def _new(nodes, elements):
    count = int(nodes[1][3])
    assert nodes[0] == ["1", str(count), "1", str(count)]
    return np.array(nodes[2 + count :], float), _blocks(elements)


def _blocks(elements):
    """Elements of a section of version 4.1, as their types and nodes."""
    found, rest = [], elements[1:]
    while rest:
        _, _, kind, number = (int(word) for word in rest[0])
        found += [(kind, [int(node) for node in line[1:]]) for line in rest[1 : 1 + number]]
        rest = rest[1 + number :]
    assert int(elements[0][1]) == len(found)
    return found


@pytest.mark.parametrize("version", ["2.2", "4.1"])
def test_gmsh_reads_the_nodes_and_elements_that_were_written(version, tmp_path):
    found = mesh(Grid("O8"))
    write_gmsh(found, tmp_path / "mesh.msh", version=version)
    places, elements = read_gmsh(tmp_path / "mesh.msh")
    np.testing.assert_array_equal(places, found.xyz * EARTH_RADIUS_M)
    order = np.argsort(-sizes(found.elements), kind="stable")
    expected = [[node + 1 for node in element if node >= 0] for element in found.elements[order].tolist()]
    assert [nodes for _, nodes in elements] == expected
    assert {kind for kind, _ in elements} == {2, 3}


def test_on_the_plane_elements_that_cross_its_edge_are_left_out(tmp_path):
    found = mesh(Grid("10/10"))
    write_gmsh(found, tmp_path / "mesh.msh", coordinates="lonlat")
    places, elements = read_gmsh(tmp_path / "mesh.msh")
    np.testing.assert_array_equal(places[:, 0], found.longitude)
    assert all(np.ptp(places[np.array(nodes) - 1, 0]) < 180 for _, nodes in elements)


def test_other_versions_of_gmsh_are_refused(tmp_path):
    with pytest.raises(GridError, match="'5' of Gmsh"):
        write_gmsh(mesh(Grid("O8")), tmp_path / "mesh.msh", version="5")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["O8", "N32", "F8", "O32"])
@pytest.mark.parametrize("poles", ["open", "patch"])
def test_structured_meshes_are_those_of_atlas_element_by_element(name, poles, atlas, tmp_path):
    options = ["--3d", *(["--patch-pole"] if poles == "patch" else [])]
    atlas("meshgen", name, str(tmp_path / "mesh.msh"), "--generator=structured", *options)
    sections = (tmp_path / "mesh.msh").read_text().split("$")
    lines = [line.split() for line in next(text for text in sections if text.startswith("Elements")).splitlines()[1:]]
    elements = _blocks(lines)
    ours = mesh(Grid(name), poles=poles).elements.tolist()
    found = {frozenset(node + 1 for node in element if node >= 0) for element in ours}
    assert found == {frozenset(nodes) for _, nodes in elements}
