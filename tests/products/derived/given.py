"""Fields in memory, as nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from dtedask.geo import Grid, PointOrder
from dtedask.grib import FieldDescription
from dtedask.products import Operation
from dtedask.request import parameter, parse_step

KEYS = {"class": "od", "stream": "oper", "expver": "0001", "type": "fc", "levtype": "sfc"}
KEYS |= {"date": "20240603", "time": "0000", "step": "24"}


def description(param, *, grid="10/10", units=None, interval=None, **keys):
    """What a field says of itself; keys that are None are left out."""
    known, points = parameter(param), Grid(grid)
    said = {key: str(value) for key, value in {**KEYS, "param": known.id, **keys}.items() if value is not None}
    level = said.get("levelist")
    return FieldDescription(
        keys=said, short_name=known.short_name, name=known.name, units=known.units if units is None else units,
        standard_name="", step_type="instant" if interval is None else "accum", interval=interval,
        step_seconds=parse_step(said["step"]).end_s, level_type="isobaricInhPa" if level else "surface",
        level=None if level is None else float(level), edition=2, grid=points, order=PointOrder(points.shape),
        packing="grid_simple", bits_per_value=16, has_bitmap=False, product=(), attributes={},
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Given(Operation):
    """A field whose values are there."""

    name: ClassVar[str] = "given"
    field: FieldDescription
    values: np.ndarray

    @property
    def identity(self):
        return f"{sorted(self.field.keys.items())}{self.field.grid.uid}{self.values.tobytes()!r}"

    def describe(self):
        return self.field

    def __call__(self):
        return self.values


def given_node(nodes, param, values=None, **said):
    """The node of a field; without values those of a random one."""
    field = description(param, **said)
    if values is None:
        values = np.random.default_rng(len(nodes)).uniform(250, 300, field.grid.shape)
    values = np.resize(np.asarray(values), field.grid.shape)
    dtype = values.dtype if values.dtype.kind == "f" else np.float64
    return nodes.make(Given(field, np.array(values, dtype)))


def made(node):
    """Values of a node, made one after the other."""
    return node.operation(*(made(one) for one in node.inputs))
