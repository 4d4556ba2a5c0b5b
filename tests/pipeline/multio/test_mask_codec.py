"""Masks as bytes are as long as those that the real MultIO sends, for whichever form it takes."""

import re

import numpy as np
import pytest

from dtedask.pipeline.values.mask_codec import encode_mask

RANDOM = np.random.default_rng(2)
MASKS = {
    "two halves": np.repeat([True, False], 8),
    "every seventh point": np.arange(1000) % 7 == 0,
    "any points": RANDOM.random(999) > 0.5,
    "few runs": np.repeat([False, True, False], [5000, 3, 700]),
    "one run": np.ones(300, bool),
    "runs of any length": np.repeat(np.arange(50) % 2 == 0, RANDOM.integers(1, 2000, 50)),
}


@pytest.mark.parametrize("name", MASKS)
def test_a_mask_takes_as_many_bytes_as_in_multio(multio, name):
    mask = MASKS[name]
    keys = {"name": "mask", "category": "ocean-mask", "misc-globalSize": mask.size, "domain": "T grid", "level": 0}
    keys["misc-toAllServers"] = True
    actions = [{"type": "print", "stream": "cout"}, {"type": "null"}]
    shown = multio.run(actions, [("mask", keys, mask.astype(float))]).stdout
    assert int(re.search(r"tag=Mask.*payload-size=(\d+)", shown)[1]) == len(encode_mask(mask))
