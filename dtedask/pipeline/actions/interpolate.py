"""The action `interpolate`: fields on another grid, or cut to an area."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from dtedask.core.errors import DocumentError, FieldError, PlanError
from dtedask.pipeline.action import Action, ActionOptions, Context
from dtedask.pipeline.values.placing import How
from dtedask.pipeline.values.regridding import AreaOption, GridOption, Target, grid_name, read_area

if TYPE_CHECKING:
    from dtedask.pipeline.compute import Compute
    from dtedask.pipeline.message import Message

_NOT_YET = ("padding", "accuracy", "packing", "repres", "gaussian", "style")
_DONE = ("truncation", "rotation", "frame", "bitmap", "resol", "intgrid")


class MirOptions(BaseModel):
    """Options that MultIO hands on to its interpolation, MIR."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, populate_by_name=True, frozen=True)

    interpolation: str = ""
    """The method: ``linear`` (the default), ``nearest-neighbour``, ``bilinear``, ``grid-box-average``, ..."""
    interpolation_matrix: str = Field("", alias="interpolation-matrix")
    """File of weights for the method ``matrix``: of SciPy, MIR, ESMF or SCRIP; relative to the plan."""
    intermediate_interpolation: str = Field("", alias="intermediate-interpolation")
    """Another method on the way to an intermediate grid; cannot be done yet."""
    intgrid: str = ""
    """Intermediate grid of spherical harmonics: ``O96``, ``source``, ``auto``, or ``none`` (the default)."""
    caching: bool | None = None
    """False keeps the weights in memory only; otherwise they are kept where ``geo.weights-cache`` says."""

    def refuse_what_cannot_be_done(self, target: Target) -> None:
        """Raise where another method on the way is asked for, or weights without their method."""
        if self.intermediate_interpolation:
            raise _not_yet("intermediate-interpolation", self.intermediate_interpolation, target)
        if self.interpolation_matrix and target.how.method != "matrix":
            raise PlanError(
                f"Weights of a file ({self.interpolation_matrix}) are for the method 'matrix'.",
                hint="Say interpolation: matrix, or leave 'interpolation-matrix' out.",
            )

    def how(self, context: Context, method: str = "", more: dict[str, Any] | None = None) -> How:
        """How to interpolate, with options of the method beside."""
        name, options = method or self.interpolation, dict(more or {})
        if self.interpolation_matrix:
            options["path"] = str(context.folder / Path(self.interpolation_matrix).expanduser())
        return How(name, json.dumps(options, sort_keys=True), self.caching is not False, intgrid=self.intgrid)


class InterpolateOptions(ActionOptions):
    """On which grid fields are wanted, and how they are interpolated.

    Points that the field has already keep their values: areas, every n-th point of a regular grid, HEALPix in its
    other order. Everything else is interpolated by weights, which are made once and kept. Fields in spherical harmonics
    are summed up at the points, without the wave numbers that the grid cannot carry. A point is missing where the
    source point of its largest weight is. What MultIO accepts and cannot be done is an error.
    """

    type: Literal["interpolate"] = "interpolate"
    """What the action does."""
    input: str | float | list[float] = ""
    """Grid that fields come on, such as ``O1280``; fields that say another one are refused. By default any."""
    grid: GridOption = ""
    """Grid that they are wanted on: its name, or the distances of columns and rows in degrees. By default their own."""
    area: AreaOption = ""
    """Area that is cut out: north, west, south and east in degrees. By default all points."""
    interpolation: str = ""
    """The method, by our names or MIR's: ``linear`` (the default), ``nearest-neighbour``, ``grid-box-average``, ..."""
    method_options: dict[str, Any] = Field({}, alias="method-options")
    """Options of the method, such as ``{limiter: true}`` of ``quasi-cubic``; MultIO has none."""
    cache_path: str = Field("", alias="cache-path")
    """Accepted, without effect: weights are kept where the setting ``geo.weights-cache`` says."""
    options: MirOptions = MirOptions()
    """Further options."""
    truncation: str | int | None = None
    """Wave numbers of spherical harmonics above it are left out: a number, ``none``, or ``auto`` (the default), what
    the grid can carry. Without a grid fields stay harmonics."""
    rotation: str | list[float] | None = None
    """Latitude and longitude of the south pole of a turned grid; an area is in its system. Winds are refused."""
    frame: int | None = Field(None, ge=0)
    """How many of the outermost rows, and of the points at both ends of each row, are kept; others are missing."""
    bitmap: str | None = None
    """File that says which points are left out, as in dissemination; relative to the plan."""
    padding: int | None = None
    """Bytes after a message; see the action ``encode``."""
    accuracy: int | str | None = None
    """Bits of an encoded value; see the action ``encode``."""
    packing: str | None = None
    """Packing of encoded values; see the action ``encode``."""
    resol: str | int | None = None
    """The older word for ``truncation`` (a number) and ``intgrid`` (a grid); ``av`` is ``intgrid: source``."""
    repres: str | None = None
    """Representation; cannot be done yet."""
    gaussian: str | None = None
    """Kind of Gaussian grid; cannot be done yet: say ``grid: N320`` or ``F160``."""
    intgrid: str | None = None
    """Intermediate grid of spherical harmonics: ``O96``, ``source``, ``auto``, or ``none`` (the default)."""
    style: str | None = None
    """Way of post-processing; cannot be done yet."""

    @field_validator("input")
    @classmethod
    def _is_a_grid(cls, value: Any) -> Any:
        if not _is_free(value):
            grid_name(value)
        return value

    @model_validator(mode="after")
    def _wants_something(self) -> InterpolateOptions:
        said = [getattr(self, name) for name in ("grid", "area", *_DONE, *_NOT_YET)]
        if all(value in ("", None) for value in said):
            raise DocumentError("Nothing is wanted of an interpolation.", hint="Give 'grid', 'area' or both.")
        return self


class Interpolate(Action):
    """Puts fields on another grid; other messages go on as they are."""

    Options = InterpolateOptions

    def __init__(self, options: InterpolateOptions, context: Context) -> None:
        super().__init__(options, context)
        area = read_area(options.area) if options.area else None
        how = replace(
            options.options.how(context, options.interpolation, options.method_options), **_said(options, context)
        )
        self.target = Target(grid_name(options.grid) if options.grid else "", area, how)
        self._input = "" if not options.input else _name(options.input)

    def start(self) -> None:
        """Refuse what cannot be done on any grid, before the first field.

        Raises
        ------
        PlanError
            Naming the option.
        """
        self.options.options.refuse_what_cannot_be_done(self.target)
        for name in _NOT_YET:
            value = getattr(self.options, name)
            if value is not None:
                raise _not_yet(name, value, self.target)
        self.target.check()

    def handle(self, message: Message, state: Any, compute: Compute) -> Iterable[Message]:  # noqa: ARG002
        """See `Action`."""
        if not message.is_field:
            return [message]
        self._check_input(message)
        return [self.target.apply(message, compute)]

    def explain(self) -> str:
        """See `Action`."""
        return f"to {self.target}" + (f", from {self._input}" if self._input else "")

    def _check_input(self, message: Message) -> None:
        grid = message.description.grid.label if message.description is not None else ""
        if self._input and grid and grid != self._input:
            raise FieldError(
                f"The {message} is on the grid {grid}, and the plan says that its input is on {self._input}.",
                hint="Select the fields before, or leave 'input' out.",
            )


def _said(options: InterpolateOptions, context: Context) -> dict[str, Any]:
    """What is said beside grid, area and method."""
    found: dict[str, Any] = {
        name: str(getattr(options, name)) for name in ("truncation", "intgrid", "resol") if getattr(options, name)
    }
    if options.rotation:
        found["rotation"] = _rotation(options.rotation)
    if options.frame:
        found["frame"] = options.frame
    if options.bitmap:
        found["bitmap"] = str(context.folder / Path(options.bitmap).expanduser())
    return found


def _rotation(value: str | list[float]) -> tuple[float, float]:
    try:
        latitude, longitude = (float(one) for one in (value.split("/") if isinstance(value, str) else value))
    except ValueError:
        raise PlanError(
            f"{value!r} is no rotation.", hint="It is the latitude and longitude of the south pole, such as -35/15."
        ) from None
    return latitude, longitude


def _is_free(value: Any) -> bool:
    """Whether it names a grid of a model, such as TCO1279 or an ocean's, that has no canonical form."""
    return isinstance(value, str) and value[:1].isalpha() and value.upper()[:2] in ("TC", "TL", "NG", "EO", "OR", "CO")


def _name(value: Any) -> str:
    return str(value) if _is_free(value) else grid_name(value)


def _not_yet(option: str, value: object, target: Target) -> PlanError:
    return PlanError(
        f"An interpolation to {target} with {option}: {value} cannot be done yet.", hint=f"Leave '{option}' out."
    )
