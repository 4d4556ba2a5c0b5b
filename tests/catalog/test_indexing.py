"""Whatever part of a lazy dataset is taken, it is the same part of the values in memory."""

import itertools

import hypothesis.strategies as st
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis.extra import numpy as arrays

import dtedask

DIMS = ("forecast_reference_time", "member", "step", "level", "latitude", "longitude")
SHAPE = (2, 3, 3, 2, 3, 4)


@pytest.fixture(scope="module")
def opened(tmp_path_factory, make_field, archive):
    """Function that opens a forecast with gaps, archived in no order, and the forecast in memory."""
    store = dtedask.open(tmp_path_factory.mktemp("indexing") / "root")
    fields = [
        make_field(number, date=f"202406{date:02d}", number=str(member), step=str(step), levelist=str(level))
        for number, (date, member, step, level) in enumerate(
            itertools.product((2, 1), (3, 1, 2), (12, 0, 6), (500, 1000))
        )
        if number % 7  # every seventh is missing
    ]
    archive(store, *fields)

    def open_lazily():
        return xr.open_dataset(store.root, engine="dtedask", cache=False)["t"]

    memory = open_lazily().load()
    assert memory.shape == SHAPE
    assert np.isnan(memory[..., 0, 0]).sum() == 36 - len(fields)
    return open_lazily, memory


def indexers(size):
    """Every kind of index along a dimension."""
    index = st.integers(-size, size - 1)
    return st.one_of(
        index,
        st.slices(size),
        st.lists(index, max_size=size + 2),
        arrays.arrays(bool, size),
        st.just(np.array([], dtype=int)),
    )


@pytest.mark.slow
@settings(max_examples=150)
@given(data=st.data())
def test_positions_take_the_same_part(opened, data):
    open_lazily, memory = opened
    names = data.draw(st.sets(st.sampled_from(DIMS)))
    chosen = {name: data.draw(indexers(size)) for name, size in zip(DIMS, SHAPE, strict=True) if name in names}
    xr.testing.assert_identical(open_lazily().isel(chosen).load(), memory.isel(chosen))


@pytest.mark.slow
@settings(max_examples=60)
@given(data=st.data())
def test_parts_of_parts_take_the_same_part(opened, data):
    open_lazily, memory = opened
    lazy = open_lazily()
    for _ in range(3):
        name = data.draw(st.sampled_from(memory.dims))
        chosen = {name: data.draw(st.slices(memory.sizes[name]))}
        lazy, memory = lazy.isel(chosen), memory.isel(chosen)
    xr.testing.assert_identical(lazy.load(), memory)


@pytest.mark.slow
@settings(max_examples=60)
@given(data=st.data())
def test_points_take_the_same_values(opened, data):
    open_lazily, memory = opened
    names = data.draw(st.lists(st.sampled_from(DIMS), min_size=1, unique=True))
    count = data.draw(st.integers(0, 5))
    points = {
        name: xr.DataArray(
            data.draw(arrays.arrays(int, count, elements=st.integers(0, memory.sizes[name] - 1))), dims="p"
        )
        for name in names
    }
    xr.testing.assert_identical(open_lazily().isel(points).load(), memory.isel(points))


@pytest.mark.slow
@settings(max_examples=60)
@given(data=st.data())
def test_labels_take_the_same_part(opened, data):
    open_lazily, memory = opened
    name = data.draw(st.sampled_from(DIMS))
    labels = memory[name].to_numpy()
    one = data.draw(st.sampled_from(labels.tolist() if labels.dtype.kind not in "mM" else list(labels)))
    other = data.draw(st.sampled_from(list(labels)))
    for chosen in ({name: one}, {name: slice(one, other)}, {name: [one, other]}):
        xr.testing.assert_identical(open_lazily().sel(chosen).load(), memory.sel(chosen))


def test_a_mask_takes_the_same_part(opened):
    open_lazily, memory = opened
    lazy = open_lazily()
    xr.testing.assert_identical(lazy.sel(level=lazy["level"] > 700).load(), memory.sel(level=memory["level"] > 700))
    xr.testing.assert_identical(lazy.where(memory > 10).load(), memory.where(memory > 10))


def test_only_the_fields_that_are_asked_for_are_read(opened, monkeypatch):
    from dtedask.store.snapshot import Snapshot

    asked = []
    read = Snapshot.read_chunks
    monkeypatch.setattr(Snapshot, "read_chunks", lambda self, keys: asked.extend(keys) or read(self, keys))
    lazy = opened[0]()
    lazy.isel(forecast_reference_time=0, member=1, step=slice(2), level=1, latitude=0).load()
    assert len(asked) == 2


@pytest.mark.slow
@settings(max_examples=25)
@given(order=st.permutations(range(8)), cuts=st.sets(st.integers(1, 7), max_size=3))
def test_whatever_the_order_of_arrival_axes_are_sorted_and_values_are_at_their_labels(make_field, archive, order, cuts):
    labels = list(itertools.product((1, 2), (0, 6), (500, 1000)))
    store = dtedask.open(f"memory://order-{'-'.join(map(str, order))}-{'-'.join(map(str, sorted(cuts)))}")
    for start, stop in itertools.pairwise((0, *sorted(cuts), len(order))):
        fields = [(number, *labels[number]) for number in order[start:stop]]
        archive(
            store,
            *(make_field(n, number=str(m), step=str(s), levelist=str(level)) for n, m, s, level in fields),
        )
    dataset = xr.open_dataset(store.root, engine="dtedask")
    for name in ("member", "step", "level"):
        assert dataset.indexes[name].is_monotonic_increasing
    for number, (member, step, level) in enumerate(labels):
        field = dataset["t"].sel(member=member, step=np.timedelta64(step, "h"), level=level).squeeze()
        assert field[0, 0] == number
