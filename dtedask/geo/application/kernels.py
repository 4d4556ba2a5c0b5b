"""The loops that apply weights to many fields; they load numba."""

# ruff: noqa: PLR0917 - compiled functions are called by place

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dtedask.geo.application.registers import (
    POINTS_PER_TILE,
    inlined,
    is_nothing,
    move_line,
    move_square,
    move_value,
    stream_square,
    sums_of_present,
    weighted_sums,
)
from dtedask.geo.compiled import compiled

STREAMED_BYTES = 32 * 2**20  # results that are larger than caches need not go through them
ANY, ALL, HEAVIEST = 0, 1, 2  # what makes a point missing; any: nothing is done about NaN


@compiled
def cut(
    starts: NDArray[np.int64], columns: NDArray[Any], source_size: int, most_rows: int, most_tiles: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.uint32]]:
    """Cut rows of weights into blocks that read few tiles of the source, a tile being 16 points one after the other.

    Returns
    -------
    blocks : (blocks + 1,)
        The first row of each block.
    tile_starts : (blocks + 1,)
        Where the tiles of each block begin in `tiles`.
    tiles : numpy.ndarray
        Numbers of tiles.
    places : (entries,)
        Where the point of each entry stands in the scratch memory of its block.
    """
    rows = starts.size - 1
    block_of = np.full(source_size // POINTS_PER_TILE + 1, -1, np.int64)
    place_of = np.empty(block_of.size, np.int64)
    tiles = np.empty(columns.size, np.int64)
    blocks, tile_starts = np.zeros(rows + 1, np.int64), np.zeros(rows + 1, np.int64)
    places = np.empty(columns.size, np.uint32)
    block, count = 0, 0
    for row in range(rows):
        before, new = -1, 0
        for entry in range(starts[row], starts[row + 1]):
            tile = columns[entry] // POINTS_PER_TILE
            if tile != before and block_of[tile] != block:
                new += 1
            before = tile
        is_full = row - blocks[block] >= most_rows or count - tile_starts[block] + new > most_tiles
        if is_full and row > blocks[block] and row % POINTS_PER_TILE == 0:
            block += 1
            blocks[block], tile_starts[block] = row, count
        for entry in range(starts[row], starts[row + 1]):
            tile = columns[entry] // POINTS_PER_TILE
            if block_of[tile] != block:
                block_of[tile], place_of[tile] = block, count - tile_starts[block]
                tiles[count] = tile
                count += 1
            places[entry] = place_of[tile] * POINTS_PER_TILE + columns[entry] % POINTS_PER_TILE
    blocks[block + 1], tile_starts[block + 1] = rows, count
    return blocks[: block + 2].copy(), tile_starts[: block + 2].copy(), tiles[:count].copy(), places


@compiled
def heaviest_entries(starts: NDArray[np.int64], data: NDArray[np.float64]) -> NDArray[np.int64]:
    """Find the entry of each row with the largest weight, the first of several; -1 where there is none."""
    found = np.full(starts.size - 1, -1, np.int64)
    for row in range(found.size):
        for entry in range(starts[row], starts[row + 1]):
            if found[row] < 0 or data[entry] > data[found[row]]:
                found[row] = entry
    return found


@inlined
def fill(
    scratch: Any, tiles: Any, source: int, field_stride: int, point_stride: int, fields: int, source_size: int
) -> None:
    """Bring the tiles of up to `lanes` fields into the scratch memory, a row a point."""
    size = scratch.itemsize
    width, row_bytes = 64 // size, scratch.shape[1] * size
    into = scratch.ctypes.data
    for tile in range(tiles.size):
        point = tiles[tile] * POINTS_PER_TILE
        count = min(POINTS_PER_TILE, source_size - point)
        for field in range(0, fields, width):
            here = source + field * field_stride + point * point_stride
            there = into + tile * POINTS_PER_TILE * row_bytes + field * size
            if field + width <= fields and point_stride == size and count == POINTS_PER_TILE:
                for at in range(0, POINTS_PER_TILE, width):
                    move_square(scratch, here + at * size, field_stride, there + at * row_bytes, row_bytes)
            elif field + width <= fields and field_stride == size:
                for at in range(count):
                    move_line(scratch, here + at * point_stride, there + at * row_bytes)
            else:
                for lane in range(min(width, fields - field)):
                    for at in range(count):
                        place = here + lane * field_stride + at * point_stride
                        move_value(scratch, place, there + at * row_bytes + lane * size)


@inlined
def empty(
    rows: Any, count: int, target: int, field_stride: int, point_stride: int, fields: int, is_streamed: bool
) -> None:
    """Write up to 16 rows of lanes to the target; past the caches where that is asked for."""
    size = rows.itemsize
    width, row_bytes = 64 // size, rows.shape[1] * size
    start = rows.ctypes.data
    for field in range(0, fields, width):
        here, there = start + field * size, target + field * field_stride
        if field + width <= fields and point_stride == size and count == POINTS_PER_TILE:
            for at in range(0, POINTS_PER_TILE, width):
                if is_streamed:
                    stream_square(rows, here + at * row_bytes, row_bytes, there + at * size, field_stride)
                else:
                    move_square(rows, here + at * row_bytes, row_bytes, there + at * size, field_stride)
        elif field + width <= fields and field_stride == size:
            for at in range(count):
                move_line(rows, here + at * row_bytes, there + at * point_stride)
        else:
            for lane in range(min(width, fields - field)):
                for at in range(count):
                    place = there + lane * field_stride + at * point_stride
                    move_value(rows, here + at * row_bytes + lane * size, place)


@inlined
def add_up(
    lanes: Any,
    source: tuple[int, int],
    rows: tuple[Any, Any, Any, Any],
    policy: int,
    row: int,
    count: int,
    target: tuple[int, int],
) -> None:
    """Make up to 16 points of the target from `row` on, in all lanes; `source` and `target` are address and stride."""
    starts, places, data, heaviest = rows
    for at in range(count):
        first, last = starts[row + at], starts[row + at + 1]
        there = target[0] + at * target[1]
        has_nan = weighted_sums(lanes, source[0], source[1], places, data, first, last, there)
        if has_nan and policy != ANY and first < last:
            judge = np.int64(places[heaviest[row + at]])
            if is_nothing(lanes, source[0] + judge * source[1]) and (policy == HEAVIEST or last == first + 1):
                continue
            judge = judge if policy == HEAVIEST else np.int64(-1)
            sums_of_present(lanes, source[0], source[1], places, data, (first, last), judge, there)


@compiled
def apply_blocks(
    scratch: Any,
    weights: Any,
    policy: int,
    source: tuple[int, int, int],
    target: tuple[int, int, int],
    fields: int,
    source_size: int,
    first: int,
    last: int,
) -> None:
    """Apply the blocks `first` to `last` of weights to all fields.

    `source` and `target` are address, stride of fields, and stride of points. Where fields are neighbours, all lanes of
    a point are read where they are; else, and for what is left over, points go through the scratch memory.
    """
    blocks, tile_starts, tiles, starts, places, columns, data, heaviest = weights
    lanes, size = scratch.shape[1], scratch.itemsize
    line = lanes * size
    rows = np.zeros((POINTS_PER_TILE, lanes), scratch.dtype)
    to_rows, in_scratch = (rows.ctypes.data, line), (scratch.ctypes.data, line)
    whole = fields - fields % lanes if source[1] == size else 0
    is_streamed = target[0] % 64 == 0 and target[1] % 64 == 0 and fields * target[1] > STREAMED_BYTES
    for block in range(first, last):
        for row in range(blocks[block], blocks[block + 1] if whole else 0, POINTS_PER_TILE):
            number = min(POINTS_PER_TILE, blocks[block + 1] - row)
            for field in range(0, whole, lanes):
                here = (source[0] + field * size, source[2])
                there = target[0] + field * target[1] + row * target[2]
                is_direct = target[1] == size
                to = (there, target[2]) if is_direct else to_rows
                add_up(scratch, here, (starts, columns, data, heaviest), policy, row, number, to)
                if not is_direct:
                    empty(rows, number, there, target[1], target[2], lanes, is_streamed)
        mine = tiles[tile_starts[block] : tile_starts[block + 1]]
        for field in range(whole, fields, lanes):
            count = min(lanes, fields - field)
            fill(scratch, mine, source[0] + field * source[1], source[1], source[2], count, source_size)
            for row in range(blocks[block], blocks[block + 1], POINTS_PER_TILE):
                number = min(POINTS_PER_TILE, blocks[block + 1] - row)
                add_up(scratch, in_scratch, (starts, places, data, heaviest), policy, row, number, to_rows)
                there = target[0] + field * target[1] + row * target[2]
                empty(rows, number, there, target[1], target[2], count, is_streamed)
