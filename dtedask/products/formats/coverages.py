"""Coverages: values of variables over time, level and points, one for each member and kind of level."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dtedask.products.formats.blocks import Block
from dtedask.products.formats.coverage_words import parameter_words, referencing

__all__ = ["DomainName", "document_of"]

DomainName = Literal["auto", "PointSeries", "VerticalProfile", "MultiPoint"]
_DECIMALS = 9  # of coordinates: what a grid's arithmetic leaves behind them is nothing but rounding


def document_of(blocks: Sequence[Block], domain: DomainName, decimals: int | None) -> dict[str, Any]:
    """The object of CoverageJSON: a coverage, or a collection of several."""
    found = [_Coverages(block, domain, decimals) for block in blocks]
    coverages = [one for block in found for one in block]
    parameters = {
        name: parameter_words(block.attributes[name]) for block in blocks for name in sorted(block.attributes)
    }
    if len(coverages) == 1:
        return {**coverages[0], "parameters": parameters}
    systems = [one["domain"]["referencing"] for one in coverages]
    said: dict[str, Any] = {"type": "CoverageCollection"}
    kinds = {one["domain"]["domainType"] for one in coverages}
    if len(kinds) == 1:
        said["domainType"] = kinds.pop()
    if all(one == systems[0] for one in systems):
        said["referencing"] = systems[0]
        for one in coverages:
            del one["domain"]["referencing"]
    return {**said, "parameters": parameters, "coverages": coverages}


@dataclass(frozen=True, slots=True)
class _Domain:
    """One coverage of a block.

    Parameters
    ----------
    kind : str
        Its type of domain.
    axes : mapping
        Its axes.
    varying : tuple of (str, int)
        Names and lengths of the axes of its values.
    index : tuple
        Where its values are in the arrays of the block.
    words : tuple of str
        What tells it from others of the block.
    """

    kind: str
    axes: Mapping[str, Any]
    varying: tuple[tuple[str, int], ...]
    index: tuple[Any, ...]
    words: tuple[str, ...] = ()

    @property
    def has_levels(self) -> bool:
        """Whether it says at which level its values are."""
        return "z" in self.axes or "z" in self.axes.get("composite", {}).get("coordinates", ())


class _Coverages:
    """The coverages of a block."""

    def __init__(self, block: Block, domain: DomainName, decimals: int | None) -> None:
        self._block = block
        self._decimals = decimals
        self._times = [f"{datetime.fromtimestamp(one, UTC):%Y-%m-%dT%H:%M:%SZ}" for one in block.times]
        self._wanted = domain

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self._coverage(domain) for domain in self._domains())

    def _domains(self) -> Iterator[_Domain]:
        block = self._block
        if block.axes is not None and self._wanted == "auto":
            yield self._grid(*block.axes)
        elif self._wanted == "MultiPoint" or not block.names:
            yield from self._many_points()
        else:
            for place in range(block.points.latitude.size):
                yield from self._one_point(place)

    def _grid(self, latitude: NDArray[np.float64], longitude: NDArray[np.float64]) -> _Domain:
        times, levels = len(self._times), len(self._block.levels)
        axes: dict[str, Any] = {"x": _values(longitude), "y": _values(latitude), "t": {"values": self._times}}
        varying = [("t", times), ("y", latitude.size), ("x", longitude.size)]
        if self._block.levtype is not None:
            axes["z"] = _values(self._block.levels)
            varying.insert(1, ("z", levels))
        return _Domain("Grid", axes, tuple(varying), (...,))

    def _many_points(self) -> Iterator[_Domain]:
        """All points together, for each level."""
        points, times = self._block.points, len(self._times)
        places = list(zip(_rounded(points.longitude), _rounded(points.latitude), strict=True))
        for number, level in enumerate(self._block.levels):
            names = ["x", "y"] if level is None else ["x", "y", "z"]
            tuples = [[*place] if level is None else [*place, level] for place in places]
            composite = {"dataType": "tuple", "coordinates": names, "values": tuples}
            axes = {"t": {"values": self._times}, "composite": composite}
            varying: tuple[tuple[str, int], ...] = (("t", times), ("composite", len(tuples)))
            words = () if level is None else (f"level {level:g}",)
            kind, varying = ("MultiPointSeries", varying) if times > 1 else ("MultiPoint", varying[1:])
            yield _Domain(kind, axes, varying, (slice(None), number), words)

    def _one_point(self, place: int) -> Iterator[_Domain]:
        points, levels = self._block.points, self._block.levels
        name = tuple(filter(None, (self._block.names[place],)))
        where = {"x": _values([float(points.longitude[place])]), "y": _values([float(points.latitude[place])])}
        is_profile = len(levels) > 1 if self._wanted == "auto" else self._wanted == "VerticalProfile"
        if is_profile and self._block.levtype is not None:
            for number, time in enumerate(self._times):
                axes = {**where, "z": _values(levels), "t": {"values": [time]}}
                words = (*name, time) if len(self._times) > 1 else name
                index = (number, slice(None), place)
                yield _Domain("VerticalProfile", axes, (("z", len(levels)),), index, words)
            return
        for number, level in enumerate(levels):
            yield self._series(place, number, where, (*name, *_level_words(level, levels)))

    def _series(self, place: int, number: int, where: Mapping[str, Any], words: tuple[str, ...]) -> _Domain:
        """Values of one point and level: a series, or one of them alone."""
        level, times = self._block.levels[number], len(self._times)
        axes = {**where, **({} if level is None else {"z": _values([level])}), "t": {"values": self._times}}
        is_series = times > 1 or self._wanted == "PointSeries"
        varying = (("t", times),) if is_series else ()
        return _Domain("PointSeries" if is_series else "Point", axes, varying, (slice(None), number, place), words)

    def _coverage(self, domain: _Domain) -> dict[str, Any]:
        block = self._block
        words = " ".join(filter(None, (block.labels, *domain.words)))
        names, sizes = [name for name, _ in domain.varying], [size for _, size in domain.varying]
        shape = {"axisNames": names, "shape": sizes} if names else {}
        return {
            "type": "Coverage",
            **({"id": words} if words else {}),
            "mars:metadata": dict(block.keys),
            "domain": {
                "type": "Domain",
                "domainType": domain.kind,
                "axes": domain.axes,
                "referencing": referencing(block.levtype if domain.has_levels else None),
            },
            "ranges": {
                name: {"type": "NdArray", "dataType": "float", **shape, "values": self._numbers(array[domain.index])}
                for name, array in sorted(block.variables.items())
            },
        }

    def _numbers(self, values: NDArray[np.floating]) -> list[float | None]:
        """Numbers with as many digits as tell them apart, or as many decimals as wanted; null where missing."""
        flat = np.asarray(values).ravel()
        if self._decimals is not None:
            return [None if one != one else round(one, self._decimals) for one in flat.astype("float64").tolist()]  # noqa: PLR0124
        return [None if text == "nan" else float(text) for text in flat.astype("U32").tolist()]


def _level_words(level: float | None, levels: Sequence[float | None]) -> tuple[str, ...]:
    return (f"level {level:g}",) if level is not None and len(levels) > 1 else ()


def _values(numbers: Iterable[Any]) -> dict[str, Any]:
    return {"values": _rounded(np.asarray(list(numbers), np.float64))}


def _rounded(numbers: NDArray[np.float64]) -> list[float]:
    rounded: list[float] = (np.round(numbers, _DECIMALS) + 0.0).tolist()
    return rounded
