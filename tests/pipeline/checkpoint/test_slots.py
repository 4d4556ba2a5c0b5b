"""Checkpoints in a root of their own: whole or not there, the newest that is whole, no more than two."""

import logging
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import dtedask
from dtedask.core.errors import DamagedError, FormatVersionError, PlanError
from dtedask.pipeline import Saved
from dtedask.pipeline.checkpoint import Checkpoint, CheckpointOptions, Checkpoints, Entry
from dtedask.pipeline.checkpoint import content as content_module
from dtedask.pipeline.checkpoint import slots as slots_module

ARRAYS = hnp.arrays(
    st.sampled_from(["<f8", "<i8", "<f4", "|b1", ">f8", "|u1"]), hnp.array_shapes(min_dims=0, max_dims=3, min_side=0)
)


def checkpoint(number=0, arrays=None, run="r"):
    saved = Saved({"number": number}, arrays or {"state": np.full(4, float(number))})
    return Checkpoint(
        run,
        [{"name": "p"}],
        "hash",
        {"kind": "test"},
        [Entry("p", number, {"index": number}, "", states=[("a", saved)])],
    )


def damage(folder):
    """Flip a bit in the middle of every file that holds data of a cube."""
    found = [path for path in Path(folder).rglob("*") if path.is_file() and "chunks" in path.parts]
    for path in found:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 4
        path.write_bytes(data)
    return len(found)


@settings(max_examples=50)
@given(st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), ARRAYS, max_size=4))
def test_arrays_come_back_with_all_their_bits(arrays):
    before = checkpoint(1, arrays)
    data = b"".join(before.to_bytes())
    ((_, saved),) = Checkpoint.from_bytes(data, "it").entries[0].states
    expected = arrays or {"state": np.full(4, 1.0)}
    assert saved.arrays.keys() == expected.keys()
    for name, array in expected.items():
        assert saved.arrays[name].dtype == array.dtype
        assert saved.arrays[name].shape == array.shape
        assert saved.arrays[name].tobytes() == array.tobytes()


@given(st.data())
def test_any_flipped_bit_is_found(data):
    content = bytearray(b"".join(checkpoint(1).to_bytes()))
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(DamagedError, match="it is damaged"):
        Checkpoint.from_bytes(bytes(content), "it")


@given(st.integers(0, 10_000))
def test_a_checkpoint_that_is_cut_is_found(size):
    content = b"".join(checkpoint(1).to_bytes())
    if size < len(content):
        with pytest.raises(DamagedError, match="it is damaged"):
            Checkpoint.from_bytes(content[:size], "it")


def test_the_newest_checkpoint_is_read_also_by_another_process(tmp_path):
    checkpoints = Checkpoints(str(tmp_path))
    assert checkpoints.read() is None
    for number in range(1, 4):
        checkpoints.write(checkpoint(number))
    found = Checkpoints(str(tmp_path)).read()
    assert (found.seen, found.serial, found.entries[0].position) == (3, 3, {"index": 3})
    np.testing.assert_array_equal(found.entries[0].states[0][1].arrays["state"], np.full(4, 3.0))


def test_large_states_are_cut_and_joined(tmp_path, monkeypatch):
    monkeypatch.setattr(slots_module, "PIECE_BYTES", 1000)
    arrays = {"a": np.arange(300.0), "b": np.arange(7)}
    Checkpoints(str(tmp_path)).write(checkpoint(1, arrays))
    ((_, saved),) = Checkpoints(str(tmp_path)).read().entries[0].states
    for name, array in arrays.items():
        np.testing.assert_array_equal(saved.arrays[name], array)


def test_of_a_damaged_checkpoint_the_one_before_is_taken_with_a_warning(tmp_path, caplog):
    checkpoints = Checkpoints(str(tmp_path))
    for number in range(1, 3):
        checkpoints.write(checkpoint(number, {"state": np.random.default_rng(number).random(5000)}))
    newest = max((tmp_path / "rd/oper").iterdir(), key=lambda path: path.stat().st_mtime)
    found = Checkpoints(str(tmp_path)).read()
    assert found.seen == 2
    newest = tmp_path / "rd/oper" / f"ckp{2 % 2}"
    assert damage(newest)
    with caplog.at_level(logging.WARNING):
        found = Checkpoints(str(tmp_path)).read()
    assert found.seen == 1
    assert "is taken instead" in caplog.text


@pytest.mark.slow
def test_writing_goes_on_where_one_place_is_damaged(tmp_path):
    checkpoints = Checkpoints(str(tmp_path))
    for number in range(1, 3):
        checkpoints.write(checkpoint(number, {"state": np.random.default_rng(number).random(5000)}))
    damage(tmp_path / "rd/oper/ckp1")
    other = Checkpoints(str(tmp_path))
    for number in range(3, 6):
        other.write(checkpoint(number))
        assert Checkpoints(str(tmp_path)).read().seen == number


def test_where_all_are_damaged_it_is_an_error(tmp_path):
    checkpoints = Checkpoints(str(tmp_path))
    for number in range(1, 3):
        checkpoints.write(checkpoint(number, {"state": np.random.default_rng(number).random(5000)}))
    damage(tmp_path)
    with pytest.raises(DamagedError, match="checksum"):
        Checkpoints(str(tmp_path)).read()


@pytest.mark.slow
def test_a_checkpoint_of_which_a_piece_is_gone_is_damaged(tmp_path, monkeypatch):
    monkeypatch.setattr(slots_module, "PIECE_BYTES", 1000)
    Checkpoints(str(tmp_path)).write(checkpoint(1, {"a": np.arange(300.0)}))
    dtedask.open(tmp_path).wipe(
        {"class": "rd", "stream": "oper", "expver": "ckp1", "iteration": "1"}, doit=True, minimum_keys=()
    )
    with pytest.raises(DamagedError, match="it is not all there"):
        Checkpoints(str(tmp_path)).read()


def test_a_newer_format_is_refused_and_not_passed_over(tmp_path, monkeypatch):
    checkpoints = Checkpoints(str(tmp_path))
    checkpoints.write(checkpoint(1))
    monkeypatch.setattr(content_module, "FORMAT", 99)
    checkpoints.write(checkpoint(2))
    monkeypatch.undo()
    with pytest.raises(FormatVersionError, match="has format 99; this dtedask reads 1"):
        Checkpoints(str(tmp_path)).read()


@pytest.mark.slow
def test_old_checkpoints_are_let_go(tmp_path, monkeypatch):
    monkeypatch.setattr(slots_module, "_PRUNE_EVERY", 4)
    checkpoints, state = Checkpoints(str(tmp_path)), np.random.default_rng(1).random(20_000)
    for number in range(1, 13):
        checkpoints.write(checkpoint(number, {"state": state + number}))
    files = [path for path in tmp_path.rglob("*") if path.is_file() and not path.name.startswith("notices.sqlite")]
    assert sum(path.stat().st_size for path in files) < 6 * state.nbytes


def test_what_cannot_be_kept_is_named(tmp_path):
    with pytest.raises(PlanError, match=r"The array '0/0/state' of the type object cannot be kept"):
        Checkpoints(str(tmp_path)).write(checkpoint(1, {"state": np.array([object()])}))


def test_the_root_beside_does_not_list_them(tmp_path):
    Checkpoints(str(tmp_path / ".plans" / "daily")).write(checkpoint(1))
    store = dtedask.open(tmp_path)
    store.archive(b"bytes", key={"class": "rd", "stream": "oper", "expver": "0001"})
    store.flush()
    assert len(list(store.list())) == 1
    assert store.cubes() == ["rd/oper/0001"]


@settings(max_examples=50)
@given(st.integers(1, 5), st.integers(0, 100), st.integers(0, 9), st.integers(0, 200))
def test_a_checkpoint_is_due_after_so_many_flushes_or_seconds(every, interval, flushes, seconds):
    options = CheckpointOptions(every=every, interval=interval)
    assert options.is_due(flushes, seconds) == (flushes >= every or (interval > 0 and seconds >= interval))


def test_words_say_when():
    assert CheckpointOptions.model_validate("never").never
    assert CheckpointOptions.model_validate("flush").is_due(1, 0.0)
    assert not CheckpointOptions.model_validate({"every": 3}).is_due(2, 1e9)
    assert CheckpointOptions().is_due(1, 61.0)
