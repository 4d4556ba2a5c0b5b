"""Documents of styles: what one style may say."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from dtedask.core.documents import load_document

__all__ = ["Levels", "Style", "StyleDocument", "load_styles", "own_styles"]

_FOLDER = Path(__file__).parent.parent / "data"
Colour = str


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Levels(_Model):
    """Evenly spaced levels."""

    start: float
    """The first."""
    stop: float
    """The last."""
    step: Annotated[float, Field(gt=0)]
    """From one to the next."""

    @model_validator(mode="after")
    def _goes_up(self) -> Self:
        if not self.start < self.stop:
            raise ValueError(f"start {self.start:g} is not below stop {self.stop:g}.")
        return self

    def values(self) -> list[float]:
        """All of them."""
        count = round((self.stop - self.start) / self.step)
        return [round(self.start + index * self.step, 10) for index in range(count + 1)]


class Style(_Model):
    """How fields of some parameters are drawn."""

    name: str = ""
    """What it is called."""
    parameters: tuple[str, ...] = ()
    """Short names of fields that are drawn so where nothing else is wanted."""
    standard_names: tuple[str, ...] = ()
    """CF names of such fields."""
    level_types: tuple[str, ...] = ()
    """Only fields on these types of levels, as MARS names them (`levtype`) or GRIB does (`typeOfLevel`)."""
    units: str | None = None
    """Units of the picture, of the levels and of the colour bar; those of the field by default."""
    draw: Literal["shading", "contours", "arrows", "barbs"] = "shading"
    """Colours, isolines, or for the two components of a wind arrows or barbs."""
    levels: Levels | tuple[float, ...] | None = None
    """Where colours change, or where isolines lie; by default round numbers in the range of the field."""
    intervals: tuple[Annotated[float, Field(gt=0)], ...] = ()
    """Distances of isolines; the first that gives no more than 30 of them is taken."""
    thick_every: int = 0
    """Each so-manyth isoline, counted from zero, is thick; 0 for none."""
    colours: str | tuple[Colour, ...] | None = None
    """Name of a colour map of matplotlib, or colours: one for each gap between levels, or fewer, which are mixed."""
    extend: Literal["neither", "min", "max", "both"] = "both"
    """On which sides values beyond the levels are drawn in the outermost colours; else they are not drawn."""
    labels: tuple[str, ...] = ()
    """Names of classes: one for each gap between levels."""
    is_diverging: bool = False
    """Whether the range of levels that are chosen is the same on both sides of zero."""
    sampling: Literal["nearest", "linear"] = "nearest"
    """Colour of the nearest point, or of values between points."""
    missing: Colour = "#d9d9d9"
    """Colour of missing values."""
    line_colour: Colour = "#303030"
    """Colour of isolines, arrows and barbs."""

    @field_validator("levels", mode="after")
    @classmethod
    def _ascends(cls, levels: Levels | tuple[float, ...] | None) -> Levels | tuple[float, ...] | None:
        if isinstance(levels, tuple) and (len(levels) < 2 or list(levels) != sorted(set(levels))):
            raise ValueError("levels are two or more ascending numbers.")
        return levels

    @field_validator("colours", mode="after")
    @classmethod
    def _are_colours(cls, colours: str | tuple[Colour, ...] | None) -> str | tuple[Colour, ...] | None:
        from dtedask.plot.library import colors, mpl

        if isinstance(colours, str) and colours not in mpl.colormaps:
            raise ValueError(f"matplotlib has no colour map '{colours}'; or give a list of colours.")
        wrong = [one for one in colours or () if not isinstance(colours, str) and not colors.is_color_like(one)]
        if wrong:
            raise ValueError(f"'{wrong[0]}' is no colour: write '#2a6fdb' or a name such as 'navy'.")
        return colours

    @field_validator("missing", "line_colour", mode="after")
    @classmethod
    def _is_colour(cls, colour: Colour) -> Colour:
        from dtedask.plot.library import colors

        if not colors.is_color_like(colour):
            raise ValueError(f"'{colour}' is no colour: write '#2a6fdb' or a name such as 'navy'.")
        return colour

    @model_validator(mode="after")
    def _labels_fit(self) -> Self:
        fixed = self.fixed_levels()
        if self.labels and (fixed is None or len(self.labels) != len(fixed) - 1):
            raise ValueError("labels are as many as there are gaps between levels.")
        return self

    def fixed_levels(self) -> list[float] | None:
        """Levels that do not depend on the field; None where they do."""
        return self.levels.values() if isinstance(self.levels, Levels) else (list(self.levels) if self.levels else None)


class StyleDocument(_Model):
    """Styles, the first that fits a field counts."""

    styles: tuple[Style, ...]
    """The styles."""


def load_styles(source: str | os.PathLike[str] | Mapping[str, Any]) -> tuple[Style, ...]:
    """Read a document of styles.

    Parameters
    ----------
    source : str, os.PathLike or mapping
        A path, YAML text, or what YAML would give: ``{"styles": [...]}``.

    Raises
    ------
    DocumentError
        Naming file, line, key and value of everything that is wrong.
    """
    return load_document(source, StyleDocument, kind="styles").styles


@cache
def own_styles() -> tuple[Style, ...]:
    """The styles that come with the package."""
    return load_styles(_FOLDER / "styles.yaml")
