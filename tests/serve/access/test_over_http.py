"""Access as a real server keeps it, asked by our client, by ECMWF's, and by hand."""

import base64
import logging
import time
from contextlib import ExitStack

import httpx
import jwt
import pyaviso
import pytest

from dtedask.core.errors import DocumentError, ForbiddenError, UnauthorizedError
from dtedask.notify.client import NotifyClient, RemoteLog
from dtedask.notify.event_types import load_event_types
from dtedask.notify.streams import open_streams
from dtedask.serve.access import hash_password, hash_token, load_access
from dtedask.serve.notify import ServeOptions, running

pytestmark = pytest.mark.slow

TYPES = """
flight:
  identifier: {country: {type: string, required: true}, number: integer}
  auth: {required: true, read_roles: [reader, italy], write_roles: [italy, writer]}
public: {identifier: {a: string}, auth: {required: false}}
"""
TOKENS = {"italy": "token-of-italy", "writer": "token-of-the-writer", "admin": "token-of-the-admin", "none": "no-role"}
PASSWORD = "the password: of a reader"
SECRET = "what the proxy and the server know together"


@pytest.fixture
def access(tmp_path):
    (tmp_path / "proxy").write_text(SECRET)
    tokens = [{"user": f"u-{role}", "roles": [role], "sha256": hash_token(token)} for role, token in TOKENS.items()]
    return load_access(
        {
            "bearer": {"tokens": tokens},
            "basic": {"users": [{"user": "bob", "roles": ["reader"], "scrypt": hash_password(PASSWORD)}]},
            "jwt": {"secret": {"file": str(tmp_path / "proxy")}},
            "admin_roles": {"local": ["admin"]},
            "roles": {"italy": {"filters": {"flight": {"country": "italy"}}}},
        }
    )


@pytest.fixture
def url(access, tmp_path):
    streams = open_streams(None, load_event_types(TYPES), path=tmp_path / "events.sqlite")
    with running(streams, access=access, options=ServeOptions(connections=3, connections_each=2)) as found:
        yield found


@pytest.fixture
def client(url, monkeypatch):
    """Make a client with the credentials of a role, or with none."""
    opened = []

    def make(role=None):
        auth = None
        if role == "reader":
            monkeypatch.setenv("BOB", PASSWORD)
            monkeypatch.setenv("NAME", "bob")
            auth = "basic:$NAME:$BOB"
        elif role is not None:
            monkeypatch.setenv(f"TOKEN_{role.upper()}", TOKENS[role])
            auth = f"bearer:$TOKEN_{role.upper()}"
        opened.append(NotifyClient(url, auth=auth))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def countries(client, wanted):
    return [news.identifier["country"] for news in client.replay("flight", {"country": wanted}, from_id=1)]


def send_some(client):
    for number, country in enumerate(["italy", "malta", "italy", "greece"]):
        client("writer").send("flight", {"country": country, "number": number})


def test_a_role_sees_what_its_filter_takes_and_no_more(client):
    send_some(client)
    everything = ["italy", "malta", "greece"]
    assert countries(client("reader"), everything) == ["italy", "malta", "italy", "greece"]
    assert countries(client("italy"), everything) == ["italy", "italy"]
    assert countries(client("italy"), "malta") == []
    assert countries(client("admin"), everything) == ["italy", "malta", "italy", "greece"]


def test_a_watch_shows_a_role_what_its_filter_takes(client):
    send_some(client)
    watching = client("italy").watch("flight", {"country": ["italy", "malta"]}, from_id=1)
    assert [next(watching).sequence for _ in range(2)] == [1, 3]
    client("writer").send("flight", {"country": "malta"})
    client("writer").send("flight", {"country": "italy"})
    assert next(watching).sequence == 6


def test_who_follows_the_log_sees_what_his_filter_takes(client):
    send_some(client)
    assert [news.sequence for news in RemoteLog(client("italy")).page("flight", 0)] == [1, 3]
    assert [news.sequence for news in RemoteLog(client("reader")).page("flight", 0)] == [1, 2, 3, 4]
    with pytest.raises(ForbiddenError, match="may not read"):
        RemoteLog(client("none")).page("flight", 0)
    assert "flight" not in RemoteLog(client("none")).heads()


def test_a_role_sends_what_its_filter_takes_and_no_more(client):
    assert client("italy").send("flight", {"country": "italy"}).id == "flight@1"
    with pytest.raises(ForbiddenError, match="but not this one"):
        client("italy").send("flight", {"country": "malta"})
    with pytest.raises(ForbiddenError, match="may not send"):
        client("reader").send("flight", {"country": "italy"})
    assert countries(client("reader"), ["italy", "malta"]) == ["italy"]


def test_who_says_nothing_gets_what_is_public(client):
    assert client().send("public", {"a": "b"}).id == "public@1"
    with pytest.raises(UnauthorizedError, match="may not read|who he is"):
        countries(client(), "italy")
    with pytest.raises(UnauthorizedError, match="may not send|who he is"):
        client().send("flight", {"country": "italy"})


def opened(url, stack, **headers):
    """Open a watch, and wait for its first event."""
    body = {"event_type": "public", "identifier": {}}
    answer = stack.enter_context(httpx.stream("POST", f"{url}/api/v1/watch", json=body, headers=headers, timeout=20))
    if answer.status_code == 200:
        lines = answer.iter_lines()
        stack.callback(lines.close)  # it closes the stream when nobody holds it
        next(lines)
    return answer.status_code


def test_a_client_has_so_many_streams_and_all_together_so_many(url):
    italy, admin = ({"Authorization": f"Bearer {TOKENS[role]}"} for role in ("italy", "admin"))
    with ExitStack() as stack:
        assert [opened(url, stack, **italy) for _ in range(3)] == [200, 200, 429]
        assert [opened(url, stack, **admin) for _ in range(2)] == [200, 503]
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:  # the server hears of closed connections a moment later
        with ExitStack() as stack:
            if [opened(url, stack, **italy) for _ in range(2)] == [200, 200]:
                return
    raise AssertionError("places are not free again")


def test_administrators_alone_delete_and_wipe(client):
    send_some(client)
    with pytest.raises(ForbiddenError, match="."):
        client("writer").delete("flight@1")
    with pytest.raises(ForbiddenError, match="."):
        client("italy").wipe("flight")
    assert client("admin").delete("flight@1")
    assert countries(client("reader"), "italy") == ["italy"]


@pytest.mark.parametrize("path", ["/api/v1/watch", "/api/v1/replay", "/api/v1/notification"])
def test_wrong_credentials_are_answered_with_401_and_a_challenge(url, path):
    body = {"event_type": "public", "identifier": {"a": "b"}, "from_id": "1"}
    for wrong in ("Bearer wrong", "Basic Ym9iOndyb25n", "Digest x", f"Bearer {jwt.encode({'exp': 1}, SECRET)}"):
        answer = httpx.post(f"{url}{path}", json=body, headers={"Authorization": wrong})
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer, Basic")
        assert set(answer.json()) >= {"code", "error", "message", "request_id"}
        assert answer.json()["code"] == "UNAUTHORIZED"


def test_ecmwf_s_client_says_who_it_is(url, client, monkeypatch):
    send_some(client)
    monkeypatch.setenv("AVISO_TOKEN", TOKENS["italy"])
    aviso = pyaviso.AvisoClient(base_url=url, timeout=10)
    aviso.notify(event_type="flight", identifier={"country": "italy", "number": "7"})
    heard = aviso.listen("flight", filter={"country": "italy"}, start_from=0, mode="replay_only")
    assert [one.identifier["number"] for one in heard] == ["0", "2", "7"]
    monkeypatch.delenv("AVISO_TOKEN")
    monkeypatch.setenv("AVISO_USERNAME", "bob")
    monkeypatch.setenv("AVISO_PASSWORD", PASSWORD)
    reader = pyaviso.AvisoClient(base_url=url, timeout=10)
    assert set(reader.schema().event_types) == {"flight", "public"}
    assert reader.schema_for("flight").schema["identifier"]["country"]["type"] == "StringHandler"
    with pytest.raises(pyaviso.AvisoError, match="403|may not send"):
        reader.notify(event_type="flight", identifier={"country": "italy", "number": "8"})


def test_a_server_does_not_start_where_nobody_can_say_who_he_is(tmp_path):
    streams = open_streams(None, load_event_types(TYPES), path=tmp_path / "events.sqlite")
    with pytest.raises(DocumentError, match="'flight' says who may read"), running(streams):
        pass
    streams.close()


def test_no_secret_is_in_a_log_or_an_answer(url, client, caplog):
    caplog.set_level(logging.DEBUG)
    send_some(client)
    signed = jwt.encode({"sub": "ada", "roles": ["reader"], "exp": time.time() + 60}, SECRET)
    broken = signed[:-3] + "abc"
    shown = []
    for header in (f"Bearer {TOKENS['italy']}", f"Bearer {TOKENS['italy']}x", f"Bearer {signed}", f"Bearer {broken}"):
        for path in ("notification", "replay", "schema", "admin/wipe/all"):
            method = {"schema": "GET", "admin/wipe/all": "DELETE"}.get(path, "POST")
            body = {"event_type": "flight", "identifier": {"country": "italy"}, "from_id": "1"}
            content = None if method == "GET" else body
            answer = httpx.request(method, f"{url}/api/v1/{path}", json=content, headers={"Authorization": header})
            shown.append(answer.text)
    shown += [httpx.get(f"{url}/api/v1/schema", auth=("bob", one)).text for one in (PASSWORD, f"{PASSWORD}x")]
    shown.append(httpx.get(f"{url}/metrics").text)
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    text = "\n".join([*shown, *ours])
    hidden = [*TOKENS.values(), PASSWORD, SECRET, signed, broken, base64.b64encode(f"bob:{PASSWORD}".encode()).decode()]
    assert [secret for secret in hidden if secret in text] == []
