"""The format `png`: maps with a legend."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from dtedask.core.errors import DocumentError, ProductError
from dtedask.core.settings import setting
from dtedask.products.format import Format, FormatOptions
from dtedask.products.formats.beside import beside
from dtedask.products.formats.extract import refuse_placeless
from dtedask.products.formats.pictures import dataset_of, pictures_of

if TYPE_CHECKING:
    from dtedask.grib import FieldDescription
    from dtedask.products.product import Part, Product

__all__ = ["Png", "PngOptions"]

_MOST = 64


class PngOptions(FormatOptions):
    """Maps with coast lines, title and legend: one, or several side by side where a product has several fields."""

    style: str | dict[str, Any] | None = None
    """Name of a style, file of a document of styles, or what a style says; that of the parameter by default."""
    area: tuple[float, float, float, float] | None = None
    """North, west, south, east of what is shown; all of the field by default."""
    projection: Literal[
        "plate-carree", "mercator", "lambert", "robinson", "orthographic", "north-polar", "south-polar"
    ] = "plate-carree"
    """Projection of the maps."""
    center: tuple[float, float] | None = None
    """Latitude and longitude of the projection's centre; that of the area by default."""
    over: tuple[str, ...] = ()
    """Short names of fields of the product that are drawn as isolines over the others of the same time and member."""
    title: str | None = None
    """Stands in place of the title that a map has by its field, or above all maps where there are several."""
    columns: int | None = Field(None, ge=1, le=_MOST)
    """Maps in a row; by default as many as make the picture about as wide as high."""
    width: int | None = Field(None, ge=100, le=20_000)
    """Width of the picture in pixels: 1200 for one map, 640 a column for several."""

    @field_validator("style", mode="after")
    @classmethod
    def _can_be_read(cls, style: Any, info: ValidationInfo) -> Any:
        """A document of styles is looked for beside the document that names it, and read at once."""
        if not _is_file(style):
            return style
        from dtedask.plot import load_styles

        path = beside(style, info)
        try:
            load_styles(path)
        except (DocumentError, OSError) as error:
            raise ValueError(f"the styles {str(path)!r} cannot be read: {error}") from error
        return str(path)

    @field_validator("area", mode="before")
    @classmethod
    def _numbers(cls, area: Any) -> Any:
        return area.split("/") if isinstance(area, str) else area

    @field_validator("over", mode="before")
    @classmethod
    def _names(cls, over: Any) -> Any:
        return over.split("/") if isinstance(over, str) else over


class Png(Format):
    """A picture of one or several maps. The two components of a wind are one map, with arrows."""

    Options = PngOptions
    suffix = ".png"
    media_type = "image/png"
    default_name = "{name}-{date}-{time}-{step:03}"

    def __init__(self, options: Any) -> None:
        from dtedask import plot

        super().__init__(options)
        self._plot = plot
        self._fitting: set[Any] = set()

    @property
    def identity(self) -> str:
        """See `Format`."""
        options: PngOptions = self.options
        left_out = {"style"} if _is_file(options.style) else None
        said = options.model_dump(mode="json", exclude=left_out)
        said |= {"styles": _content(options.style), "styles of the user": _content(_of_user())}
        return f"{json.dumps(said, sort_keys=True)} {_library()}"

    def check(self, product: Product, fields: Sequence[FieldDescription]) -> None:
        """See `Format`."""
        options: PngOptions = self.options
        for field in fields:
            refuse_placeless(field.grid, takes_harmonics=True)
        shown = pictures_of(fields, options.over)
        count = len(shown)
        if count > _MOST:
            raise ProductError(
                f"The picture {product.file_name!r} would have {count} maps; there is room for {_MOST}.",
                hint="Name files by keys that tell fields apart, such as {param}-{step:03} or {number}.",
            )

        if options.style is not None:
            for below, _ in shown:
                self._check_style(fields[below[0]], is_wind=len(below) > 1)

    def _check_style(self, field: FieldDescription, *, is_wind: bool) -> None:
        """Look whether fields of a parameter can be drawn in the style, once for each."""
        place = (field.short_name, field.units, field.standard_name, is_wind)
        if place in self._fitting:
            return
        style = self._plot.style_for(field.short_name, field.units, field.standard_name, self.options.style)
        if style.draw in ("arrows", "barbs") and not is_wind:
            raise ProductError(
                f"The style draws {style.draw}, and {field.short_name} is no wind of two components.",
                hint="Order both components in one product, such as param=10u/10v, or take another style.",
            )
        self._fitting.add(place)

    def write(self, product: Product, parts: Sequence[Part], path: Path, lineage: Mapping[str, str]) -> None:  # noqa: ARG002
        """See `Format`."""
        options: PngOptions = self.options
        shown = [
            self._plot.Panel(
                dataset_of([parts[place] for place in below]), tuple(dataset_of([parts[place]]) for place in above)
            )
            for below, above in pictures_of([part.description for part in parts], options.over)
        ]
        with path.open("xb") as file:
            self._plot.panels(
                shown, file, columns=options.columns, style=options.style, area=options.area,
                projection=options.projection, center=options.center, title=options.title, width=options.width,
            )  # fmt: skip


def _of_user() -> str | None:
    found = setting("plot.styles")
    return None if found is None else str(Path(found).expanduser())


def _is_file(style: Any) -> bool:
    return isinstance(style, str) and style.endswith((".yaml", ".yml"))


def _content(style: Any) -> str:
    """Digest of a document of styles; what is no file says all of itself."""
    if not _is_file(style):
        return ""
    try:
        return hashlib.sha256(Path(style).read_bytes()).hexdigest()
    except OSError as error:
        raise ProductError(
            f"The styles {style!r} cannot be read: {error.strerror or error}.",
            hint="Give the path of a document of styles, or the name of a style.",
        ) from error


@cache
def _library() -> str:
    return f"matplotlib {version('matplotlib')}"
