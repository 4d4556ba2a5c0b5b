"""A real etcd keeps what we put."""

import base64
import json
from urllib.request import Request, urlopen


def post(etcd, path, **body):
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in body.items()}
    with urlopen(Request(f"{etcd['ETCD_URL']}/v3/kv/{path}", data=json.dumps(encoded).encode())) as answer:
        return json.load(answer)


def test_what_was_put_is_what_comes_back(etcd):
    post(etcd, "put", key="a", value="b")
    assert base64.b64decode(post(etcd, "range", key="a")["kvs"][0]["value"]) == b"b"
