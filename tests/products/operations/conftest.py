"""The real MIR, beside what is made here."""

import uuid

import pytest

from dtedask.grib import decode, encode, scan


class OfMir:
    """A field that MIR made, in our order of points."""

    def __init__(self, message):
        self.field = message.field
        self.grid = message.field.grid
        self.values = decode(message.read(), message.field.order, dtype="float64")


@pytest.fixture
def mir_of(tmp_path, monkeypatch):
    """What MIR makes of the fields of a file, through GRIB with 32-bit numbers."""
    mir = pytest.importorskip("mir")
    monkeypatch.setenv("MIR_CACHE_PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)  # where it writes files when it fails

    def run(path, *, together=1, **keywords):
        job, out = mir.Job(), tmp_path / f"{uuid.uuid4()}.grib"
        for key, value in {"packing": "ieee", **keywords}.items():
            job.set(key.replace("_", "-"), value)
        source = mir.GribFileInput(path) if together == 1 else mir.MultiDimensionalGribFileInput(path, together)
        job.execute(source, mir.GribFileOutput(str(out)))
        found = [OfMir(message) for message in scan(out.read_bytes())]
        return found[0] if together == 1 else found

    return run


@pytest.fixture
def written(tmp_path):
    """Write nodes of fields that are given to a GRIB file, with all bits of their values; harmonics with 24."""

    def write(*nodes):
        path = tmp_path / f"{nodes[0].key}.grib2"
        said = [(node.operation(), node.description.keys, node.description.grid) for node in nodes]
        path.write_bytes(b"".join(encode(*one, packing="grid_ieee", bits_per_value=24) for one in said))
        return str(path)

    return write
