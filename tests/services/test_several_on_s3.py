"""A folder and an object store as one store."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

import dtedask
from dtedask.store.location import Location
from dtedask.store.several.placement import place_run
from dtedask.testing.fields import make_field

pytestmark = pytest.mark.service


@pytest.fixture
def bucket(s3):
    return f"s3://{s3['S3_BUCKET']}/several/{uuid4().hex}"


@pytest.fixture
def roots(bucket, tmp_path):
    path = tmp_path / "roots.yaml"
    path.write_text(f"spaces:\n- {{policy: round-robin, roots: ['{bucket}/one', here]}}\n")
    return path


def test_runs_take_turns_between_a_folder_and_an_object_store(roots, bucket, tmp_path):
    store = dtedask.open(roots)
    for number in range(1, 5):
        store.archive(*make_field(number, date=f"2024010{number}"))
        store.flush()
    places = {one.keys["date"]: one.location.rsplit("/rd/", 1)[0] for one in dtedask.open(roots).list()}
    assert list(places.values()) == [f"{bucket}/one", f"{tmp_path}/here"] * 2
    found = dtedask.open(roots).retrieve({})
    assert found["t"].to_numpy()[:, 0, 0, 0, 0].tolist() == [1, 2, 3, 4]
    (commit,) = _put(store, 9, "20240103")
    assert (commit.root, commit.replaced) == (f"{bucket}/one", 1)
    assert store.wipe("class=rd,expver=test,date=20240101/20240102", doit=True).fields == 2


def test_an_object_store_decides_between_writers_at_once(bucket):
    roots = [Location(f"{bucket}/{name}") for name in "abc"]
    runs = [{"class": "od", "date": f"2024010{day}"} for day in range(1, 7) for _ in range(3)]
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda run: place_run(run, "round-robin", roots, 0).url, runs))
    assert all(len(set(found[place : place + 3])) == 1 for place in range(0, len(runs), 3))
    assert {found.count(root.url) for root in roots} == {6}


def _put(store, value, date):
    store.archive(*make_field(value, date=date))
    return store.flush()
