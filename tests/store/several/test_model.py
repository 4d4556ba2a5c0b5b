"""Several roots against a dictionary as their model, whatever is archived, replaced and wiped, and by whom."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dtedask
from dtedask.store.several.document import load_roots
from dtedask.store.several.keeping import SeveralRoots
from dtedask.testing.fields import make_field

pytestmark = pytest.mark.slow

_NAMES = itertools.count()
SHAPE = (2, 3)
KEYS = ("class", "date", "step", "levelist")
FIELDS = st.fixed_dictionaries(
    {
        "class": st.sampled_from(["od", "rd"]),
        "date": st.sampled_from(["20240101", "20240102", "20240103"]),
        "step": st.sampled_from(["0", "6"]),
        "levelist": st.sampled_from(["500", "1000"]),
    }
)
# Who writes: one of two handles of all roots, or somebody in one root alone.
CHANGES = st.tuples(st.sampled_from(["first", "second", "alone", "wipe"]), FIELDS, st.integers(0, 2))
POLICIES = st.sampled_from(["first", "round-robin", "least-used"])


def open_roots(name, policy):
    roots = [f"memory://{name}-{letter}" for letter in "abc"]
    spaces = [{"select": "class=od", "policy": policy, "roots": roots[:2]}, {"policy": policy, "roots": roots}]
    return SeveralRoots(load_roots({"spaces": spaces}))


def expected(held):
    """What a reader sees: of each field the value of the first root that has it."""
    return held[2] | held[1] | held[0]


@settings(max_examples=12)
@given(POLICIES, st.lists(CHANGES, min_size=1, max_size=14))
def test_several_roots_hold_what_dictionaries_say(policy, changes):
    name = f"several-{next(_NAMES)}"
    handles = {"first": open_roots(name, policy), "second": open_roots(name, policy)}
    handles["first"].create()
    alone = [dtedask.open(f"memory://{name}-{letter}") for letter in "abc"]
    held = [{}, {}, {}]
    for number, (who, keys, place) in enumerate(changes, 1):
        key = tuple(keys[name] for name in KEYS)
        if who == "wipe":
            wiped(handles["first"], keys, key, held)
            continue
        store = handles.get(who, alone[place])
        store.archive(*make_field(number, shape=SHAPE, **keys))
        (commit,) = store.flush()
        root = next(index for index, one in enumerate(alone) if one.root == commit.root)
        check_place(who, key, root, held)
        held[root][key] = number
    want = expected(held)
    for store in handles.values():
        found = (
            {tuple(record.keys[name] for name in KEYS): values for record, values in store.values({})} if want else {}
        )
        assert {key: int(values.flat[0]) for key, values in found.items()} == want
    check_dataset(handles["second"], want)


def check_place(who, key, root, held):
    """A field that a root of its space has goes to the first that has it; a run that one root has stays together."""
    if who == "alone":
        return
    own = (0, 1) if key[0] == "od" else (0, 1, 2)
    having = [place for place in own if key in held[place]]
    runs = {place for place in own for other in held[place] if other[:2] == key[:2]}
    assert root in own
    assert not having or root == having[0]
    assert having or len(runs) != 1 or root in runs


def wiped(store, keys, key, held):
    having = [one for one in held if key in one]
    if having:
        assert store.wipe({**keys, "expver": "test"}, doit=True).fields == len(having)
    for one in having:
        del one[key]


def check_dataset(store, want):
    """The lazy dataset of a class holds each field in its place, and gaps where there is none."""
    for name in {key[0] for key in want}:
        found = store.retrieve(f"class={name}")["t"]
        for index in np.ndindex(*found.shape[:3]):
            part = found[index]
            key = (
                name,
                str(part["forecast_reference_time"].dt.strftime("%Y%m%d").item()),
                str(int(part["step"] / np.timedelta64(1, "h"))),
                str(int(part["level"])),
            )
            value = float(part[0, 0])
            assert value == want[key] if key in want else np.isnan(value)
