"""Messages made by ecCodes, and ecCodes as the oracle."""

import struct
import zlib

import numpy as np
import pytest

from dtedask.grib.library import eccodes
from dtedask.grib.scan import forget


def build(edition=2, values=None, **keys):
    """One message from ecCodes' sample, with keys set in order."""
    handle = eccodes.codes_grib_new_from_samples(f"regular_ll_pl_grib{edition}")
    try:
        for key, value in keys.items():
            if isinstance(value, np.ndarray):
                eccodes.codes_set_array(handle, key, value)
            else:
                eccodes.codes_set(handle, key.rstrip("_"), value)
        if values is not None:
            eccodes.codes_set_values(handle, np.asarray(values, "float64").ravel())
        return eccodes.codes_get_message(handle)
    finally:
        eccodes.codes_release(handle)


def ask(message, *names):
    """What ecCodes says of keys of a message."""
    handle = eccodes.codes_new_from_message(message)
    try:
        return [eccodes.codes_get(handle, name) for name in names]
    finally:
        eccodes.codes_release(handle)


def ask_arrays(message, *names):
    """What ecCodes says of arrays of a message."""
    handle = eccodes.codes_new_from_message(message)
    try:
        return [eccodes.codes_get_array(handle, name) for name in names]
    finally:
        eccodes.codes_release(handle)


@pytest.fixture(scope="session")
def make_message():
    return build


@pytest.fixture(scope="session")
def eccodes_says():
    return ask


@pytest.fixture(scope="session")
def eccodes_arrays():
    return ask_arrays


@pytest.fixture(scope="session")
def latlon():
    """Keys of a regular grid of four columns and three rows."""
    edges = {"OfFirst": (10, 0), "OfLast": (0, 30)}
    keys = {"Ni": 4, "Nj": 3, "iDirectionIncrementInDegrees": 10, "jDirectionIncrementInDegrees": 5}
    for end, (latitude, longitude) in edges.items():
        keys[f"latitude{end}GridPointInDegrees"] = latitude
        keys[f"longitude{end}GridPointInDegrees"] = longitude
    return keys


@pytest.fixture
def fresh_memory():
    """Nothing remembered of earlier messages."""
    forget()
    yield
    forget()


def as_png(message, columns):
    """A message of simple packing in 8 bits, packed as PNG instead: ecCodes' wheel reads PNG but cannot write it."""
    place, out = 16, b""
    while place < len(message) - 4:
        section = message[place : place + int.from_bytes(message[place : place + 4], "big")]
        place += len(section)
        if section[4] == 5:
            section = section[:9] + (41).to_bytes(2, "big") + section[11:]
        elif section[4] == 7:
            image = png(section[5:], columns)
            section = (len(image) + 5).to_bytes(4, "big") + b"\7" + image
        out += section
    return message[:8] + (len(out) + 20).to_bytes(8, "big") + out + b"7777"


def png(pixels, columns):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = [b"\0" + pixels[start : start + columns] for start in range(0, len(pixels), columns)]
    head = struct.pack(">IIBBBBB", columns, len(rows), 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"".join(rows)))
        + chunk(b"IEND", b"")
    )


@pytest.fixture(scope="session")
def pack(latlon):
    """Write three rows of four values, packed in a way of choice."""

    def packed(packing, values=range(12), **keys):
        if packing == "grid_png":
            return as_png(build(values=values, **latlon, bitsPerValue=8, **keys), 4)
        return build(values=values, **latlon, packingType=packing, bitsPerValue=8, **keys)

    return packed
