"""What a commit hands to the next reader of its snapshot is what that would have read."""

import dataclasses
import itertools
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dtedask
from dtedask.core.errors import DamagedError, NoMatchError
from dtedask.store.commits import following
from dtedask.store.handover import handed_over
from dtedask.store.location import Location
from dtedask.store.repository import cached_snapshot, open_repository
from dtedask.store.snapshot import Snapshot

CUBE = "rd/enfo/test"
_NAMES = itertools.count()

fields = st.fixed_dictionaries(
    {
        "param": st.sampled_from(["130", "131"]),
        "date": st.sampled_from(["20240101", "20240102", "20231231"]),
        "step": st.sampled_from(["0", "6", "90m"]),
        "levelist": st.sampled_from(["500", "1000", "0.5"]),
    }
)
flushes = st.lists(
    st.one_of(
        st.lists(fields, min_size=1, max_size=3),
        st.sampled_from(["step=6", "date=20240101", "levelist=500,param=t"]),
    ),
    min_size=3,
    max_size=8,
)


def plain(value):
    """Everything in a value, so that two of them can be compared, types and order of keys included."""
    if isinstance(value, np.ndarray):
        return (value.dtype.str, [(type(item).__name__, item) for item in value.tolist()])
    if dataclasses.is_dataclass(value):
        return (type(value).__name__, {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)})
    if isinstance(value, dict):
        return [(key, plain(item)) for key, item in value.items()]
    if isinstance(value, list | tuple):
        return (type(value).__name__, [plain(item) for item in value])
    return value


def check_handed_over(location):
    """Compare what was handed over with what a fresh reader finds; names of the groups that were."""
    repo = open_repository(location, CUBE)
    head = repo.lookup_branch("main")
    newest = handed_over(location.cube_url(CUBE), head)
    assert newest is not None
    assert newest.written_at == repo.lookup_snapshot(head).written_at
    assert newest.following == following(repo, head)
    if newest.known is None:
        return set()
    known = newest.known
    fresh = Snapshot(location.cube_url(CUBE), repo, head)
    assert (dict(known.attributes), known.group_names) == (fresh.attributes, fresh.group_names)
    for name, group in known.groups.items():
        assert plain(group) == plain(fresh.group(name))
    return set(known.groups)


@pytest.mark.slow
@settings(max_examples=25)
@given(fields, flushes)
def test_what_is_handed_over_equals_a_fresh_read_after_any_commits(make_field, first, flushes):
    location = Location.parse(f"memory://handover-{next(_NAMES)}")
    store = dtedask.open(location.url)
    for step in [[first], *flushes]:
        if isinstance(step, str):
            with suppress(NoMatchError):
                store.wipe(step, doit=True, minimum_keys=())
        else:
            for number, keys in enumerate(step):
                store.archive(*make_field(number, shape=(2, 3), number="1", **keys))
            store.flush()
        check_handed_over(location)


@pytest.mark.slow
def test_a_commit_hands_over_every_group_that_it_wrote_to_and_a_wipe_none(store, make_field):
    for levtype in ("pl", "ml"):
        store.archive(*make_field(1.0, number="1", levelist="50", levtype=levtype))
    store.flush()
    for step in ("6", "12"):  # the first has to read what the commit before made by Zarr
        store.archive(*make_field(1.0, number="1", levelist="50", levtype="pl", step=step))
        store.flush()
    location, (name,) = Location.parse(store.root), {record.group for record in store.list("levtype=pl")}
    assert name in check_handed_over(location)
    store.wipe("step=6", doit=True, minimum_keys=())
    assert not check_handed_over(location)
    store.archive(*make_field(2.0, number="1", levelist="70", step="18"))  # takes the slots that became free
    store.flush()
    assert name in check_handed_over(location)
    assert list(store.axes()["step"]) == ["0", "12", "18"]


def test_what_was_handed_over_is_checked_before_more_is_read_of_it(store, make_field):
    for step in ("0", "6"):
        store.archive(*make_field(1.0, number="1", levelist="50", step=step))
        store.flush()
    location = Location.parse(store.root)
    path = Path(location.cube_url(CUBE)) / "snapshots" / store.history()[-1].snapshot
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    cached_snapshot.cache_clear()
    with pytest.raises(DamagedError, match="its bytes have changed"):
        list(store.list("step=6"))
