"""Each field goes to the root that its space and its policy name, and to the same one again."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import dtedask
from dtedask.core.errors import ControlledError, NoRuleError, ReadOnlyError, RequestError
from dtedask.grib import Field
from dtedask.store import archive
from dtedask.store.ahead import encoding_ahead
from dtedask.store.arrays import parts_of_array
from dtedask.store.location import Location
from dtedask.store.several import placement
from dtedask.testing.fields import make_field

DAYS = [f"202401{day:02}" for day in range(1, 7)]


def test_the_first_space_that_selects_a_field_gets_it(open_roots, put, roots_of):
    store = open_roots("spaces:\n- {select: class=od|ea, roots: a}\n- {select: {class: rd}, roots: b}")
    for name in ("od", "ea", "rd"):
        put(store, 1, **{"class": name})
    assert roots_of(store, "class") == {"od": "a", "ea": "a", "rd": "b"}
    with pytest.raises(NoRuleError, match="class=uk"):
        put(store, 1, **{"class": "uk"})
    assert not store.dirty


@pytest.mark.slow
def test_runs_take_their_turns_and_stay_together(open_roots, put, roots_of):
    store = open_roots("spaces:\n- {policy: round-robin, roots: [a, b, c]}")
    for step in ("0", "6"):
        for day in DAYS:
            store.archive(*make_field(1, date=day, step=step))
    store.flush()
    assert roots_of(store, "date") == dict(zip(DAYS, "abcabc", strict=True))
    assert roots_of(store, "date", "step=0") == roots_of(store, "date", "step=6")
    other = open_roots("spaces:\n- {policy: round-robin, roots: [a, b, c]}")
    put(other, 2, date=DAYS[1], step="12")
    put(other, 2, date="20240110")
    assert roots_of(other, "date", "step=12") == {DAYS[1]: "b"}
    assert roots_of(other, "date")["20240110"] == "a"


def test_a_field_that_is_replaced_goes_to_its_root_again(open_roots, put, tmp_path):
    put(dtedask.open(tmp_path / "b"), 1)
    put(dtedask.open(tmp_path / "a"), 1, date="20240202")
    store = open_roots("spaces:\n- {policy: first, roots: [a, b]}")
    (commit,) = put(store, 2)
    assert (commit.root, commit.new, commit.replaced) == (f"{tmp_path}/b", 0, 1)


def test_of_a_run_in_two_roots_each_field_stays_where_it_is(open_roots, put, tmp_path):
    put(dtedask.open(tmp_path / "a"), 1, step="0")
    put(dtedask.open(tmp_path / "b"), 1, step="6")
    store = open_roots("spaces:\n- roots: [a, b]")
    for step in ("0", "6", "12"):
        store.archive(*make_field(2, step=step))
    commits = {os.path.relpath(commit.root, tmp_path): (commit.new, commit.replaced) for commit in store.flush()}
    assert commits == {"a": (1, 1), "b": (0, 1)}


def test_what_would_not_be_seen_is_refused(open_roots, put, tmp_path):
    put(dtedask.open(tmp_path / "old"), 1)
    put(dtedask.open(tmp_path / "new"), 1, date="20240202")
    hidden = open_roots("spaces:\n- roots: [{path: old, writable: false}, new]")
    with pytest.raises(ReadOnlyError, match=r"stands in '.*old'.*would not be seen"):
        hidden.archive(*make_field(2))
    put(hidden, 2, step="6")
    in_front = open_roots("spaces:\n- roots: [new, {path: old, writable: false}]")
    put(in_front, 3)
    assert float(in_front.retrieve("step=0,date=20240101")["t"].max()) >= 3
    with pytest.raises(ReadOnlyError, match="can be written"):
        open_roots("spaces:\n- roots: {path: old, writable: false}").archive(*make_field(2, date="20250101"))


def test_a_call_that_fails_takes_none_for_any_root(open_roots, put, tmp_path):
    store = open_roots("spaces:\n- {select: class=od, roots: a}\n- roots: b")
    put(store, 1, **{"class": "od"})
    messages = [*store.to_grib(), *_as_grib(put, "rd")]
    dtedask.open(tmp_path / "b").lock("class=rd", ["archive"], "closed")
    with pytest.raises(ControlledError, match="closed"):
        store.archive(messages)
    assert not store.dirty
    store.unlock("class=rd")
    assert store.archive(messages) == 2


def _as_grib(put, name):
    store = dtedask.open(f"memory://encode-{name}")
    put(store, 1, **{"class": name})
    return store.to_grib()


def test_least_used_looks_at_bytes_where_roots_share_a_disk(open_roots, put, roots_of, tmp_path):
    store = open_roots("spaces:\n- {policy: least-used, roots: [a, b]}")
    put(store, 1, date=DAYS[0])
    (tmp_path / "a" / "large").write_bytes(bytes(200_000))
    (tmp_path / "a" / ".dtedask" / "placement.json").unlink()
    for day in DAYS[1:3]:
        put(store, 1, date=day)
    assert roots_of(store, "date") == {DAYS[0]: "a", DAYS[1]: "b", DAYS[2]: "b"}


def test_least_used_takes_the_disk_with_the_most_room(monkeypatch, tmp_path):
    roots = [Location(str(tmp_path / name)) for name in "abc"]
    for root in roots:
        os.mkdir(root.url)  # noqa: PTH102
    monkeypatch.setattr(placement, "_free_bytes", lambda _: [1, 5, 5])
    assert placement.place_run({"class": "od"}, "least-used", roots, 0) == roots[1]


def test_many_writers_at_once_place_a_run_once(tmp_path):
    roots = [Location(str(tmp_path / name)) for name in "abc"]
    runs = [{"class": "od", "date": day} for day in DAYS for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda run: placement.place_run(run, "round-robin", roots, 0).url, runs))
    assert {len(set(found[place : place + 4])) for place in range(0, len(runs), 4)} == {1}
    counts = np.unique(found, return_counts=True)[1]
    assert counts.tolist() == [8, 8, 8]


def test_a_wipe_takes_every_copy_and_touches_nothing_that_is_fixed(open_roots, put, tmp_path):
    for name in "ab":
        put(dtedask.open(tmp_path / name), 1)
    fixed = open_roots("spaces:\n- roots: [a, {path: b, writable: false}]")
    assert fixed.wipe("class=rd,expver=test").fields == 2
    with pytest.raises(ReadOnlyError, match=r"/b, which"):
        fixed.wipe("class=rd,expver=test", doit=True)
    store = open_roots("spaces:\n- roots: [a, b]")
    assert store.wipe("class=rd,expver=test", doit=True).fields == 2
    assert list(store.list()) == []


def test_a_wipe_leaves_what_no_space_shows(open_roots, put, tmp_path):
    for step in ("0", "6"):
        put(dtedask.open(tmp_path / "a"), 1, step=step)
    store = open_roots("spaces:\n- {select: step=0, roots: a}")
    assert [record.keys["step"] for record in store.list()] == ["0"]
    with pytest.raises(RequestError, match="1 of the fields .* belong to no space"):
        store.wipe("class=rd,expver=test", doit=True)
    assert store.wipe("class=rd,expver=test,step=0", doit=True).fields == 1


def test_fields_of_several_roots_are_encoded_ahead_too(open_roots, roots_of, monkeypatch):
    begun = []
    monkeypatch.setattr(
        archive, "encoding_ahead", lambda values, codec: begun.append(codec) or encoding_ahead(values, codec)
    )
    store = open_roots("spaces:\n- {select: class=od, roots: a}\n- {select: class=rd, roots: b}")
    for name in ("od", "rd"):
        array, keys = make_field(1, **{"class": name})
        (part,) = parts_of_array(array, keys)
        store.archive_fields([Field(part.description, array.to_numpy(), part.coordinates)], ahead=True)
    assert len(begun) == 2
    store.flush()
    assert roots_of(store, "class") == {"od": "a", "rd": "b"}
