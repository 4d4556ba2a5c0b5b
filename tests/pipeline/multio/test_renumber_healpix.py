"""HEALPix in nested order, against the real MultIO."""

import subprocess
from pathlib import Path

import multiolib
import numpy as np

from dtedask.pipeline import Kind, Message
from dtedask.pipeline.action import Context, make_action
from dtedask.pipeline.compute import Eager
from tests.pipeline.multio.real import metadata


def test_nested_values_are_those_of_multio(multio, tmp_path):
    tool = Path(multiolib.__file__).parent / "bin" / "multio-generate-healpix-cache"
    subprocess.run([tool, f"--output={tmp_path}/cache", "--list=3"], check=True, capture_output=True)  # nside 2**3
    keys = {**metadata(1), "gridType": "healpix", "Nside": 8, "orderingConvention": "ring"}
    values = np.random.default_rng(3).standard_normal(768)
    document = {"type": "renumber-healpix", "cache-file-name": f"{tmp_path}/cache"}
    (theirs,) = multio.run([document], [("field", keys, values)]).fields
    (ours,) = make_action(document, Context()).handle(Message(Kind.FIELD, keys, values), None, Eager())
    assert ours.values.tobytes() == theirs.values.tobytes()
    assert ours.keys["orderingConvention"] == theirs.keys["orderingConvention"] == "nested"
