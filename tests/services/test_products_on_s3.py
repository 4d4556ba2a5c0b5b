"""Products that are delivered to a real object store: whole, once, also where connections are cut."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from uuid import uuid4

import numpy as np
import obstore
import pytest

from dtedask.core.errors import DeliveryError
from dtedask.notify import NoticeLog
from dtedask.products.deliveries import s3 as delivery_s3
from dtedask.products.deliveries.s3 import S3Delivery, S3Options
from dtedask.store.location import object_store
from dtedask.testing import DeliverySuite
from tests.products.finishing import killed
from tests.products.made import content, part, product
from tests.services.proxy import Proxy


class TestS3(DeliverySuite):
    @pytest.fixture
    def folder(self, tmp_path, s3):
        self.url = f"s3://{s3['S3_BUCKET']}/products/{uuid4().hex}"
        return tmp_path

    def document(self, _):
        return {"type": "s3", "url": self.url}

    def seen(self, _):
        return contents(self.url)

    def lines(self, _, name):
        return [json.loads(line) for line in contents(self.url)[name].splitlines()]


@pytest.fixture
def url(s3):
    return f"s3://{s3['S3_BUCKET']}/products/{uuid4().hex}"


@pytest.fixture
def proxy(s3, monkeypatch):
    """Between us and the server; what the tests open goes through it."""
    found = Proxy(s3["AWS_ENDPOINT_URL"])
    monkeypatch.setenv("AWS_ENDPOINT_URL", found.url)
    yield found
    found.close()


def contents(url):
    store = object_store(url)
    names = [one["path"] for batch in obstore.list(store) for one in batch]
    return {name: bytes(obstore.get(store, name).bytes()) for name in names}


def made(folder, data, *, file="a.raw"):
    path = folder / f"made-{uuid4().hex}"
    path.write_bytes(data)
    return content(product(file=file), path)


def test_a_large_product_goes_in_parts_and_appears_with_the_last(url, tmp_path, monkeypatch):
    monkeypatch.setattr(delivery_s3, "AT_ONCE_BYTES", 5 << 20)
    data = bytes(range(256)) * (13 << 12)
    delivery = S3Delivery(S3Options(url=url))
    assert delivery.deliver(made(tmp_path, data)).is_new
    assert contents(url) == {"a.raw": data}
    assert not delivery.deliver(made(tmp_path, data)).is_new


def test_an_object_says_what_it_is(url, tmp_path):
    receipt = S3Delivery(S3Options(url=url)).deliver(made(tmp_path, b"some bytes"))
    found = obstore.get(object_store(url), "a.raw")
    assert dict(found.attributes)["sha256"] == receipt.checksum
    assert receipt.location == f"{url}/a.raw"


@pytest.mark.parametrize("does", ["503", "cut-before", "cut-after"])
def test_a_put_that_is_refused_or_cut_is_one_object(url, proxy, tmp_path, does):
    with proxy.rule(does, method="PUT", times=1) as rule:
        receipt = S3Delivery(S3Options(url=url)).deliver(made(tmp_path, b"some bytes"))
    assert rule.hits == 1
    assert receipt.checksum == made(tmp_path, b"some bytes").checksum
    assert contents(url) == {"a.raw": b"some bytes"}


def test_who_was_overtaken_looks_again(url, proxy, tmp_path):
    """Another content comes between the look and the put: the last one that is delivered lies there."""
    first, second = made(tmp_path, b"first"), made(tmp_path, b"second")
    with proxy.rule("slow", method="PUT", times=1) as rule:
        slow = threading.Thread(target=S3Delivery(S3Options(url=url)).deliver, args=(first,))
        slow.start()
        while not rule.hits:
            rule.release.wait(0.001)
        S3Delivery(S3Options(url=url)).deliver(second)
        assert contents(url) == {"a.raw": b"second"}
        rule.release.set()
        slow.join(30)
    assert contents(url) == {"a.raw": b"first"}
    assert sum(method == "PUT" for method, _ in proxy.seen) == 3


def test_who_may_not_write_is_told_for_good(url, proxy, tmp_path):
    with proxy.rule("403"), pytest.raises(DeliveryError, match=r"a\.raw cannot be delivered to") as raised:
        S3Delivery(S3Options(url=url)).deliver(made(tmp_path, b"some bytes"))
    assert raised.value.is_lasting


def test_a_folder_is_whole_once_readers_find_it(url, proxy, tmp_path):
    for kind in ("first", "second"):
        folder = tmp_path / kind
        (folder / "c").mkdir(parents=True)
        (folder / "zarr.json").write_text(kind)
        (folder / "c" / "0").write_text(kind)
        one = content(product(file="a.zarr"), folder)
        assert S3Delivery(S3Options(url=url)).deliver(one).is_new
        assert not S3Delivery(S3Options(url=url)).deliver(one).is_new
        assert contents(url) == {"a.zarr/c/0": kind.encode(), "a.zarr/zarr.json": kind.encode()}
    writes = [(method, path.rpartition("a.zarr/")[2]) for method, path in proxy.seen if method in ("PUT", "DELETE")]
    assert writes[:2] == [("PUT", "c/0"), ("PUT", "zarr.json")]
    assert [path for _, path in writes[-2:]] == ["c/0", "zarr.json"]


def test_killed_behind_every_request(url, tmp_path, monkeypatch):
    """Nothing in the bucket is ever half; the next run comes to the end, and tells of each delivery once."""
    monkeypatch.setenv("PRODUCTS_URL", url)
    program = Path(killed.__file__)
    subprocess.run([sys.executable, program, tmp_path / "runs", "s3", "within"], check=True, timeout=500)
    places = sorted((tmp_path / "runs").iterdir(), key=lambda place: int(place.name))
    assert len(places) > 40
    for place in places:
        found = contents(f"{url}/{place.name}")
        allowed = {"mine": (1, 3), "yours": (1, 3), "other": (2,)}
        for name, data in found.items():
            kind = name.rpartition("/")[2].removesuffix(".raw")
            assert kind.startswith("manifest") or data in [payload(value) for value in allowed[kind]], (place, name)
        killed.run(place, "s3")
        found = contents(f"{url}/{place.name}")
        texts = [found.pop(name) for name in list(found) if "manifest" in name]
        lines = [json.loads(line) for text in texts for line in text.splitlines()]
        assert found == {
            "a/x/mine.raw": payload(3), "b/x/mine.raw": payload(3), "b/yours.raw": payload(3), "a/other.raw": payload(2)
        }  # fmt: skip
        ids = [line["id"] for line in lines]
        assert len(set(ids)) == len(ids) == 7
        with NoticeLog(place / "state" / "notices.sqlite") as log:
            assert sorted(entry.events[0].snapshot for entry in log.entries()) == sorted(ids)


def payload(value):
    return np.ascontiguousarray(part(value).payload, "<f8").tobytes()
