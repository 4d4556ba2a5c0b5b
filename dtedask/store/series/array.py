"""The array that holds the time series of a variable: its shape, its chunks, and its document in Zarr."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dtedask.store.layouts.map import ChunkCodec

if TYPE_CHECKING:
    from dtedask.store.group import Group, Variable

FOLDER = "series"
STEP = "step"
PATCH_POINTS = 1024
_COMPRESSOR, _LEVEL, _SHUFFLE = "lz4", 1, "shuffle"
Block = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SeriesArray:
    """Time series of a variable; it has the dimensions and slots of the variable.

    A block is one chunk of Zarr: all steps of one reference time, member and level, on the whole grid. It is a shard:
    inside it, a piece holds some steps of a patch of points, and can be read by itself.

    Parameters
    ----------
    path : str
        Path of the array in the cube.
    dims : tuple of str
        Dimensions before those of the grid.
    shape : tuple of int
        Slots of each of them, then the shape of the grid.
    steps : int
        Steps of a piece.
    block_steps : int
        Steps of a block, a multiple of `steps`; longer axes have several blocks.
    patch : tuple of int
        Shape of the patch of points of a piece.
    codec : ChunkCodec
        How a piece is encoded.
    """

    path: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    steps: int
    block_steps: int
    patch: tuple[int, ...]
    codec: ChunkCodec

    @property
    def grid_shape(self) -> tuple[int, ...]:
        """Shape of the grid."""
        return self.shape[len(self.dims) :]

    @property
    def step_position(self) -> int:
        """Place of the steps among the dimensions."""
        return self.dims.index(STEP)

    @property
    def piece_shape(self) -> tuple[int, ...]:
        """Steps and points of a piece."""
        return (self.steps, *self.patch)

    @property
    def piece_bytes(self) -> int:
        """Size of a decoded piece."""
        return math.prod(self.piece_shape) * np.dtype(self.codec.dtype).itemsize

    @property
    def field_bytes(self) -> int:
        """Size of a decoded field."""
        return math.prod(self.grid_shape) * np.dtype(self.codec.dtype).itemsize

    @property
    def pieces(self) -> tuple[int, ...]:
        """Number of pieces of a block along the steps and each dimension of the grid."""
        patches = (-(-size // patch) for size, patch in zip(self.grid_shape, self.patch, strict=True))
        return (self.block_steps // self.steps, *patches)

    @property
    def layout(self) -> SeriesArray:
        """The array without the lengths of its axes: equal where blocks are alike."""
        return replace(self, shape=(*(0 for _ in self.dims), *self.grid_shape))

    def coordinates(self, block: Block) -> tuple[int, ...]:
        """Coordinates of the chunk of a block."""
        return (*block, *(0 for _ in self.grid_shape))

    def key(self, block: Block) -> str:
        """Zarr key of the chunk of a block."""
        return f"{self.path}/c/{'/'.join(map(str, self.coordinates(block)))}"

    def blocks_of(self, rows: np.ndarray) -> np.ndarray:
        """Block of each field, given by its slots; shape of `rows`."""
        found = rows.copy()
        found[:, self.step_position] //= self.block_steps
        return found

    def document(self) -> dict[str, Any]:
        """Zarr's document of the array."""
        ones = [1] * len(self.dims)
        position = self.step_position
        block, piece = [*ones], [*ones]
        block[position], piece[position] = self.block_steps, self.steps
        padded = [count * size for count, size in zip(self.pieces[1:], self.patch, strict=True)]
        return {
            "zarr_format": 3,
            "node_type": "array",
            "shape": list(self.shape),
            "data_type": self.codec.dtype,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [*block, *padded]}},
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
            "fill_value": "NaN",
            "codecs": [_sharding([*piece, *self.patch], self.codec)],
            "attributes": {"dtedask_role": "series", "dtedask_dims": len(self.dims)},
            "storage_transformers": [],
        }

    @classmethod
    def from_document(cls, path: str, document: Mapping[str, Any], dims: Sequence[str]) -> SeriesArray:
        """An array that exists."""
        sharding = document["codecs"][0]["configuration"]
        chunk = document["chunk_grid"]["configuration"]["chunk_shape"]
        count, position = len(dims), list(dims).index(STEP)
        return cls(
            path,
            tuple(dims),
            tuple(document["shape"]),
            sharding["chunk_shape"][position],
            chunk[position],
            tuple(sharding["chunk_shape"][count:]),
            ChunkCodec.from_metadata(document["data_type"], sharding["codecs"], {}),
        )


def new_array(group: Group, variable: Variable, steps_at_once: int) -> SeriesArray:
    """The array for the time series of a variable.

    Parameters
    ----------
    group : Group
        Its group.
    variable : Variable
        The variable; one of its dimensions is the step.
    steps_at_once : int
        Most steps of a piece: so many fields are held in memory while a block is written.
    """
    length = variable.shape[variable.dims.index(STEP)]
    parts = -(-length // max(steps_at_once, 1))
    steps = -(-length // parts)
    codec = ChunkCodec(variable.dtype, _COMPRESSOR, _LEVEL, _SHUFFLE)
    path = f"{group.name}/{FOLDER}/{variable.name}"
    patch = patch_of(group.grid.shape)
    return SeriesArray(path, variable.dims, variable.shape, steps, steps * parts, patch, codec)


def patch_of(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Shape of a patch of about 1,024 points: a square where the grid has two dimensions."""
    if len(shape) == 1:
        return (min(PATCH_POINTS, shape[0]),)
    side = math.isqrt(PATCH_POINTS)
    return tuple(min(side, size) for size in shape)


def _sharding(piece: Sequence[int], codec: ChunkCodec) -> dict[str, Any]:
    data = {"name": "bytes", "configuration": {"endian": "little"}}
    blosc = {
        "typesize": np.dtype(codec.dtype).itemsize,
        "cname": codec.compressor,
        "clevel": codec.level,
        "shuffle": codec.shuffle,
        "blocksize": 0,
    }
    crc = {"name": "crc32c"}
    return {
        "name": "sharding_indexed",
        "configuration": {
            "chunk_shape": list(piece),
            "codecs": [data, {"name": "blosc", "configuration": blosc}, crc],
            "index_codecs": [data, crc],
            "index_location": "end",
        },
    }
