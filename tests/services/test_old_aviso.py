"""ECMWF's client of Aviso 1 works with our server as it does with etcd, which is asked the same."""

import base64
import json
import os
import subprocess
import uuid
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import dtedask
from dtedask.notify.event_types import load_event_types
from dtedask.notify.notification import Draft
from dtedask.notify.streams import open_streams
from dtedask.serve.access import hash_password, load_access
from dtedask.serve.etcd import add_etcd
from dtedask.serve.etcd.layouts import layouts_of
from dtedask.serve.etcd.schema import schema_files
from dtedask.serve.notify import running
from tests.services.old_aviso import OldAviso, environment_of_old_aviso

# One worker makes the environment of the old client, which takes a minute on a busy machine.
pytestmark = [pytest.mark.xdist_group("old-aviso"), pytest.mark.timeout(300)]

TYPES = load_event_types(
    {
        "dissemination": {},
        "flight": {"identifier": {name: {"type": "string"} for name in ("date", "country", "airport", "number")}},
    }
)
LISTENER = """
listeners:
  - event: flight
    request: {country: italy}
    triggers: [{type: echo}]
"""
FLIGHT = "event=flight,date=20240603,country={country},airport=FCO,number=AZ{number}"


KEYS_OF_FIELD = {
    "class": "od",
    "stream": "oper",
    "expver": 1,
    "type": "fc",
    "levtype": "pl",
    "levelist": 500,
    "param": "t",
    "date": 20240603,
    "time": 0,
}


def field():
    coordinates = {"latitude": np.linspace(90, -90, 3), "longitude": np.arange(0, 360, 90.0)}
    return xr.DataArray(np.full((3, 4), 250, "float32"), dims=("latitude", "longitude"), coords=coordinates)


@pytest.fixture(scope="session")
def commands():
    return environment_of_old_aviso()


@contextmanager
def our_server(folder, access=None):
    root = folder / "data"
    streams = open_streams(root, TYPES)
    with running(streams, root=str(root), access=access, extend=partial(add_etcd, root=root)) as url:
        yield int(url.rpartition(":")[2]), streams


@pytest.fixture
def ours(tmp_path, commands):
    """Our server and the client of it, which loads its schema from the server."""
    with our_server(tmp_path) as (port, streams):
        yield OldAviso(commands, port, tmp_path / "home", AVISO_REMOTE_SCHEMA="true"), streams


@pytest.fixture(params=["ours", "etcd"])
def client(request, tmp_path, commands):
    """A client of our server, and one of a real etcd that is empty; both know the same schema."""
    home = tmp_path / "home" / ".aviso" / "service_configuration"
    home.mkdir(parents=True)
    for key, content in schema_files(TYPES, layouts_of(TYPES)).items():
        (home / key.rpartition("/")[2]).write_bytes(content)
    if request.param == "ours":
        with our_server(tmp_path) as (port, _):
            yield OldAviso(commands, port, tmp_path / "home")
    else:
        url = request.getfixturevalue("etcd")["ETCD_URL"]
        ask(url, "kv/deleterange", {"key": "AA==", "range_end": "AA=="})
        yield OldAviso(commands, int(url.rpartition(":")[2]), tmp_path / "home")


def ask(url, path, body):
    try:
        with urlopen(Request(f"{url}/v3/{path}", data=json.dumps(body).encode()), timeout=30) as answer:
            return 200, json.load(answer)
    except HTTPError as error:
        with error:
            return error.code, json.load(error)


def listener(folder):
    file = folder / "listener.yaml"
    file.write_text(LISTENER)
    return str(file)


def test_a_notification_has_a_key_and_a_value(client):
    flight = FLIGHT.format(country="italy", number=1)
    assert client("key", flight).strip() == "/ec/flight/date=20240603,country=italy,airport=FCO,number=AZ1"
    assert client("value", flight).strip() == "None"
    assert client("notify", f"{flight},payload=late").strip() == "Done"
    assert client("value", flight).strip() == "late"
    assert client("notify", f"{flight},payload=later").strip() == "Done"
    assert client("value", flight).strip() == "later"


def test_a_listener_hears_what_is_sent_and_nothing_else(client, tmp_path):
    with client.listening(listener(tmp_path), "--now") as wait_for:
        wait_for("Listening to /ec/flight/")
        heard = ""
        number = 0
        while "AZ" not in heard:  # until it has asked for the revision that it begins behind
            number += 1
            client("notify", FLIGHT.format(country="italy", number=f"x{number}"))
            client("notify", FLIGHT.format(country="france", number=f"y{number}"))
            try:
                heard = wait_for("AZx", timeout_s=3)
            except AssertionError:
                assert number < 10
        client("notify", FLIGHT.format(country="italy", number="last"))
        heard = wait_for("AZlast")
        assert "AZy" not in heard


def test_who_was_away_catches_up_where_he_was(client, tmp_path):
    with client.listening(listener(tmp_path), "--now") as wait_for:
        wait_for("Listening")
        for number in range(10):
            client("notify", FLIGHT.format(country="italy", number=f"x{number}"))
            try:
                wait_for("AZx", timeout_s=3)
                break
            except AssertionError:
                continue
    for number in range(3):
        client("notify", FLIGHT.format(country="italy", number=f"missed{number}"))
    with client.listening(listener(tmp_path), "--catchup") as wait_for:
        for number in range(3):
            wait_for(f"AZmissed{number}")
        assert "AZx" not in wait_for("Listening")


def test_history_of_today_is_replayed_from_a_time(client, tmp_path):
    for number in range(3):
        client("notify", FLIGHT.format(country="italy", number=number))
    midnight = datetime.now(UTC).strftime("%Y-%m-%dT00:00:00.0Z")
    with client.listening(listener(tmp_path), "--from", midnight) as wait_for:
        for number in range(3):
            wait_for(f"AZ{number}")


def test_files_of_a_service_are_pushed_and_pulled_and_taken_back(client, tmp_path):
    service, folder, back = f"prodgen/{uuid.uuid4().hex}", tmp_path / "files", tmp_path / "back"
    (folder / "inner").mkdir(parents=True)
    (folder / "a.txt").write_text("one")
    (folder / "inner" / "b.txt").write_text("b")
    client.config("push", service, "--dir", str(folder), "-m", "first")
    (folder / "a.txt").write_text("two")
    client.config("push", service, "--dir", str(folder), "-m", "second", "--delete")
    status = json.loads(client.config("status", service))
    assert (status["message"], status["version"]) == ("second", 2)
    client.config("pull", service, "--dir", str(back))
    assert (back / "a.txt").read_text() == "two"
    client.config("revert", service)
    client.config("pull", service, "--dir", str(back))
    assert (back / "a.txt").read_text() == "one"
    removed = client.config("remove", service, "--doit").split()
    assert sorted(removed)[:2] == [f"/ec/config/{service}", f"/ec/config/{service}/a.txt"]
    assert client.config("pull", service, "--dir", str(tmp_path / "none")) == ""


def test_old_and_new_clients_hear_each_other(ours, tmp_path):
    aviso, streams = ours
    aviso("notify", f"{FLIGHT.format(country='italy', number=1)},payload=late")
    (notification,) = streams.page("flight", 0)
    assert notification.identifier == {"date": "20240603", "country": "italy", "airport": "FCO", "number": "AZ1"}
    assert notification.payload == "late"
    with aviso.listening(listener(tmp_path), "--from", "2024-01-01T00:00:00.0Z") as wait_for:
        wait_for("AZ1")
        identifier = {"date": "20240604", "country": "italy", "airport": "CIA", "number": "FR2"}
        streams.append([Draft("flight", identifier, {"gate": 4})])
        assert '{"gate":4}' in wait_for("FR2").replace('\\"', '"')


def test_deliveries_have_the_schema_that_the_server_gives(ours):
    aviso, streams = ours
    delivery = (
        "event=dissemination,destination=FOO,target=E1,class=od,expver=1,date=20240603,time=600,stream=oper,step=12"
    )
    aviso("notify", f"{delivery},domain=g,payload=s3://bucket/object")
    (notification,) = streams.page("dissemination", 0)
    assert notification.payload == "s3://bucket/object"
    assert notification.identifier == {
        "destination": "FOO",
        "target": "E1",
        "class": "od",
        "expver": "0001",
        "domain": "g",
        "date": "20240603",
        "time": "0600",
        "stream": "oper",
        "step": "12",
    }
    assert "gg is not valid" in aviso("notify", f"{delivery},domain=gg,payload=x", status=1)


@pytest.mark.filterwarnings("ignore:.*were archived and never flushed")
def test_commits_are_heard_as_notifications_of_mars(tmp_path, commands):
    listening = tmp_path / "mars.yaml"
    listening.write_text("listeners: [{event: mars, request: {class: od}, triggers: [{type: echo}]}]")
    store = dtedask.open(tmp_path / "data")
    with our_server(tmp_path) as (port, _):
        aviso = OldAviso(commands, port, tmp_path / "home", AVISO_REMOTE_SCHEMA="true")
        for step in (0, 6):
            store.archive(field(), {**KEYS_OF_FIELD, "step": step})
            store.flush()
        with aviso.listening(str(listening), "--from", "2024-01-01T00:00:00.0Z") as wait_for:
            heard = wait_for('"step": "0"') + wait_for('"step": "6"')
            assert '"date": "20240603"' in heard
            store.archive(field(), {**KEYS_OF_FIELD, "step": 12})
            store.flush()
            wait_for('"step": "12"')


@contextmanager
def etcd_with_password(folder):
    """A real etcd of its own that asks for a password."""
    environment = {**os.environ, "ETCD_SANDBOX": str(folder / "etcd")}
    script = Path(__file__).parent / "etcd-up"
    subprocess.run([script], env=environment, check=True, stdout=subprocess.DEVNULL)
    try:
        port = int((folder / "etcd" / "run" / "port").read_text())
        url = f"http://127.0.0.1:{port}"
        for path, body in (
            ("auth/user/add", {"name": "root", "password": "wheel"}),
            ("auth/role/add", {"name": "root"}),
            ("auth/user/grant", {"user": "root", "role": "root"}),
            ("auth/enable", {}),
        ):
            assert ask(url, path, body)[0] == 200
        yield port
    finally:
        subprocess.run([script, "stop"], env=environment, check=True)


@contextmanager
def ours_with_password(folder):
    users = [{"user": "root", "scrypt": hash_password("wheel"), "roles": ["admin"]}]
    with our_server(folder, load_access({"basic": {"users": users}, "admin_roles": ["admin"]})) as (port, _):
        yield port


@pytest.mark.parametrize("server", [ours_with_password, etcd_with_password])
def test_a_password_lets_in_and_a_wrong_one_does_not(server, tmp_path, commands):
    home = tmp_path / "home" / ".aviso" / "service_configuration"
    home.mkdir(parents=True)
    for key, content in schema_files(TYPES, layouts_of(TYPES)).items():
        (home / key.rpartition("/")[2]).write_bytes(content)
    secret = tmp_path / "secret"
    login = {"AVISO_AUTH_TYPE": "etcd", "AVISO_USERNAME": "root", "AVISO_KEY_FILE": str(secret)}
    with server(tmp_path) as port:
        flight = FLIGHT.format(country="italy", number=1)
        secret.write_text("wheel\n")
        aviso = OldAviso(commands, port, tmp_path / "home", **login)
        assert aviso("notify", f"{flight},payload=late").strip() == "Done"
        assert aviso("value", flight).strip() == "late"
        secret.write_text("hub\n")
        assert "Not able to authenticate root, 400" in aviso("value", flight, status=1)
        anybody = OldAviso(commands, port, tmp_path / "home")
        assert "400 Client Error" in anybody("value", flight, status=1)


KEYS = st.sampled_from(["a", "b", "c/d", "c/e", "z"])
RANGES = st.tuples(KEYS, st.none() | st.sampled_from(["b", "c0", "zz", "\0"]))


@st.composite
def calls(draw):
    """A call that the client makes, with keys below a folder."""
    kind = draw(st.sampled_from(["put", "put", "put", "range", "range", "range", "delete", "replace"]))
    if kind == "put":
        return kind, draw(st.dictionaries(KEYS, st.text(max_size=3), min_size=1, max_size=3))
    if kind == "delete":
        return kind, draw(RANGES)
    if kind == "replace":
        return kind, (draw(KEYS), draw(KEYS), draw(st.text(max_size=3)))
    options = {
        "limit": draw(st.integers(0, 3)),
        "sort_order": draw(st.sampled_from(["NONE", "ASCEND", "DESCEND"])),
        "sort_target": draw(st.sampled_from(["KEY", "MOD", "CREATE"])),
        "keys_only": draw(st.booleans()),
        "count_only": draw(st.integers(0, 9)) == 0,
    }
    ages = {
        name: draw(st.none() | st.integers(0, 3))
        for name in ("revision", "min_mod_revision", "max_mod_revision", "min_create_revision")
    }
    return kind, (draw(RANGES), options, ages)


class Peer:
    """A server that is asked; revisions are told by the write that they came from."""

    def __init__(self, url):
        self._url = url
        self._revisions = []
        self._folder = f"/ec/config/{uuid.uuid4().hex}/"
        self.call("put", {"first": "x"})

    def call(self, kind, given):
        if kind == "put":
            return self._write([self._put(key, value) for key, value in given.items()])
        if kind == "replace":
            removed, key, value = given
            operation = {"requestDeleteRange": {"key": self._key(removed)}}
            return self._write([operation, self._put(key, value)])
        if kind == "delete":
            status, answer = ask(self._url, "kv/deleterange", {**self._between(given), "prev_kv": True})
            self._saw(answer)
            return status, self._plain(answer)
        between, options, ages = given
        asked = {name: None if age is None else self._at(age) for name, age in ages.items()}
        status, answer = ask(self._url, "kv/range", {**self._between(between), **options, **asked})
        return status, self._plain(answer)

    def _write(self, operations):
        status, answer = ask(self._url, "kv/txn", {"success": operations})
        self._saw(answer)
        return status, self._plain(answer)

    def _saw(self, answer):
        revision = int(answer.get("header", {}).get("revision", 0))
        if revision and revision not in self._revisions:
            self._revisions.append(revision)

    def _at(self, age):
        return str(self._revisions[max(len(self._revisions) - 1 - age, 0)])

    def _put(self, key, value):
        return {"requestPut": {"key": self._key(key), "value": base64.b64encode(value.encode()).decode()}}

    def _between(self, given):
        first, last = given
        if last == "\0":
            last = "\x7f"  # all of this folder: others have keys behind it
        return {"key": self._key(first), "range_end": None if last is None else self._key(last)}

    def _key(self, name):
        return base64.b64encode(f"{self._folder}{name}".encode()).decode()

    def _plain(self, answer):
        """Leave out what is another server's own: names, keys' folder, and the revisions' numbers."""
        if isinstance(answer, list):
            return [self._plain(one) for one in answer]
        if not isinstance(answer, dict):
            return answer
        own = ("cluster_id", "member_id", "raft_term")
        return {name: self._plain_field(name, value) for name, value in answer.items() if name not in own}

    def _plain_field(self, name, value):
        if name == "key":
            return base64.b64decode(value).decode().removeprefix(self._folder)
        return self._revisions.index(int(value)) if name.endswith("revision") else self._plain(value)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(made=st.lists(calls(), max_size=12))
def test_any_calls_are_answered_as_etcd_answers_them(etcd, a_server, made):
    real, mine = Peer(etcd["ETCD_URL"]), Peer(a_server)
    for call in made:
        assert mine.call(*call) == real.call(*call), call


@pytest.fixture(scope="module")
def a_server(tmp_path_factory):
    with our_server(tmp_path_factory.mktemp("server")) as (port, _):
        yield f"http://127.0.0.1:{port}"


WRONG = [
    ("kv/range", {}),
    ("kv/range", {"key": "%%%"}),
    ("kv/range", {"key": 3}),
    ("kv/range", {"key": "YQ==", "sort_order": "UP"}),
    ("kv/range", {"key": "YQ==", "revision": str(2**62)}),
    ("kv/range", []),
    ("kv/deleterange", {}),
    ("kv/txn", {}),
    ("kv/txn", {"success": [{"requestPut": {"key": "", "value": ""}}]}),
    ("kv/txn", {"success": [{"requestPut": {"key": "L2VjL2NvbmZpZy94", "lease": "99"}}]}),
    ("kv/txn", {"success": [{"requestPut": {"key": "L2VjL2NvbmZpZy94"}}] * 2}),
    ("lease/grant", {"TTL": 0}),
    ("lease/grant", {"TTL": -3}),
    ("auth/authenticate", {"name": "a", "password": "b"}),
]


@pytest.mark.parametrize(("path", "body"), WRONG)
def test_what_is_wrong_is_answered_as_etcd_answers_it(etcd, a_server, path, body):
    (status, answer), (wanted, real) = ask(a_server, path, body), ask(etcd["ETCD_URL"], path, body)
    assert status == wanted
    assert set(answer) == set(real)
    assert answer.get("code") == real.get("code")
    if "etcdserver" in str(real.get("error")):
        assert answer["error"] == real["error"]
