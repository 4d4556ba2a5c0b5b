"""Fields as nodes, for tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from dtedask.geo import Grid, PointOrder
from dtedask.grib import FieldDescription, decode, scan
from dtedask.products import Operation


def described(grid, **keys):
    keys = {
        "class": "od",
        "stream": "oper",
        "expver": "0001",
        "type": "fc",
        "levtype": "sfc",
        "date": "20240601",
    } | keys
    keys = {"time": "0000", "step": "0", "param": "167"} | keys
    return FieldDescription(
        keys=keys, short_name="2t", name="2 metre temperature", units="K", standard_name="", step_type="instant",
        interval=None, step_seconds=0, level_type="heightAboveGround", level=2.0, edition=2, grid=grid,
        order=PointOrder(grid.shape), packing="grid_ccsds", bits_per_value=16, has_bitmap=False, product=(),
        attributes={},
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Given(Operation):
    """A field that is there."""

    name = "given"
    description: FieldDescription
    values: np.ndarray = field(repr=False)

    @property
    def identity(self):
        return f"{self.description} {self.values.tobytes()!r}"

    def describe(self):
        return self.description

    def __call__(self):
        return self.values


def given(nodes, grid, values=None, **keys):
    """Make the node of a field, by default with waves of several lengths and float32 as fields are read."""
    grid = grid if isinstance(grid, Grid) else Grid(grid)
    if values is None:
        points = grid.points()
        height, turn = np.deg2rad(points.latitude), np.deg2rad(points.longitude)
        values = 280 + np.cos(height) * (20 * np.sin(3 * height) * np.cos(4 * turn) + np.sin(9 * turn))
    return nodes.make(Given(described(grid, **keys), np.asarray(values, np.float32).reshape(grid.shape)))


def made(node):
    """Compute a node and all behind it."""
    return node.operation(*(made(one) for one in node.inputs))


def assert_same_points(found, expected):
    """Edges of areas may be written with another last digit, or another turn."""
    assert (found.kind, found.dims, found.shape) == (expected.kind, expected.dims, expected.shape)
    here, there = found.points(), expected.points()
    np.testing.assert_allclose(here.latitude, there.latitude, atol=2e-6)
    turn = (here.longitude - there.longitude + 180) % 360 - 180
    np.testing.assert_allclose(turn, 0, atol=2e-6)


def read(nodes, path, **keys):
    """Make the nodes of the fields of a GRIB file that have some keys, float32 as fields are read."""
    found = []
    for message in scan(Path(path).read_bytes()):
        if keys.items() <= message.field.keys.items():
            values = decode(message.read(), message.field.order, dtype="float32")
            found.append(nodes.make(Given(message.field, values)))
    return found
