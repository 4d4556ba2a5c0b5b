import pickle
import socket

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtedask.core.errors import GridError
from dtedask.geo import Grid, adjoint, cropped, weights, weights_handle
from dtedask.geo.weighting import Interpolation, canonical_method, named_weights
from dtedask.geo.weighting.building import build
from dtedask.geo.weighting.handle import rows_of
from dtedask.geo.weighting.memory import MEMORY, Memory, size_of
from tests.geo.weighting.spread import Spread, same


def test_rows_are_points_of_the_target_in_float64_with_sorted_int32_indices(whole, small, large):
    assert whole.shape == (large.size, small.size)
    assert (whole.data.dtype, whole.indices.dtype, whole.indptr.dtype) == ("f8", "i4", "i4")
    checked = whole.copy()
    checked.has_sorted_indices = False
    checked.sort_indices()
    assert same(checked, whole)


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_weights_do_not_depend_on_threads_and_blocks(threads, whole, small, large, monkeypatch):
    monkeypatch.setattr("dtedask.geo.weighting.building._SMALLEST_BLOCK", 1000 // threads)
    assert same(build(Interpolation.of(small, large, "spread", {}), threads=threads), whole)


def test_weights_are_made_once_and_then_read(cache, whole, small, large):
    assert same(weights(small, large, "spread", cache=cache), whole)
    assert Spread.made
    Spread.made.clear()
    assert same(weights("H8", {"grid": "H64"}, "spread", cache=cache), whole)
    assert not Spread.made


def test_default_options_and_those_that_say_the_same_are_one_entry(cache, small, large):
    named = [{}, {"width": 3}, {"width": 2}]
    keys = [weights_handle(small, large, "spread", cache=cache, **options).key for options in named]
    assert keys[0] == keys[1] != keys[2]
    assert len(list(cache.iterdir())) == 2


def test_a_method_of_a_new_version_makes_its_weights_anew(small, large, monkeypatch):
    before = Interpolation.of(small, large, "spread", {}).key
    monkeypatch.setattr(Spread, "version", 2)
    assert Interpolation.of(small, large, "spread", {}).key != before


def test_only_the_chunks_of_the_rows_that_are_wanted_are_read(cache, whole, small, large, chunks):
    handle = weights_handle(small, large, "spread", cache=cache)
    folder = cache / handle.key
    for name in ("indices", "data"):
        for chunk in (folder / name / "c").iterdir():
            if chunk.name not in ("7", "8"):
                chunk.write_bytes(b"not to be read")
    first = int(np.searchsorted(whole.indptr, 7 * 5000))
    last = int(np.searchsorted(whole.indptr, 9 * 5000, "right")) - 1
    backwards = np.arange(first, last)[::-1]
    assert backwards.size > 4000
    assert same(handle.rows(first, last), rows_of(whole, first, last))
    assert same(handle.take(backwards), whole[backwards])


@pytest.mark.slow
@settings(max_examples=30)
@given(st.lists(st.integers(0, 49151), max_size=50), st.integers(0, 49152), st.integers(0, 3000))
def test_any_rows_are_those_of_the_whole(places, first, length):
    handle = weights_handle("H8", "H64", "spread")
    whole, last = handle.load(), min(first + length, 49152)
    MEMORY.clear()
    assert same(handle.take(np.array(places, int)), whole[np.array(places, int)])
    assert same(handle.rows(first, last), rows_of(whole, first, last))


def test_weights_of_an_area_are_rows_of_those_of_the_grid(cache):
    area = (70, -20, 30, 40)
    whole = weights("O32", "N16", cache=cache)
    found = weights("O32", "N16", area=area, cache=cache)
    assert same(found, whole[cropped(Grid("N16"), area).places])
    assert 0 < found.shape[0] < whole.shape[0]


def test_rows_that_do_not_exist_are_refused(cache):
    with pytest.raises(GridError, match="49152 of H8 to H64, spread"):
        weights_handle("H8", "H64", "spread", cache=cache).rows(49000, 49153)


def test_a_handle_is_small_and_its_copy_finds_the_weights(cache, whole, small, large):
    handle = weights_handle(small, large, "spread", cache=cache)
    Spread.made.clear()
    copied = pickle.dumps(handle)
    assert len(copied) < 1500
    assert same(pickle.loads(copied).matrix(), whole)
    assert pickle.loads(copied) == handle
    assert not Spread.made


@pytest.mark.parametrize("name", ["O1280", "N320", "0.25/0.25"])
def test_grids_with_thousands_of_rows_travel_by_name(name):
    handle = named_weights(name, "O640", "spread")
    copied = pickle.dumps(handle)
    assert len(copied) < 1500
    assert pickle.loads(copied) == handle


def test_a_worker_that_does_not_see_the_cache_makes_the_weights(tmp_path, whole, small, large):
    handle = weights_handle(small, large, "spread", cache=tmp_path / "seen")
    (tmp_path / "seen").rename(tmp_path / "not seen")
    assert same(handle.rows(10, 5000), rows_of(whole, 10, 5000))
    assert (tmp_path / "seen" / handle.key).is_dir()


def test_weights_that_cannot_be_kept_are_made_all_the_same(tmp_path, whole, small, large, caplog):
    (tmp_path / "file").write_text("no folder")
    assert same(weights(small, large, "spread", cache=tmp_path / "file"), whole)
    assert "cannot be kept" in caplog.text


def test_weights_are_loaded_once_a_process_and_cannot_be_changed(cache, small, large):
    handle = weights_handle(small, large, "spread", cache=cache)
    assert handle.matrix() is handle.matrix()
    with pytest.raises(ValueError, match="read-only"):
        handle.matrix().data[0] = 1.0
    weights(small, large, "spread", cache=cache).data[0] = 1.0


def test_memory_lets_go_of_what_was_not_used_for_longest(whole):
    memory, limit = Memory(), 2 * size_of(whole)
    for name in ("a", "b", "a", "c"):
        memory.get(name, whole.copy, limit)
    assert memory.find("b") is None
    assert memory.find("a") is not None
    assert memory.size_bytes <= limit


def test_the_adjoint_brings_sensitivities_back(whole, cache, small, large):
    random = np.random.default_rng(1)
    x, y = random.normal(size=small.size), random.normal(size=large.size)
    turned = adjoint(whole)
    scale = np.abs(whole @ x) @ np.abs(y)
    assert abs(np.dot(whole @ x, y) - np.dot(x, turned @ y)) < 1e-13 * scale
    assert same(adjoint(weights_handle(small, large, "spread", cache=cache)), turned)


def test_a_maximum_has_no_adjoint(cache, small, large, monkeypatch):
    monkeypatch.setattr(Spread, "reduction", "maximum")
    with pytest.raises(GridError, match="takes a maximum"):
        adjoint(weights_handle(small, large, "spread", cache=cache))


@pytest.mark.slow
def test_a_limiter_is_a_matrix_of_its_own_that_is_kept_beside_the_weights(cache):
    handle = weights_handle("O16", "10/10", "bicubic", limiter=True, cache=cache)
    limiting = handle.limits()
    matrix = limiting.ensure().matrix()
    assert (limiting.key != handle.key, limiting.shape, len(list(cache.iterdir()))) == (True, handle.shape, 2)
    assert set(np.diff(matrix.indptr)) <= {3, 4}
    assert pickle.loads(pickle.dumps(limiting)) == limiting
    assert weights_handle("O16", "10/10", "bicubic", cache=cache).limits() is None


def test_unknown_options_and_methods_are_named(small, large):
    with pytest.raises(GridError, match="no option 'wdith'") as error:
        weights(small, large, "spread", wdith=2)
    assert "'width'" in error.value.hint
    with pytest.raises(GridError, match="option 'width' .* is 'wide'"):
        weights(small, large, "spread", width="wide")
    with pytest.raises(GridError, match="'spraed'"):
        weights(small, large, "spraed")


@pytest.mark.parametrize(
    ("word", "name"),
    [("", "linear"), ("nn", "nearest"), ("Nearest_Neighbour", "nearest"), ("structured-bicubic", "bicubic")],
)
def test_words_of_mir_and_multio_are_understood(word, name):
    assert canonical_method(word)[0] == name


def test_options_of_mir_are_understood():
    words = {"nclosest": 3, "distance-weighting": "inverse-distance-weighting-squared", "nearest-method": "nclosest"}
    ours = {"count": 3, "weighting": "inverse-distance-squared"}
    named = [Interpolation.of(Grid("O8"), Grid("H4"), "k-nearest", options) for options in (words, ours)]
    assert named[0] == named[1]
    assert Interpolation.of(Grid("O8"), Grid("H4"), "k-nearest-neighbours", ours) == named[0]


def test_nothing_is_ever_downloaded(cache, small, large, monkeypatch):
    def refuse(*_):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert weights(small, large, "spread", cache=cache).nnz
    assert weights(small, large, "spread", cache=cache).nnz
