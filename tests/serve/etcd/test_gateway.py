"""The routes of etcd's gateway over a log of notifications."""

import asyncio
import base64
import json
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette

from dtedask.notify.event_types import load_event_types
from dtedask.notify.notification import Draft
from dtedask.notify.streams import SqliteEventLog, Streams
from dtedask.serve.access import load_access
from dtedask.serve.etcd import EtcdGateway

TYPES = load_event_types(
    {
        "flight": {"identifier": {"country": {"type": "string"}, "number": {"type": "integer"}}},
        "train": {"identifier": {"number": {"type": "integer"}}},
    }
)
ALL = {"key": "AA==", "range_end": "AA=="}


def load(**document):
    """Who may do what: eva has a password and the roles that are given to her."""
    return load_access({"basic": {"users": [{"user": "eva", "environment": "EVA", "roles": ["pilot"]}]}, **document})


class Client:
    """Asks an application in this process."""

    def __init__(self, gateway):
        self._app = Starlette(routes=gateway.routes)

    def post(self, path, **options):
        async def ask():
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
                return await client.post(path, **options)

        return asyncio.run(ask())


@contextmanager
def served(folder, access=None, types=TYPES):
    streams = Streams(types, SqliteEventLog(folder / "events.sqlite"))
    gateway = EtcdGateway(streams, access, state=folder / "etcd.sqlite")
    try:
        yield Client(gateway), streams
    finally:
        gateway.close()
        streams.close()


@pytest.fixture
def server(tmp_path):
    with served(tmp_path) as found:
        yield found


def b64(value):
    return base64.b64encode(value.encode()).decode()


def between(first, last=None):
    """A folder, or what lies between two keys."""
    return {"key": b64(first), "range_end": b64(last or first[:-1] + chr(ord(first[-1]) + 1))}


def post(client, path, body, status=200, **headers):
    answer = client.post(f"/v3/{path}", json=body, headers=headers)
    assert answer.status_code == status, answer.text
    return answer.json()


def put(client, key, value, status=200, **options):
    operation = {"requestPut": {"key": b64(key), "value": b64(value), **options}}
    return post(client, "kv/txn", {"success": [operation]}, status)


def pairs(answer):
    """Keys and values of an answer."""
    return [
        (base64.b64decode(one["key"]).decode(), base64.b64decode(one.get("value", "")).decode())
        for one in answer.get("kvs", ())
    ]


def revision(answer):
    return int(answer["header"]["revision"])


def test_what_is_put_is_a_notification(server):
    client, streams = server
    put(client, "/ec/flight/country=italy,number=03", "on time")
    (notification,) = streams.page("flight", 0)
    assert notification.identifier == {"country": "italy", "number": "3"}
    assert notification.payload == "on time"


def test_a_notification_is_a_key_in_a_folder_with_a_status(server):
    client, streams = server
    streams.append([Draft("flight", {"country": "italy", "number": "3"}, {"seats": 2})])
    answer = post(client, "kv/range", between("/ec/flight/"))
    (folder, status), (key, value) = pairs(answer)
    assert (folder, key, value) == ("/ec/flight/", "/ec/flight/country=italy,number=3", '{"seats":2}')
    assert json.loads(status)["date_time"] == streams.page("flight", 0)[0].time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert {one["mod_revision"] for one in answer["kvs"]} == {answer["header"]["revision"]}
    assert answer["count"] == "2"


def test_every_poll_gives_what_came_since_the_last_once(server):
    client, streams = server
    after = revision(post(client, "kv/range", between("/ec/flight/")))
    for number in range(5):
        streams.append([Draft("flight", {"number": str(number)}), Draft("train", {"number": str(number)})])
        answer = post(client, "kv/range", {**between("/ec/flight/"), "min_mod_revision": after + 1})
        assert pairs(answer)[1:] == [(f"/ec/flight/country=None,number={number}", "None")]
        after = max(int(one["mod_revision"]) for one in answer["kvs"])
    assert "kvs" not in post(client, "kv/range", {**between("/ec/flight/"), "min_mod_revision": after + 1})


def test_revisions_rise_whatever_the_times_say(server):
    client, streams = server
    seen = []
    for name in ("train", "flight", "train"):
        streams.append([Draft(name, {"number": "1"})])
        seen.append(revision(post(client, "kv/range", ALL)))
    put(client, "/ec/config/x", "y")
    seen.append(revision(post(client, "kv/range", ALL)))
    assert seen == sorted(set(seen))


def test_revisions_are_kept_and_made_again_alike(tmp_path):
    with served(tmp_path) as (client, streams):
        for number in range(5):
            streams.append([Draft("flight", {"number": str(number)}), Draft("train", {"number": str(number)})])
        before = post(client, "kv/range", between("/ec/flight/"))["kvs"]
    with served(tmp_path) as (client, _):
        assert post(client, "kv/range", between("/ec/flight/"))["kvs"] == before
    for file in tmp_path.glob("etcd.sqlite*"):
        file.unlink()
    with served(tmp_path) as (client, _):
        again = post(client, "kv/range", between("/ec/flight/"))["kvs"]
        assert [one["mod_revision"] for one in again] == [one["mod_revision"] for one in before]


def test_the_status_leads_back_through_all_notifications(server):
    client, streams = server
    times = [streams.append([Draft("flight", {"number": str(number)})])[0].time for number in range(4)]
    found, asked = [], 0
    while asked is not None:
        answer = post(client, "kv/range", {"key": b64("/ec/flight/"), "revision": asked})
        ((_, text),) = pairs(answer)
        status = json.loads(text)
        found.append(datetime.strptime(status["date_time"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC))
        asked = status.get("prev_rev")
    assert found == times[::-1]
    assert answer["kvs"][0]["mod_revision"] == str(status["last_prev_day_rev"])  # there was no day before


def test_a_key_that_is_notified_again_has_another_version(server):
    client, _ = server
    for payload in ("one", "two"):
        put(client, "/ec/train/number=7", payload)
    (found,) = post(client, "kv/range", {"key": b64("/ec/train/number=7")})["kvs"]
    assert found["version"] == "2"
    assert int(found["create_revision"]) < int(found["mod_revision"])
    before = post(client, "kv/range", {"key": b64("/ec/train/number=7"), "revision": found["create_revision"]})
    assert pairs(before) == [("/ec/train/number=7", "one")]


def test_keys_are_sorted_limited_and_counted(server):
    client, streams = server
    streams.append([Draft("train", {"number": str(number)}) for number in range(5)])
    asked = {**between("/ec/train/n"), "limit": 2, "sort_order": "DESCEND", "sort_target": "KEY", "keys_only": True}
    answer = post(client, "kv/range", asked)
    assert pairs(answer) == [("/ec/train/number=4", ""), ("/ec/train/number=3", "")]
    assert (answer["more"], answer["count"]) == (True, "5")
    assert "kvs" not in post(client, "kv/range", {**between("/ec/train/n"), "count_only": True})


def test_many_keys_come_with_their_values(server):
    client, streams = server
    streams.append([Draft("train", {"number": str(number)}, f"p{number}") for number in range(2500)])
    found = dict(pairs(post(client, "kv/range", between("/ec/train/n"))))
    assert found == {f"/ec/train/number={number}": f"p{number}" for number in range(2500)}


def test_deleted_keys_are_deleted_notifications(server):
    client, streams = server
    for number in (1, 2, 1):
        put(client, f"/ec/train/number={number}", "x")
    answer = post(client, "kv/deleterange", {"key": b64("/ec/train/number=1"), "prev_kv": True})
    assert (answer["deleted"], len(answer["prev_kvs"])) == ("1", 1)
    assert [one.sequence for one in streams.page("train", 0)] == [2]
    assert pairs(post(client, "kv/range", between("/ec/train/n"))) == [("/ec/train/number=2", "x")]


def test_notifications_that_were_deleted_in_the_log_are_no_keys(server):
    client, streams = server
    streams.append([Draft("train", {"number": str(number)}) for number in range(3)])
    assert len(pairs(post(client, "kv/range", between("/ec/train/n")))) == 3
    streams.delete("train", 2)
    assert [key for key, _ in pairs(post(client, "kv/range", between("/ec/train/n")))] == [
        "/ec/train/number=0",
        "/ec/train/number=2",
    ]


def test_keys_with_a_lease_end_with_it(tmp_path):
    with served(tmp_path) as (client, streams):
        lease = post(client, "lease/grant", {"TTL": 60, "ID": 0})
        assert lease["TTL"] == "60"
        put(client, "/ec/train/number=1", "x", lease=lease["ID"])
        put(client, "/ec/train/number=2", "x")
        assert post(client, "kv/range", {"key": b64("/ec/train/number=1")})["kvs"][0]["lease"] == lease["ID"]
        later = (datetime.now(UTC) + timedelta(seconds=61)).timestamp()
        gateway = EtcdGateway(streams, state=tmp_path / "etcd.sqlite", clock=lambda: later)
        found = pairs(post(Client(gateway), "kv/range", between("/ec/train/n")))
        assert [key for key, _ in found] == ["/ec/train/number=2"]
        gateway.close()
        assert [one.sequence for one in streams.page("train", 0)] == [2]


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        ("kv/range", {}, 400, "etcdserver: key is not provided"),
        ("kv/range", {"key": "%%%"}, 400, "illegal base64 data"),
        ("kv/range", {"key": 3}, 400, "cannot unmarshal number"),
        ("kv/range", {"key": "YQ==", "limit": "x"}, 400, "cannot unmarshal 'x' into Go value of type int64"),
        ("kv/range", {"key": "YQ==", "limit": 2**64}, 400, "cannot unmarshal"),
        ("kv/range", {"key": "YQ==", "sort_order": "UP"}, 400, 'unknown value "UP" for enum'),
        ("kv/range", {"key": "YQ==", "keys_only": 1}, 400, "cannot unmarshal number into Go value of type bool"),
        ("kv/range", {"key": "YQ==", "revision": 2**62}, 400, "required revision is a future revision"),
        ("kv/range", [], 400, "cannot unmarshal array"),
        ("kv/txn", {"success": 3}, 400, "cannot unmarshal number"),
        ("kv/txn", {"compare": [{}]}, 501, "conditions"),
        ("kv/txn", {"success": [{"requestRange": {}}]}, 501, "put and delete"),
        ("lease/grant", {"TTL": "soon"}, 400, "cannot unmarshal"),
        ("auth/authenticate", {"name": "a", "password": "b"}, 412, "etcdserver: authentication is not enabled"),
    ],
)
def test_what_cannot_be_done_is_said_as_etcd_says_it(server, path, body, status, message):
    answer = post(server[0], path, body, status)
    assert message in answer["error"]
    assert answer["message"] == answer["error"]


FIELDS = st.sampled_from(
    [
        "key",
        "range_end",
        "rangeEnd",
        "value",
        "limit",
        "revision",
        "sort_order",
        "sort_target",
        "keys_only",
        "lease",
        "success",
        "compare",
        "requestPut",
        "requestDeleteRange",
        "prev_kv",
        "TTL",
        "ID",
        "name",
        "password",
    ]
)
ENCODED = st.sampled_from(["", "/ec/flight/", "/ec/train/number=1", "/ec/train/number=x", "/ec/config/a", "/z"]).map(
    lambda key: base64.b64encode(key.encode()).decode()
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("\ud800") | ENCODED,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=4),
    max_leaves=8,
)
PATHS = st.sampled_from(["kv/range", "kv/txn", "kv/deleterange", "lease/grant", "auth/authenticate"])


@pytest.mark.slow
@pytest.mark.parametrize("is_open", [True, False])
def test_nothing_that_is_sent_makes_the_server_fail(tmp_path, monkeypatch, is_open):
    monkeypatch.setenv("EVA", "wheel")
    with served(tmp_path, None if is_open else load(open_types=True)) as (client, _):
        answer = client.post("/v3/auth/authenticate", json={"name": "eva", "password": "wheel"}).json()
        login = {"authorization": answer.get("token", "")}

        @settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
        @given(PATHS, st.dictionaries(FIELDS, VALUES, max_size=5) | VALUES, st.booleans())
        def check(path, body, is_known):
            answer = client.post(f"/v3/{path}", content=json.dumps(body).encode(), headers=login if is_known else {})
            assert answer.status_code in {200, 400, 401, 403, 404, 412, 501}, answer.text
            assert isinstance(answer.json(), dict)

        check()
        odd = client.post("/v3/auth/authenticate", content=b'{"name":"\\ud800","password":"\\ud800"}')
        assert odd.status_code == (412 if is_open else 400)


def test_what_is_no_notification_is_refused_with_the_folders(server):
    client, streams = server
    assert "these have keys below /ec/flight/, /ec/train/" in put(client, "/tmp/x", "y", 400)["error"]
    assert "number" in put(client, "/ec/train/number=x", "y", 400)["error"]
    assert streams.heads() == {}


def test_a_transaction_writes_a_key_once(server):
    operation = {"requestPut": {"key": b64("/ec/train/number=1"), "value": ""}}
    answer = post(server[0], "kv/txn", {"success": [operation, operation]}, 400)
    assert answer["error"] == "etcdserver: duplicate key given in txn request"


def test_a_lease_that_nobody_granted_is_refused(server):
    assert put(server[0], "/ec/train/number=1", "x", 404, lease=5)["error"] == "etcdserver: requested lease not found"
    assert server[1].heads() == {}


def test_large_bodies_are_refused(tmp_path):
    streams = Streams(TYPES, SqliteEventLog(tmp_path / "events.sqlite"))
    gateway = EtcdGateway(streams, body_limit=100)
    assert "more than 100 bytes" in put(Client(gateway), "/ec/train/number=1", "x" * 100, 413)["error"]
    gateway.close()
    streams.close()


def test_who_has_a_password_gets_a_token(tmp_path, monkeypatch):
    monkeypatch.setenv("EVA", "wheel")
    with served(tmp_path, load()) as (client, _):
        wrong = post(client, "auth/authenticate", {"name": "eva", "password": "no"}, 400)
        assert wrong["error"] == "etcdserver: authentication failed, invalid user ID or password"
        token = post(client, "auth/authenticate", {"name": "eva", "password": "wheel"})["token"]
        for _ in range(2):
            assert post(client, "kv/range", ALL, Authorization=token)["count"] == "2"
        assert post(client, "kv/range", ALL, Authorization=f"Basic {b64('eva:wheel')}")["count"] == "2"
        assert post(client, "kv/range", ALL, 401, Authorization="x")["error"] == "etcdserver: invalid auth token"
        for path, body in (("kv/range", ALL), ("lease/grant", {"TTL": 3}), ("kv/deleterange", ALL)):
            assert post(client, path, body, 400)["error"] == "etcdserver: user name is empty"


def test_who_is_unknown_reads_the_schema_and_no_other_file(tmp_path, monkeypatch):
    monkeypatch.setenv("EVA", "wheel")
    with served(tmp_path, load(admin_roles=["pilot"])) as (client, _):
        token = post(client, "auth/authenticate", {"name": "eva", "password": "wheel"})["token"]
        operation = {"requestPut": {"key": b64("/ec/config/aviso/secret"), "value": b64("x")}}
        post(client, "kv/txn", {"success": [operation]}, Authorization=token)
        files = between("/ec/config/")
        assert len(pairs(post(client, "kv/range", files, Authorization=token))) == 3
        assert [key for key, _ in pairs(post(client, "kv/range", files))] == [
            "/ec/config/aviso/v1/event_listener_schema.json",
            "/ec/config/aviso/v1/language.json",
        ]


def test_everyone_sees_and_does_what_he_may(tmp_path, monkeypatch):
    monkeypatch.setenv("EVA", "wheel")
    roles = {"pilot": {"filters": {"flight": {"country": "italy"}}}}
    types = load_event_types(
        {
            "flight": {
                "identifier": {"country": {"type": "string"}, "number": {"type": "integer"}},
                "auth": {"required": True, "read_roles": {"*": ["pilot"]}, "write_roles": {"*": ["pilot"]}},
            },
            "train": {
                "identifier": {"number": {"type": "integer"}},
                "auth": {"required": True, "read_roles": {"*": ["driver"]}, "write_roles": {"*": ["driver"]}},
            },
        }
    )
    with served(tmp_path, load(roles=roles), types) as (client, streams):
        eva = {"Authorization": f"Basic {b64('eva:wheel')}"}
        streams.append([Draft("flight", {"country": country}) for country in ("italy", "france")])
        keys = [key for key, _ in pairs(post(client, "kv/range", between("/ec/flight/", "/ec/zzz"), **eva))]
        assert keys == ["/ec/flight/", "/ec/flight/country=italy,number=None"]
        denied = "etcdserver: permission denied"
        assert post(client, "kv/range", between("/ec/train/"), 403, **eva)["error"] == denied
        assert post(client, "kv/deleterange", ALL, 403, **eva)["error"] == denied
        for key, status in (
            ("/ec/flight/country=italy,number=2", 200),
            ("/ec/flight/country=france,number=2", 403),
            ("/ec/train/number=2", 403),
            ("/ec/config/x", 403),
        ):
            operation = {"requestPut": {"key": b64(key), "value": b64("x")}}
            answer = post(client, "kv/txn", {"success": [operation]}, status, **eva)
            assert status == 200 or answer["error"] == denied
        assert streams.heads() == {"flight": 3}
