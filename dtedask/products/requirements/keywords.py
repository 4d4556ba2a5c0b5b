"""Keywords of a requirement, as models: what a document may hold, checked and made canonical."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, WithJsonSchema

from dtedask.core.errors import DocumentError, ProductError
from dtedask.geo.application.missing import MissingPolicy
from dtedask.geo.area import Area
from dtedask.products.delivery import AnyDelivery
from dtedask.products.format import AnyFormat
from dtedask.products.operations.regridding import PATHS
from dtedask.products.requirement import ClockTime, Formula, FormulaPoint, PostProcessing
from dtedask.products.requirements.areas import area_of
from dtedask.products.requirements.conventions import CONVENTIONS, template_of
from dtedask.products.requirements.deadlines import read_deadline
from dtedask.products.requirements.names import check_template
from dtedask.products.requirements.words import (
    read_grid,
    read_intermediate,
    read_method,
    read_rotation,
    read_truncation,
)
from dtedask.request.values import canonical_value

__all__ = ["DeliveryKeywords", "FormatKeywords", "OrderKeywords", "PostProcessingKeywords"]

POINTS: tuple[FormulaPoint, ...] = ("prologue", "raw", "spectral", "gridded", "epilogue")
_TEXT_OR_NUMBER: list[dict[str, Any]] = [{"type": "string"}, {"type": "number"}]
_NUMBERS: dict[str, Any] = {"type": "array", "items": {"type": "number"}}


class Part(BaseModel):
    """Some keywords of a requirement."""

    model_config = ConfigDict(
        extra="forbid",
        use_attribute_docstrings=True,
        populate_by_name=True,
        frozen=True,
        coerce_numbers_to_str=True,
    )


def _grid(value: Any, info: ValidationInfo) -> str:
    return read_grid(value, str(info.data.get("gaussian", "")))


def _area(value: Any, info: ValidationInfo) -> Any:
    own = (info.context or {}).get("areas", {})
    return None if value in ("", None) else area_of(value, own=own)


def _formulas(value: Any) -> tuple[Formula, ...]:
    if isinstance(value, tuple):
        return value
    points = value if isinstance(value, dict) and not value.keys() & {"formula", "param"} else {"gridded": value}
    return tuple(_formula(name, said) for name, said in sorted(points.items(), key=_place_of_point))


def _place_of_point(item: tuple[str, Any]) -> int:
    if item[0] not in POINTS:
        raise DocumentError(f"There is no point {item[0]!r} for a formula.", hint=f"Points are {', '.join(POINTS)}.")
    return POINTS.index(item[0])


def _formula(point: str, said: Any) -> Formula:
    text, param = (said.get("formula", ""), said.get("param", "")) if isinstance(said, dict) else (said, "")
    unknown = set(said) - {"formula", "param"} if isinstance(said, dict) else set()
    if unknown:
        raise DocumentError(f"A formula has no key {min(unknown)!r}.", hint="It has 'formula' and 'param'.")
    if not isinstance(text, str) or not text.strip():
        raise DocumentError(f"The formula at {point!r} is empty.", hint="Write such as 'f - 273.15'.")
    _check_formula(text)
    return Formula(" ".join(text.split()), point, canonical_value("param", param) if param != "" else "")  # type: ignore[arg-type]


@lru_cache(4096)
def _check_formula(text: str) -> None:
    from dtedask.products.derived import check_formula  # pint takes its time, and most requirements have no formula

    try:
        check_formula(" ".join(text.split()))
    except ProductError as error:
        raise DocumentError(error.message, hint=error.hint) from error


def _bitmap(value: str, info: ValidationInfo) -> str:
    if not value:
        return ""
    folder = (info.context or {}).get("folder") or Path()
    return str(folder / Path(value).expanduser())


def _with_paths(value: Any, info: ValidationInfo) -> Any:
    """Options of a method, whose files are found beside the file of the requirement."""
    if not isinstance(value, dict):
        return value
    folder = (info.context or {}).get("folder") or Path()
    return {
        key: str(folder / Path(said).expanduser()) if key.replace("-", "_") in PATHS and isinstance(said, str) else said
        for key, said in value.items()
    }


_AREA_SCHEMA = {
    "anyOf": [
        {"type": "string", "pattern": r"^\s*[-+.\d][^/]*(/[^/]+){3}$"},
        {"type": "string", "pattern": r"^[A-Za-z]"},
        {**_NUMBERS, "minItems": 4, "maxItems": 4},
    ],
    "examples": ["75/-30/30/50", "europe"],
}
_FORMULA_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "string"},
        {
            "type": "object",
            "properties": {"formula": {"type": "string"}, "param": {"anyOf": _TEXT_OR_NUMBER}},
            "required": ["formula"],
            "additionalProperties": False,
        },
    ]
}
_FORMULAS_SCHEMA = {
    "anyOf": [
        *_FORMULA_SCHEMA["anyOf"],
        {"type": "object", "properties": dict.fromkeys(POINTS, _FORMULA_SCHEMA), "additionalProperties": False},
    ]
}
_GRID_SCHEMA = {
    "anyOf": [*_TEXT_OR_NUMBER, _NUMBERS, {"type": "object"}],
    "examples": ["0.1/0.1", "O320", [0.25, 0.25]],
}


class PostProcessingKeywords(Part):
    """How fields are made, in MIR's keywords."""

    gaussian: Literal["", "reduced", "regular"] = ""
    """What a grid is that is only a number: ``reduced`` (N) or ``regular`` (F, the default)."""
    grid: Annotated[str, BeforeValidator(_grid), WithJsonSchema(_GRID_SCHEMA)] = ""
    """Grid: ``0.1/0.1``, ``[0.25, 0.25]``, ``O320``, ``H128-nested``, a Gaussian number with ``gaussian``; by default
    the field's own (``av``)."""
    area: Annotated[Area | None, BeforeValidator(_area), WithJsonSchema(_AREA_SCHEMA)] = None
    """Area: north/west/south/east in degrees, or a name such as ``europe``."""
    rotation: Annotated[
        tuple[float, float] | None,
        BeforeValidator(lambda value: None if value in ("", None) else read_rotation(value)),
        WithJsonSchema({"anyOf": [{"type": "string"}, {**_NUMBERS, "minItems": 2, "maxItems": 2}]}),
    ] = None
    """Rotated grid: latitude and longitude of its south pole."""
    interpolation: Annotated[str | dict[str, Any], BeforeValidator(_with_paths)] = ""
    """Method, by our names or MIR's: ``linear`` (the default), ``nearest-neighbour``, ``grid-box-average``, ...; or a
    mapping of ``method`` and its options."""
    method_options: Annotated[dict[str, Any], BeforeValidator(_with_paths)] = Field(
        default_factory=dict, alias="method-options"
    )
    """Options of the method, and those of MIR that stand beside: ``lsm-file``, ``lsm-weight-adjustment``,
    ``interpolation-matrix``, ``simulated-missing-value``, ``caching``."""
    intgrid: Annotated[
        str, BeforeValidator(read_intermediate), WithJsonSchema({"anyOf": [*_TEXT_OR_NUMBER, _NUMBERS]})
    ] = ""
    """Intermediate grid, ``auto``, ``source`` or ``none``."""
    resol: Annotated[str, BeforeValidator(read_truncation), WithJsonSchema({"anyOf": _TEXT_OR_NUMBER})] = ""
    """Truncation of spherical harmonics before they are summed up: a number, ``auto`` or ``av``."""
    truncation: Annotated[str, BeforeValidator(read_truncation), WithJsonSchema({"anyOf": _TEXT_OR_NUMBER})] = ""
    """Truncation of the result, where it stays spectral: a number, ``auto`` or ``none``."""
    frame: int = Field(0, ge=0)
    """Width in points of the frame that is kept; 0 keeps all."""
    bitmap: Annotated[str, AfterValidator(_bitmap)] = ""
    """File of points that are left out, relative to the file of the requirement."""
    missing: MissingPolicy | Literal[""] = ""
    """What becomes of points whose source has missing values."""
    lsm: bool = False
    """Whether land and sea are kept apart."""
    vod2uv: bool = False
    """Whether vorticity and divergence are made to winds."""
    formula: Annotated[tuple[Formula, ...], BeforeValidator(_formulas), WithJsonSchema(_FORMULAS_SCHEMA)] = ()
    """Formula, such as ``f - 273.15``, or formulas at the points prologue, raw, spectral, gridded and epilogue."""
    derive: Literal["", "source", "target"] = ""
    """Whether derived parameters are made of native fields (``source``, the default) or on the ``target`` grid."""

    def post_processing(self) -> PostProcessing:
        """The same as a value."""
        said = self.interpolation
        word = str(said.get("method", "")) if isinstance(said, dict) else said
        more = {key: value for key, value in said.items() if key != "method"} if isinstance(said, dict) else {}
        method, options = read_method(word, {**self.method_options, **more})
        return PostProcessing(
            grid=self.grid,
            area=self.area,
            rotation=self.rotation,
            interpolation=method if word else "",
            method_options=options,
            intgrid=self.intgrid,
            resol=self.resol,
            truncation=self.truncation,
            gaussian=self.gaussian,
            frame=self.frame,
            bitmap=self.bitmap,
            missing=self.missing,
            lsm=self.lsm,
            vod2uv=self.vod2uv,
            formulas=self.formula,
            derive="target" if self.derive == "target" else "",
        )


# ---- format and delivery


def format_of(value: Any) -> Any:
    """A format that is only named as a mapping; other values stay."""
    if not isinstance(value, str):
        return value
    word = "-".join(value.lower().split())
    if word in ("grib1", "grib-edition-1"):
        return {"type": "grib2", "edition": 1}
    return {"type": "grib2" if word == "grib-edition-2" else word}


class FormatKeywords(Part):
    """How products are written."""

    format: Annotated[AnyFormat, BeforeValidator(format_of)]
    """A name, or a mapping of ``type`` and its options."""


FORMAT_OPTIONS = ("accuracy", "bits", "edition", "packing", "padding", "points", "style", "title")
"""Options of formats that may stand beside ``format``."""


def _deliveries(value: Any) -> Any:
    return [_delivery(one) for one in (value if isinstance(value, list | tuple) else [value])]


def _delivery(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = value.strip()
    scheme = re.match(r"(file(?=:)|[A-Za-z][A-Za-z0-9+.-]+(?=://))", text)
    if scheme is None:
        return {"type": "folder", "path": text}
    match scheme[1].lower():
        case "s3":
            return {"type": "s3", "url": text}
        case "http" | "https":
            return {"type": "http", "url": text}
        case "file":
            return {"type": "folder", "path": text.removeprefix("file:").removeprefix("//")}
    raise DocumentError(
        f"{text!r} is no place of delivery.", hint="Give a folder, s3://..., https://..., or a mapping with a type."
    )


class DeliveryKeywords(Part):
    """Where products go."""

    delivery: Annotated[list[AnyDelivery], BeforeValidator(_deliveries)] = []
    """One place or several: a folder, ``s3://...``, ``https://...``, or a mapping of ``type`` and its options."""


# ---- the order


def _deadline(value: Any) -> Any:
    return value if value is None or isinstance(value, timedelta | ClockTime) else read_deadline(str(value))


_NAME = re.compile(r"[^\s/\\{}\x00-\x1f\x7f.][^/\\{}\x00-\x1f\x7f]{0,199}")


def _name(value: Any) -> Any:
    text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if not _NAME.fullmatch(text):
        raise DocumentError(
            f"{value!r} is no name of a requirement.", hint="Take letters, digits and '-', at most 200, without '/'."
        )
    return text


class FileName(Part):
    """Names of products, by a template or a convention."""

    template: str = ""
    """Such as ``{owner}/{shortName}-{date}{time}-{step:03}{suffix}``."""
    convention: Literal["", "legacy", "ecmwf", "wmo"] = ""
    """One of ECMWF's conventions instead."""
    feed: str = ""
    """Name of the feed, such as ``A1``, for conventions."""
    destination: str = ""
    """Name of the destination, for conventions; by default the owner."""
    model: str = ""
    """Name of the model, for conventions; by default that of the fields."""


def _file(value: Any) -> Any:
    if isinstance(value, str):
        word = value.strip()
        return {"convention": word.lower()} if word.lower() in CONVENTIONS else {"template": word}
    return value


class OrderKeywords(Part):
    """Who wants the products, by when, and what they are called."""

    name: Annotated[str, BeforeValidator(_name), WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "integer"}]})]
    """What it is called; no two of one run have the same. By default a digest of what it says."""
    owner: str = ""
    """Who ordered it."""
    description: str = ""
    """What it is for."""
    enabled: bool = True
    """Whether it is made."""
    deadline: Annotated[
        timedelta | ClockTime | None, BeforeValidator(_deadline), WithJsonSchema({"anyOf": _TEXT_OR_NUMBER})
    ] = None
    """By when: ``+7h`` after the base time, ``06:30``, or ``06:30+1d`` with days after the day of the base time."""
    priority: int = 0
    """Greater goes first among equal deadlines."""
    file: Annotated[FileName | None, BeforeValidator(_file)] = None
    """Names of its products: a template such as ``{name}-{date}{time}-{step}{suffix}``, or ``legacy``, ``ecmwf``,
    ``wmo``. Fields that give the same name are one product."""
    feed: str = ""
    """Name of the feed, for names by convention."""
    destination: str = ""
    """Name of the destination, for names by convention; by default the owner."""

    def template(self, format_type: str) -> str:
        """Template of names; "" for the format's own."""
        said = self.file or FileName()
        if said.convention and said.template:
            raise DocumentError("'file' has a template and a convention.", hint="Keep one of them.")
        if not said.convention:
            if said.template:
                check_template(said.template)
            return said.template
        return template_of(
            said.convention,
            feed=said.feed or self.feed,
            destination=said.destination or self.destination or self.owner,
            model=said.model,
            format_type=format_type,
        )
