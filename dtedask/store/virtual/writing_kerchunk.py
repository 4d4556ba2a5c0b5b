"""References of kerchunk that point to the messages of a cube: what it opens without dtedask."""

from __future__ import annotations

import base64
import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import numpy as np

from dtedask.core.errors import FieldError, MissingExtraError
from dtedask.store.virtual.urls import location_of

if TYPE_CHECKING:
    import xarray as xr

    from dtedask.store.virtual.placed import Placed

_GRIB = "grib"  # kerchunk's codec
_NOT_FIELDS = ("latitude", "longitude")  # names by which that codec means coordinates


def references_of(dataset: xr.Dataset, places: Mapping[str, Sequence[Placed]]) -> dict[str, Any]:
    """References (version 1) of a dataset: its coordinates inline, its fields where their messages lie.

    Points stand in the order of the messages, and so do the coordinates.

    Raises
    ------
    FieldError
        If kerchunk's codec would give other values.
    """
    dataset = _in_order_of_messages(dataset, places)
    found = _inline(dataset.drop_vars(list(places)))
    for name, placed in places.items():
        found |= _array(dataset[name], name, placed)
    return {"version": 1, "refs": found}


def write_references(references: Mapping[str, Any], path: Path, *, is_parquet: bool = False) -> None:
    """Write references to a JSON file, or to a folder of parquet.

    Raises
    ------
    MissingExtraError
        If parquet cannot be written.
    """
    if not is_parquet:
        path.write_text(json.dumps(references), "utf-8")
        return
    try:
        from kerchunk.df import refs_to_dataframe
    except ImportError as error:
        raise MissingExtraError(
            f"References in parquet need kerchunk: {error}.", hint='Install it by: pip install "dtedask[kerchunk]"'
        ) from error
    path.mkdir(parents=True)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The 'fastparquet' engine is deprecated")  # by pandas; kerchunk asks for it
        refs_to_dataframe(dict(references), str(path))


def url_of(reference_url: str) -> str:
    """What fsspec calls a file: a path, ``s3://`` with a key that is not quoted, or a URL."""
    return unquote(reference_url) if reference_url.startswith("s3://") else location_of(reference_url)


def _in_order_of_messages(dataset: xr.Dataset, places: Mapping[str, Sequence[Placed]]) -> xr.Dataset:
    """The dataset with its rows and columns as the messages have them, since kerchunk's codec moves no points.

    Raises
    ------
    FieldError
        If they have not all the same, or if that is no order of whole rows and columns.
    """
    orders = {one.message.field.order for placed in places.values() for one in placed}
    if len(orders) > 1:
        raise FieldError(
            "The points of the messages are not all in the same order, and kerchunk's codec moves none.",
            hint="Ask for fewer variables or times, or read them with dtedask.",
        )
    order = next(iter(orders))
    if order.is_identity and not order.row_lengths:
        return dataset
    if order.rows_fastest or order.alternating or order.row_lengths or len(order.shape) != 2:
        raise FieldError(
            "The points of the messages do not stand row by row, or rows run to and fro: kerchunk's codec moves none.",
            hint="Read them with dtedask.",
        )
    columns = order.shape[1]
    places_in_message = order.apply(np.arange(float(np.prod(order.shape))), dtype="float64").reshape(order.shape)
    rows = np.argsort(places_in_message[:, 0] // columns)
    across = np.argsort(places_in_message[0] % columns)
    dims = dataset[next(iter(places))].dims[-2:]
    return dataset.isel({dims[0]: rows, dims[1]: across})


def _inline(coordinates: xr.Dataset) -> dict[str, Any]:
    """The documents and chunks of a small dataset, as Zarr 2 has them."""
    import zarr
    from zarr.storage import MemoryStore

    store: dict[str, Any] = {}
    loaded = coordinates.load()
    for variable in loaded.variables.values():
        variable.encoding.clear()
    # Readers of parquet look for every chunk, those of zeros too.
    with zarr.config.set({"array.write_empty_chunks": True}):
        loaded.to_zarr(MemoryStore(store), zarr_format=2, consolidated=False)
    return {key: _text(value.to_bytes()) for key, value in store.items() if not key.endswith(".zmetadata")}


def _text(data: bytes) -> str:
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError:
        return f"base64:{base64.b64encode(data).decode()}"
    return f"base64:{base64.b64encode(data).decode()}" if text.startswith("base64:") else text


def _array(variable: xr.DataArray, name: str, placed: Sequence[Placed]) -> dict[str, Any]:
    if name in _NOT_FIELDS:
        raise FieldError(f"Kerchunk's codec takes {name!r} for a coordinate.", hint="Leave it out of the request.")
    fields = len(placed[0].index) if placed else 0
    shape, dtype = variable.shape, np.dtype(variable.dtype)
    document = {
        "zarr_format": 2,
        "shape": list(shape),
        "chunks": [*(1 for _ in shape[:fields]), *shape[fields:]],
        "dtype": f"<{dtype.str[1:]}",
        "fill_value": "NaN",
        "order": "C",
        "compressor": None,
        "filters": [{"id": _GRIB, "var": name, "dtype": dtype.name}],
    }
    others = [str(other) for other in variable.coords if other not in variable.dims]
    attributes = {**variable.attrs, "_ARRAY_DIMENSIONS": list(variable.dims)}
    attributes |= {"coordinates": " ".join(others)} if others else {}
    found: dict[str, Any] = {
        f"{name}/.zarray": json.dumps(document),
        f"{name}/.zattrs": json.dumps(attributes, default=_plain),
    }
    zeros = ["0"] * (len(shape) - fields)
    for one in placed:
        key = ".".join([*map(str, one.index), *zeros])
        found[f"{name}/{key}"] = [url_of(one.reference.url), one.reference.offset, one.reference.length]
    return found


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else str(value)
