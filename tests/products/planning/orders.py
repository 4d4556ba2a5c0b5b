"""Small fields and requirements for tests of planning."""

from __future__ import annotations

import numpy as np

from dtedask.geo import PointOrder, regular_latlon
from dtedask.grib import Field, FieldDescription
from dtedask.grib.coordinates import of_grid
from dtedask.products import Cycle, Format, FormatOptions, PostProcessing, Requirement
from dtedask.request import parameter, parse_step

KEYS = {"class": "od", "stream": "oper", "expver": "0001", "type": "fc", "levtype": "sfc", "param": "167"}
KEYS |= {"date": "20240601", "time": "0000", "step": "0"}
GRID = regular_latlon(np.array([90.0, 0.0, -90.0]), np.array([0.0, 90.0, 180.0, 270.0]))


class Plain(Format):
    """Takes values as they are."""

    suffix = ".plain"
    default_name = "{param}-{step}"

    def write(self, product, parts, path, lineage):  # noqa: ARG002 - values alone
        path.write_bytes(b"".join(part.payload.tobytes() for part in parts))


def field(grid=GRID, *, seed=0, **keys):
    """A field with the keys of `KEYS` and those given; None leaves one out."""
    known = {key: value for key, value in {**KEYS, **keys}.items() if value is not None}
    of = parameter(known["param"])
    described = FieldDescription(
        keys=known,
        short_name=of.short_name,
        name=of.name,
        units=of.units,
        standard_name="",
        step_type="instant",
        interval=None,
        step_seconds=parse_step(known["step"]).end_s,
        level_type="surface",
        level=0.0,
        edition=2,
        grid=grid,
        order=PointOrder(grid.shape),
        packing="grid_ccsds",
        bits_per_value=16,
        has_bitmap=False,
        product=(),
        attributes={},
    )
    values = np.random.default_rng(seed).random(grid.shape, dtype="float32")
    return Field(described, values, of_grid(grid) or {})


def fields(params=("167",), steps=("0", "6"), **keys):
    """One field of each parameter and step, with other values each."""
    both = [(param, step) for param in params for step in steps]
    return [field(param=param, step=step, seed=seed, **keys) for seed, (param, step) in enumerate(both)]


def requirement(name="one", *, how=None, form=None, **request):
    """A requirement of fields like those of `field`; attributes of `Requirement` stand beside keys."""
    own = {key: request.pop(key) for key in tuple(request) if key in Requirement.__slots__}
    asked = {**{key: value for key, value in KEYS.items() if key not in ("date", "time")}, **request}
    values = {
        key: tuple(value) if isinstance(value, list | tuple) else (value,)
        for key, value in asked.items()
        if value is not None
    }
    return Requirement(
        name=name,
        owner=own.pop("owner", "me"),
        request=values,
        how=how or PostProcessing(),
        format=form or FormatOptions(type="plain"),
        **own,
    )


CYCLE = Cycle.of(KEYS)


def values_of(node):
    """What a node is, each of its inputs made anew."""
    return node.operation(*(values_of(one) for one in node.inputs))


def by_keys(fields_):
    """Values of fields by parameter, step and member."""
    return {(one.description.keys["param"], one.description.keys["step"]): one.values for one in fields_}
