"""Which style a field gets."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dtedask.core.documents import load_document
from dtedask.core.errors import DocumentError, FieldError
from dtedask.core.nearest import did_you_mean
from dtedask.core.settings import setting
from dtedask.plot.style.document import Style, load_styles, own_styles
from dtedask.plot.style.units import conversion

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["style_for", "style_of"]

StyleLike = Style | str | os.PathLike[str] | Mapping[str, Any] | None


def style_of(field: xr.DataArray, wanted: StyleLike = None) -> Style | None:
    """Return the style of a field; None where no style is for it.

    Parameters
    ----------
    field : xarray.DataArray
        With the attributes of its parameter: GRIB_shortName, standard_name, units.
    wanted : Style, str, os.PathLike or mapping, optional
        A style; the name of one that comes with the package or stands in the file of the setting `plot.styles`; the
        path of a document of styles, of which the first that fits the field is taken; what a style says, as a mapping.

    Raises
    ------
    DocumentError
        If there is no such style, or it is wrong.
    FieldError
        If the field's units cannot be shown in those of a style that was asked for.
    """
    if wanted is None:
        return _first(field, (*_users(), *own_styles()))
    style = _wanted(field, wanted)
    units = str(field.attrs.get("units", ""))
    if conversion(units, style.units) is None:
        raise FieldError(
            f"Values in '{units}' cannot be shown in '{style.units}', as the style {style.name or 'given'} wants.",
            hint="Take another style, or convert the field and its attribute 'units' first.",
        )
    return style


def style_for(name: str, units: str, standard_name: str, wanted: StyleLike) -> Style:
    """Return the style that is wanted for fields of a parameter, before there are any.

    Parameters
    ----------
    name, units, standard_name : str
        Short name, units and CF name of the parameter.
    wanted : Style, str, os.PathLike or mapping
        As `style_of` takes it.

    Raises
    ------
    DocumentError, FieldError
        As `style_of` does.
    """
    import xarray as xr

    words = {"GRIB_shortName": name, "units": units, "standard_name": standard_name}
    found = style_of(xr.DataArray(0.0, attrs=words, name=name), wanted)
    assert found is not None
    return found


def _wanted(field: xr.DataArray, wanted: Style | str | os.PathLike[str] | Mapping[str, Any]) -> Style:
    if isinstance(wanted, Style):
        return wanted
    if isinstance(wanted, Mapping):
        return load_document(wanted, Style, kind="style")
    if isinstance(wanted, str) and not wanted.endswith((".yaml", ".yml")):
        return _named(wanted)
    styles = load_styles(Path(wanted))
    found = _first(field, styles) or (styles[0] if len(styles) == 1 else None)
    if found is None:
        raise DocumentError(
            f"No style of {os.fspath(wanted)!r} is for the parameter '{_name(field)}'.",
            hint="Name it under 'parameters' of one of them.",
        )
    return found


def _named(name: str) -> Style:
    known = {style.name: style for style in (*own_styles(), *_users()) if style.name}
    if name not in known:
        hint = did_you_mean(name, list(known)) or f"There are {', '.join(known)}."
        raise DocumentError(f"There is no style '{name}'.", hint=hint)
    return known[name]


def _users() -> tuple[Style, ...]:
    path = setting("plot.styles")
    return () if path is None else load_styles(Path(path).expanduser())


def _first(field: xr.DataArray, styles: tuple[Style, ...]) -> Style | None:
    return next((style for style in styles if _fits(style, field)), None)


def _fits(style: Style, field: xr.DataArray) -> bool:
    is_named = _name(field) in style.parameters or field.attrs.get("standard_name") in style.standard_names
    levels = {field.attrs.get("mars_levtype"), field.attrs.get("GRIB_typeOfLevel")} - {None}
    is_level = not style.level_types or not levels or bool(levels & set(style.level_types))
    return is_named and is_level and conversion(str(field.attrs.get("units", "")), style.units) is not None


def _name(field: xr.DataArray) -> str:
    return str(field.attrs.get("GRIB_shortName") or field.name or "")
