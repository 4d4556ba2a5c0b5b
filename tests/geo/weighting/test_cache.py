"""What the cache promises when processes die, race, or bytes change."""

import os
import random
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dtedask.geo import weights, weights_handle
from dtedask.geo.weighting import WeightsCache, cache_folder
from dtedask.geo.weighting.memory import MEMORY
from tests.geo.weighting.spread import Spread, same


@pytest.fixture
def kept(cache, small, large, chunks):
    """A handle of weights that are in the cache."""
    return weights_handle(small, large, "spread", cache=cache)


def test_an_entry_says_all_that_the_weights_depend_on(kept, cache, whole, small, large):
    (listed,) = WeightsCache(cache).list()
    said = listed.attributes
    assert listed.key == said["key"] == kept.key
    assert (said["source"]["spec"], said["target"]["label"]) == (small.description, large.label)
    assert (said["identity"]["target"], said["identity"]["options"]) == (large.uid, {"width": 3})
    assert said["shape"] == list(whole.shape)


@pytest.mark.slow
def test_every_changed_byte_is_noticed_and_the_weights_are_made_anew(kept, cache, whole, caplog):
    chance = random.Random(3)
    names = [path.relative_to(cache) for path in sorted(cache.rglob("*")) if path.is_file()]
    assert len(names) > 40
    for name in [*chance.sample(names, 12), *(name for name in names if name.name == "zarr.json")]:
        _change_a_byte(cache / name, chance)
        MEMORY.clear()
        assert same(kept.load(), whole), name
    assert "damaged. They are made anew" in caplog.text


@pytest.mark.parametrize("name", ["indptr", "indices", "data"])
def test_a_chunk_that_is_gone_is_noticed(name, kept, cache, whole, caplog):
    (cache / kept.key / name / "c" / "1").unlink()
    assert same(kept.load(), whole)
    assert caplog.text.count("made anew") == 1


def test_listing_shows_damage(kept, cache):
    (cache / kept.key / "zarr.json").write_text("{")
    (listed,) = WeightsCache(cache).list()
    assert listed.is_damaged


def test_many_threads_load_once(kept):
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: kept.matrix(), range(32)))
    assert all(matrix is found[0] for matrix in found)


def test_of_many_that_write_the_same_one_wins_and_all_are_right(cache, whole, small, large):
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: weights(small, large, "spread", cache=cache), range(8)))
    assert all(same(matrix, whole) for matrix in found)
    assert len(list(cache.iterdir())) == 1


def test_what_the_killed_left_behind_goes_a_day_later(kept, cache):
    old, new = cache / ".aside-1-old", cache / ".aside-1-new"
    for folder in (old, new):
        folder.mkdir()
    os.utime(old, (1, 1))
    assert WeightsCache(cache).remove(kept.key)
    kept.ensure()
    assert not old.exists()
    assert new.exists()
    assert Spread.made


def test_the_folder_is_that_of_the_setting_or_the_users_own(tmp_path, monkeypatch):
    import dask.config

    with dask.config.set({"dtedask.geo.weights-cache": str(tmp_path)}):
        assert cache_folder() == tmp_path
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    assert cache_folder() == tmp_path / "home" / "dtedask" / "weights"


_WRITERS = """
    import os, signal, sys
    import zarr, scipy.sparse
    from dtedask.geo import weights_handle
    from dtedask.geo.interpolation import method
    import zarr.codecs
    method._OWN["spread"] = "tests.geo.weighting.spread:Spread"
    weights_handle("H8", "H64", "spread", cache=False).load()

    def write(step, folder):
        left = step
        def die(event, arguments):
            nonlocal left
            if event in _STEPS and str(arguments[0]).startswith(folder):
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
        sys.addaudithook(die)
        weights_handle("H8", "H64", "spread", cache=folder)

    _STEPS = {"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir"}
    step, status = 0, 9
    while status == signal.SIGKILL:
        step += 1
        child = os.fork()
        if not child:
            write(step, f"{sys.argv[1]}/{step}")
            os._exit(0)
        status = os.waitpid(child, 0)[1]
    print(step, status)
"""


@pytest.mark.slow
def test_a_writer_killed_between_any_two_steps_leaves_nothing_that_is_wrong(tmp_path, whole, small, large):
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3]), "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(_WRITERS), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, env=environment)
    assert done.returncode == 0, done.stderr
    steps, status = map(int, done.stdout.split())
    assert (steps > 20, status) == (True, 0), done.stderr
    for cache in (tmp_path / str(step) for step in range(1, steps + 1)):
        assert not any(entry.is_damaged for entry in WeightsCache(cache).list())
        MEMORY.clear()
        assert same(weights(small, large, "spread", cache=cache), whole)


_AT_ONCE = """
    import os, sys
    from dtedask.geo import weights
    from dtedask.geo.interpolation import method
    method._OWN["spread"] = "tests.geo.weighting.spread:Spread"
    weights("H8", "H64", "spread", cache=False)
    ready, go = os.pipe()
    children = []
    for _ in range(4):
        child = os.fork()
        if not child:
            os.close(go)
            os.read(ready, 1)  # ends when the parent closes the pipe
            found = weights("H8", "H64", "spread", cache=sys.argv[1])
            os._exit(0 if found.nnz == 98304 else 1)
        children.append(child)
    os.close(go)
    print([os.waitpid(child, 0)[1] for child in children])
"""


@pytest.mark.slow
def test_of_processes_that_write_the_same_at_once_one_wins_and_all_are_right(cache, whole):
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3]), "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(_AT_ONCE), str(cache)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, env=environment)
    assert done.stdout.strip() == "[0, 0, 0, 0]", done.stderr
    (kept,) = WeightsCache(cache).list()
    assert [path.name for path in cache.iterdir()] == [kept.key]
    assert same(weights("H8", "H64", "spread", cache=cache), whole)


def _change_a_byte(path, chance):
    content = bytearray(path.read_bytes())
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)
