"""`dtedask grid mesh`."""

import xarray as xr

from dtedask.geo import Grid, mesh
from dtedask.geo.meshes import from_ugrid


def test_a_mesh_is_shown(run):
    shown = run("grid mesh O8 --json").lines[0]
    found = mesh(Grid("O8"))
    assert (shown["nodes"], shown["edges"], shown["elements"]) == (544, 1578, 1036)
    assert (shown["is_closed"], shown["uid"]) == (True, found.uid)
    assert "O8 structured" in run("grid mesh O8").out


def test_a_mesh_is_written_for_others(run, tmp_path):
    assert run(f"grid mesh H4 --kind delaunay --to {tmp_path}/mesh.nc").status == 0
    with xr.open_dataset(tmp_path / "mesh.nc", engine="h5netcdf") as read:
        assert from_ugrid(read) == mesh(Grid("H4"), kind="delaunay")
    assert run(f"grid mesh O8 --poles open --gmsh-version 2.2 --to {tmp_path}/mesh.msh").status == 0
    assert (tmp_path / "mesh.msh").read_text().startswith("$MeshFormat\n2.2 0 8\n")


def test_a_dry_run_writes_nothing(run, tmp_path):
    shown = run(f"grid mesh O8 --to {tmp_path}/mesh.nc --dry-run --json")
    assert shown.lines[0]["done"] is False
    assert not (tmp_path / "mesh.nc").exists()


def test_other_files_are_wrong_usage(run, tmp_path):
    assert run(f"grid mesh O8 --to {tmp_path}/mesh.vtk").status == 2
