"""What weights are made of: two grids, a method with its options, and masks. Its digest is their name."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

from pydantic import ValidationError

from dtedask.core.errors import GridError
from dtedask.core.nearest import did_you_mean
from dtedask.geo.grid import Grid
from dtedask.geo.interpolation.method import Method, Reduction, method_class
from dtedask.geo.weighting.masks import Masks
from dtedask.geo.weighting.naming import canonical_method, canonical_options

Part = Literal["weights", "limits"]
_LONG_SPEC = 500  # characters
_FORMAT = 1
"""Raised when the same weights are kept in another way."""


@dataclass(frozen=True)
class Interpolation:
    """Which weights are meant. Equal ones have equal weights, to the last bit.

    Parameters
    ----------
    source, target : Grid
        Where values are, and where they are wanted.
    method : str
        Canonical name of the method.
    options : str
        All its options as JSON with sorted keys, those left out with their defaults.
    masks : Masks, optional
        Kinds of points, such as land and sea.
    part : {"weights", "limits"}
        The weights themselves, or which points of the source keep values between their least and their largest.
    """

    source: Grid
    target: Grid
    method: str
    options: str = "{}"
    masks: Masks | None = None
    part: Part = "weights"

    @classmethod
    def of(
        cls, source: Grid, target: Grid, method: str, options: dict[str, Any], masks: Masks | None = None
    ) -> Interpolation:
        """Check the method's name and options.

        Parameters
        ----------
        source, target : Grid
            The two grids.
        method : str
            A name of ours, or one of MIR's and MultIO's.
        options : dict
            Options of the method.
        masks : Masks, optional
            Kinds of points.

        Raises
        ------
        GridError
            If there is no such method, or it has no such option or value.
        """
        name, implied = canonical_method(method)
        kind = method_class(name)
        try:
            checked = kind.Options(**(implied | canonical_options(name, options)))
        except ValidationError as error:
            raise _wrong_options(name, kind, error) from error
        text = json.dumps(checked.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return cls(source, target, name, text, masks)

    @property
    def shape(self) -> tuple[int, int]:
        """Points of the target, points of the source."""
        return self.target.size, self.source.size

    @property
    def unmasked(self) -> Interpolation:
        """The same without masks."""
        return replace(self, masks=None)

    @property
    def limits(self) -> Interpolation | None:
        """What keeps its values within bounds, for methods with a limiter."""
        return replace(self, masks=None, part="limits") if self.make_method().is_limited else None

    @property
    def reduction(self) -> Reduction:
        """What is made of the weighted values of a row."""
        return self.make_method().reduction

    @property
    def kind(self) -> type[Method]:
        """Class of the method."""
        return method_class(self.method)

    def make_method(self) -> Method:
        """Make the method with its options."""
        return self.kind(self.kind.Options(**json.loads(self.options)))

    @cached_property
    def identity(self) -> dict[str, Any]:
        """All that the weights depend on, as JSON holds it; the grids by their uids."""
        found: dict[str, Any] = {
            "format": _FORMAT,
            "source": self.source.uid,
            "target": self.target.uid,
            "method": self.method,
            "version": self.kind.version,
            "options": json.loads(self.options),
            "beside": self.make_method().identity(),
            "masks": None if self.masks is None else self.masks.identity,
            "part": self.part,
        }
        return found

    @cached_property
    def key(self) -> str:
        """sha256 of `identity`, in hexadecimal: the name of the weights."""
        return key_of(self.identity)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle grids by their names where those say all: thousands of row lengths are left out."""
        rest = self.method, self.options, self.masks, self.part
        return _restored, (_packed(self.source), _packed(self.target), *rest)

    def __str__(self) -> str:
        more = "" if self.masks is None else " with masks"
        more += "" if self.part == "weights" else ", limits"
        return f"{self.source.label} to {self.target.label}, {self.method}{more}"


def _packed(grid: Grid) -> Grid | str:
    if len(grid.spec) < _LONG_SPEC:
        return grid
    try:
        return grid.label if Grid(grid.label) == grid else grid
    except GridError:
        return grid


def _restored(source: Grid | str, target: Grid | str, *rest: Any) -> Interpolation:
    at, to = (Grid(grid) if isinstance(grid, str) else grid for grid in (source, target))
    return Interpolation(at, to, *rest)


def key_of(identity: dict[str, Any]) -> str:
    """Digest of what weights depend on."""
    return hashlib.sha256(json.dumps(identity, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _wrong_options(name: str, kind: type[Method], error: ValidationError) -> GridError:
    first = error.errors()[0]
    option = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        known = list(kind.Options.model_fields)
        hint = did_you_mean(option, known) if known else "It has none."
        return GridError(f"The method {name!r} has no option {option!r}.", hint=hint)
    if first["type"] == "missing":
        return GridError(f"The method {name!r} needs the option {option!r}.", hint="See its options in the reference.")
    if not option:  # of several options together
        return GridError(
            f"The options of the method {name!r} do not fit: {first['msg'].removeprefix('Value error, ')}."
        )
    said = first["msg"][:1].lower() + first["msg"][1:]
    return GridError(f"The option {option!r} of the method {name!r} is {first['input']!r}: {said}.")
