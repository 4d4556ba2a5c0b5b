"""What MIR's keywords do to fields of one grid, step by step, in MIR's order."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace

from dtedask.core.errors import GridError
from dtedask.geo import Grid
from dtedask.geo.spectral.way import way_of
from dtedask.products.operations.angles import RegridAngles
from dtedask.products.operations.bitmap import Bitmap
from dtedask.products.operations.bound import BoundOperation
from dtedask.products.operations.crop import Crop
from dtedask.products.operations.frame import Frame
from dtedask.products.operations.kinds import Kind
from dtedask.products.operations.pairs import WIND
from dtedask.products.operations.regridding import regridding
from dtedask.products.operations.spectral import Sum, Truncate
from dtedask.products.operations.targets import Target, target_of
from dtedask.products.operations.winds import OverCosine, Turned, WindCoefficients, Winds, WindsOperation
from dtedask.products.requirement import Formula, PostProcessing

__all__ = ["Asked", "Step", "Together", "steps_of"]


@dataclass(frozen=True, slots=True)
class Asked:
    """A formula, and what was done before it to fields that it names.

    Parameters
    ----------
    formula : Formula
        The formula.
    before : PostProcessing
        What brings other fields to where this one is.
    """

    formula: Formula
    before: PostProcessing


@dataclass(frozen=True, slots=True)
class Together:
    """What is done to a field and to the one that belongs to it, at once.

    Parameters
    ----------
    operation : WindsOperation
        Takes both.
    params : tuple of str
        What comes out; empty where parameters stay what they are.
    """

    operation: WindsOperation
    params: tuple[str, ...] = ()


Step = BoundOperation | Together | Asked


def steps_of(how: PostProcessing, source: Grid, kind: Kind, kept: Hashable) -> tuple[Step, ...]:
    """Say what is done to fields on a grid.

    Parameters
    ----------
    how : PostProcessing
        What is wanted.
    source : Grid
        The grid of the fields.
    kind : Kind
        What they are.
    kept : hashable
        What weights depend on beside, see `regridding`.

    Raises
    ------
    GridError
        If it cannot be done.
    """
    found = tuple(_Steps(how, source, kind, kept).all())
    for step in found:
        if isinstance(step, BoundOperation):
            hash(step)  # weights of a file that is not there are an error now
    return found


class _Steps:
    """Makes the steps; `at` is the grid on which the field is."""

    def __init__(self, how: PostProcessing, source: Grid, kind: Kind, kept: Hashable) -> None:
        self.how, self.at, self.kind, self.kept = how, source, kind, kept
        self.without = replace(how, formulas=(), vod2uv=False)

    def all(self) -> Iterator[Step]:
        how, source = self.how, self.at
        yield from self._formulas("prologue", PostProcessing())
        if source.kind == "sh":
            yield from self._of_harmonics()
        else:
            if how.vod2uv:
                raise GridError(
                    f"Winds are made of harmonics of vorticity and divergence, not of points of {source.label}.",
                    hint="Leave vod2uv out, or give spectral fields.",
                )
            yield from self._formulas("raw", PostProcessing())
            yield from self._formulas("gridded", PostProcessing())
            yield from self._to_target()
        if self.at.kind != "sh":
            yield from self._left_out()
        yield from self._formulas("epilogue", self.without)

    def _of_harmonics(self) -> Iterator[Step]:
        how, known = self.how, int(self.at.description["truncation"])
        target = target_of(how, self.at)
        whole = None if target is None else target.whole
        way = way_of(known, whole, truncation=how.truncation, intgrid=how.intgrid, resol=how.resol)
        if target is None:
            yield from self._kept_spectral(way.truncation)
            return
        for point in ("raw", "spectral"):
            yield from self._formulas(point, PostProcessing())
        points = way.between or target.grid
        if how.vod2uv:
            yield self._moved(Together(Winds(self.at, points, way.truncation), WIND))
        else:
            yield self._moved(Sum(self.at, points, way.truncation))
            if self.kind == "wind":
                yield OverCosine(self.at)
        if way.between is not None:
            yield from self._interpolated(target)
        yield from self._turned()
        yield from self._formulas("gridded", replace(self.without, frame=0, bitmap=""))

    def _kept_spectral(self, truncation: int) -> Iterator[Step]:
        for word in ("area", "rotation", "frame", "bitmap"):
            if getattr(self.how, word):
                raise GridError(
                    f"Harmonics of {self.at.label} have no points: {word} means nothing to them.",
                    hint=f"Give 'grid' beside '{word}', or leave it out.",
                )
        known = int(self.at.description["truncation"])
        before = PostProcessing()
        if truncation != known:
            yield self._moved(Truncate(self.at, truncation))
            before = PostProcessing(truncation=str(truncation))
        for point in ("raw", "spectral"):
            yield from self._formulas(point, before)
        if self.how.vod2uv:
            yield Together(WindCoefficients(self.at), WIND)

    def _to_target(self) -> Iterator[Step]:
        target = target_of(self.how, self.at)
        if target is not None:
            yield from self._interpolated(target)
            yield from self._turned()
        elif self.how.area is not None:
            yield self._moved(Crop(self.at, self.how.area))

    def _interpolated(self, target: Target) -> Iterator[Step]:
        how = self.how
        if self.kind == "index" and not how.interpolation:
            how = replace(how, interpolation="nearest")
        regrid = regridding(self.at, target, how, self.kept)
        is_angle = self.kind in ("degrees", "radians")
        yield self._moved(RegridAngles.of(regrid, is_circle=self.kind == "degrees") if is_angle else regrid)

    def _turned(self) -> Iterator[Step]:
        if self.how.rotation is not None and (self.kind == "wind" or self.how.vod2uv):
            yield Together(Turned(self.at))

    def _left_out(self) -> Iterator[Step]:
        if self.how.bitmap:
            yield Bitmap.of(self.at, self.how.bitmap)
        if self.how.frame:
            yield Frame(self.at, self.how.frame)

    def _formulas(self, at: str, before: PostProcessing) -> Iterator[Step]:
        for formula in self.how.formulas:
            if formula.at == at:
                yield Asked(formula, before)

    def _moved(self, step: Step) -> Step:
        operation = step.operation if isinstance(step, Together) else step
        assert isinstance(operation, BoundOperation)
        self.at = operation.target
        return step
