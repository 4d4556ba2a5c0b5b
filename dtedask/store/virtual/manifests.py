"""VirtualiZarr's datasets of manifests, from cubes and into them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dtedask.core.errors import FieldError, MissingExtraError
from dtedask.store.layouts import MessageCodec
from dtedask.store.virtual.resolving import Chunk

if TYPE_CHECKING:
    import xarray as xr

    from dtedask.store.virtual.placed import Placed


def chunks_of_dataset(dataset: xr.Dataset) -> Iterator[Chunk]:
    """Chunks of the manifests of a virtual dataset; arrays that are loaded are left out, as coordinates are.

    Raises
    ------
    FieldError
        If none of its variables is virtual.
    """
    found: dict[str, Any] = {
        str(n): variable.data for n, variable in dataset.variables.items() if _is_virtual(variable)
    }
    if not found:
        raise FieldError(
            "None of the variables of the dataset is virtual.",
            hint="Open it with VirtualiZarr, or archive its values: `store.archive(dataset)`.",
        )
    for name, array in found.items():
        for key, entry in array.manifest.dict().items():
            if entry["path"]:
                yield Chunk(f"{name}/{key}", entry["path"], int(entry["offset"]))


def dataset_of_manifests(dataset: xr.Dataset, places: Mapping[str, Sequence[Placed]]) -> xr.Dataset:
    """A dataset whose fields are manifests of the messages of a cube, its coordinates in memory.

    Raises
    ------
    MissingExtraError
        If VirtualiZarr is not installed.
    """
    import xarray as xr

    arrays = {name: (dataset[name].dims, _manifest_array(dataset[name], found)) for name, found in places.items()}
    coordinates = dataset.drop_vars(list(places)).load()
    variables = {name: xr.Variable(dims, array, dataset[name].attrs) for name, (dims, array) in arrays.items()}
    return coordinates.assign(variables)


def _is_virtual(variable: Any) -> bool:
    return hasattr(getattr(variable, "_data", None), "manifest")


def _manifest_array(variable: xr.DataArray, placed: Sequence[Placed]) -> Any:
    try:
        from virtualizarr.manifests import ChunkManifest, ManifestArray
    except ImportError as error:
        raise MissingExtraError(
            f"Manifests need VirtualiZarr: {error}.", hint='Install it by: pip install "dtedask[virtualizarr]"'
        ) from error
    fields = len(placed[0].index)
    zeros = ["0"] * (variable.ndim - fields)
    entries = {
        ".".join([*map(str, one.index), *zeros]): {
            "path": one.reference.url,
            "offset": one.reference.offset,
            "length": one.reference.length,
        }
        for one in placed
    }
    shape = (*(1 for _ in range(fields)), *variable.shape[fields:])
    return ManifestArray(metadata=_metadata(variable, shape), chunkmanifest=ChunkManifest(entries=entries))


def _metadata(variable: xr.DataArray, chunk_shape: tuple[int, ...]) -> Any:
    from zarr.core.metadata.v3 import ArrayV3Metadata

    document: dict[str, Any] = {
        "zarr_format": 3,
        "node_type": "array",
        "shape": list(variable.shape),
        "data_type": np.dtype(variable.dtype).name,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(chunk_shape)}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": "NaN",
        "codecs": [{"name": MessageCodec.name, "configuration": {}}],
        "attributes": {},
        "dimension_names": [str(name) for name in variable.dims],
        "storage_transformers": [],
    }
    return ArrayV3Metadata.from_dict(document)
