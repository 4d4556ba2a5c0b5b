"""HTTP as it is on the wire: every answer in one write, every error in the same shape."""

import json
import logging
import time

import httpx
import pytest

from dtedask.core.errors import NoticeError, ServerError, SettingError
from dtedask.notify.streams import open_streams
from dtedask.serve.notify import running


def split(answer):
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:])
    return int(lines[0].split()[1]), headers, body


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/v1/notification", {"event_type": "free", "identifier": {"a": "1"}}),
        ("POST", "/api/v1/notification", b"no json"),
        ("GET", "/api/v1/schema", b""),
        ("GET", "/api/v1/schema/flight", b""),
        ("GET", "/health", b""),
        ("GET", "/ready", b""),
        ("GET", "/openapi.json", b""),
        ("GET", "/nothing", b""),
        ("DELETE", "/api/v1/admin/notification/free@1", b""),
    ],
)
def test_headers_and_body_come_in_one_write(raw, method, path, body):
    for _ in range(20):
        answer = raw().ask(method, path, body).more()
        _, headers, rest = split(answer)
        assert len(rest) == int(headers["content-length"])


def test_the_first_event_of_a_stream_comes_with_its_headers(raw):
    for _ in range(20):
        answer = raw().ask("POST", "/api/v1/watch", {"event_type": "free"}).more()
        assert b"text/event-stream" in answer
        assert b"connection_established" in answer


def test_requests_on_one_connection_are_answered_in_order(raw):
    connection = raw()
    for _ in range(3):
        assert b"200 OK" in connection.ask("GET", "/health").more()
        assert b"404 Not Found" in connection.ask("GET", "/nothing").more()


WRONG = [
    ("GET", "/nothing", b"", 404, "NOT_FOUND"),
    ("GET", "/api/v1/schema/nothing", b"", 404, "UNKNOWN_EVENT_TYPE"),
    ("GET", "/api/v1/notification", b"", 405, "METHOD_NOT_ALLOWED"),
    ("POST", "/health", b"", 405, "METHOD_NOT_ALLOWED"),
    ("POST", "/api/v1/notification", b"{", 400, "INVALID_JSON"),
    ("POST", "/api/v1/notification", {"event_type": "free", "more": 1}, 400, "UNKNOWN_FIELD"),
    ("POST", "/api/v1/notification", {"event_type": 3}, 400, "INVALID_REQUEST_SHAPE"),
    ("POST", "/api/v1/notification", {"event_type": "flight"}, 400, "INVALID_NOTIFICATION_REQUEST"),
    ("POST", "/api/v1/notification", b" " * 3000, 413, "PAYLOAD_TOO_LARGE"),
    ("POST", "/api/v1/watch", {"event_type": "nothing"}, 400, "INVALID_WATCH_REQUEST"),
    ("POST", "/api/v1/watch", {"event_type": "free", "from_id": 1, "from_date": "2026"}, 400, "INVALID_WATCH_REQUEST"),
    ("POST", "/api/v1/replay", {"event_type": "free"}, 400, "INVALID_REPLAY_REQUEST"),
    ("DELETE", "/api/v1/admin/notification/free", b"", 400, "INVALID_NOTIFICATION_ID"),
    ("DELETE", "/api/v1/admin/notification/free@0", b"", 400, "INVALID_NOTIFICATION_ID"),
    ("DELETE", "/api/v1/admin/notification/free@7", b"", 404, "NOTIFICATION_NOT_FOUND"),
    ("DELETE", "/api/v1/admin/wipe/stream", b"{", 400, "INVALID_JSON"),
    ("DELETE", "/api/v1/admin/wipe/stream", {"stream": "free"}, 422, "INVALID_REQUEST_SHAPE"),
    ("DELETE", "/api/v1/admin/wipe/stream", {"stream_name": "nothing"}, 404, "UNKNOWN_EVENT_TYPE"),
]


@pytest.fixture(scope="module")
def strict_url(tmp_path_factory):
    from dtedask.notify.event_types import load_event_types
    from dtedask.serve.notify import ServeOptions

    types = load_event_types(
        {
            "free": {"identifier": {"a": "string"}},
            "flight": {"identifier": {"country": {"type": "string", "required": True}}},
        }
    )
    log = open_streams(None, types, path=tmp_path_factory.mktemp("strict") / "events.sqlite")
    with running(log, options=ServeOptions(body_limit=2000)) as url:
        yield url


@pytest.mark.parametrize(("method", "path", "body", "status", "code"), WRONG)
def test_every_error_has_the_same_shape(strict_url, method, path, body, status, code):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = httpx.request(method, strict_url + path, content=content, headers={"Content-Type": "application/json"})
    found = answer.json()
    assert (answer.status_code, found["code"]) == (status, code)
    assert {"code", "error", "message", "details", "request_id"} <= set(found)
    assert found["request_id"] == answer.headers["X-Request-ID"]
    assert found["message"].endswith((".", "?"))


def test_a_large_body_without_a_length_is_refused_too(strict_url):
    def chunks():
        for _ in range(10):
            yield b" " * 500

    answer = httpx.post(f"{strict_url}/api/v1/notification", content=chunks())
    assert answer.status_code == 413


def test_what_is_no_http_is_answered_in_the_same_shape(raw):
    connection = raw()
    connection.socket.sendall(b"HELLO\r\n\r\n")
    status, headers, body = split(connection.more())
    assert status == 400
    assert json.loads(body)["code"] == "INVALID_HTTP"
    assert json.loads(body)["request_id"] == headers["x-request-id"]


def test_who_asks_too_often_is_told_when_to_come_again(serving):
    with serving(rate=2) as url, httpx.Client(base_url=url) as client:
        answers = [client.get("/api/v1/schema") for _ in range(3)]
        assert [one.status_code for one in answers] == [200, 200, 429]
        assert answers[2].json()["code"] == "TOO_MANY_REQUESTS"
        assert int(answers[2].headers["Retry-After"]) >= 1
        assert client.get("/health").status_code == 200


def test_one_stream_too_many_is_refused(serving, raw):
    with serving(connections=1) as url:
        stream = raw(url).ask("POST", "/api/v1/watch", {"event_type": "free"})
        assert b"connection_established" in stream.more()
        answer = httpx.post(f"{url}/api/v1/watch", json={"event_type": "free"})
        assert answer.status_code == 503
        assert answer.json()["code"] == "SERVICE_UNAVAILABLE"
        assert answer.headers["Retry-After"]


def test_a_full_disk_is_an_error_of_the_server_and_the_next_one_may_succeed(types, tmp_path):
    log = open_streams(None, types, path=tmp_path / "events.sqlite")
    append, broken = log.append, [True]

    def fail(drafts):
        if broken[0]:
            raise NoticeError("The disk is full.", hint="Make room.")
        return append(drafts)

    log.append = fail
    with running(log) as url:
        body = {"event_type": "free", "identifier": {"a": "1"}}
        answer = httpx.post(f"{url}/api/v1/notification", json=body)
        assert (answer.status_code, answer.json()["code"]) == (500, "NOTIFICATION_STORAGE_FAILED")
        assert "The disk is full. Make room." in answer.json()["message"]
        broken[0] = False
        assert httpx.post(f"{url}/api/v1/notification", json=body).status_code == 200


def test_prometheus_is_told_what_was_sent_and_who_listens(url, raw):
    httpx.post(f"{url}/api/v1/notification", json={"event_type": "free", "identifier": {"a": "1"}})
    httpx.post(f"{url}/api/v1/notification", json={"event_type": "nothing"})
    stream = raw().ask("POST", "/api/v1/watch", {"event_type": "free"})
    stream.more()
    text = httpx.get(f"{url}/metrics").text
    assert 'dtedask_notify_notifications_total{event_type="free",status="success"} 1.0' in text
    assert 'dtedask_notify_notifications_total{event_type="unknown",status="error"} 1.0' in text
    assert 'dtedask_notify_streams_active{event_type="free"} 1.0' in text
    assert 'dtedask_notify_requests_total{method="POST",status="200"} 1.0' in text


def _access_lines(caplog):
    return [one.getMessage() for one in list(caplog.records) if one.name == "dtedask.serve.access"]


def test_no_secret_comes_into_the_log(url, caplog):
    with caplog.at_level(logging.DEBUG):
        httpx.get(f"{url}/health?token=geheim", headers={"Authorization": "Bearer geheim"})
        httpx.get(f"{url}/not%0Ahere", headers={"Authorization": "Bearer geheim"})
        deadline = time.monotonic() + 10
        while len(lines := _access_lines(caplog)) < 2:  # a line is written after its answer
            assert time.monotonic() < deadline
    assert len(lines) == 2
    assert '"GET /health" 200' in lines[0]
    assert '"GET /not\\nhere" 404' in lines[1]
    assert not [
        one for one in caplog.records if one.name.startswith(("dtedask", "uvicorn")) and "geheim" in one.getMessage()
    ]


def test_the_documentation_needs_nothing_from_elsewhere(url):
    page = httpx.get(f"{url}/docs").text
    assert "/api/v1/watch" in page
    assert "http://" not in page
    assert "https://" not in page
    assert "<script" not in page


def test_the_openapi_document_names_every_route(url):
    document = httpx.get(f"{url}/openapi.json").json()
    assert set(document["paths"]) == {
        "/api/v1/notification",
        "/api/v1/watch",
        "/api/v1/replay",
        "/api/v1/log",
        "/api/v1/log/{event_type}",
        "/api/v1/log/{event_type}/at",
        "/api/v1/schema",
        "/api/v1/schema/{event_type}",
        "/api/v1/admin/notification/{notification_id}",
        "/api/v1/admin/wipe/stream",
        "/api/v1/admin/wipe/all",
        "/health",
        "/ready",
        "/metrics",
    }
    assert "HTTPValidationError" not in json.dumps(document)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "some.host"])
def test_nobody_opens_it_to_the_network_by_accident(streams, host):
    with pytest.raises(SettingError, match="everyone in the network"), running(streams, host=host):
        pass


def test_a_port_that_is_taken_is_named(streams, types, tmp_path, url):
    other = open_streams(None, types, path=tmp_path / "other.sqlite")
    port = int(url.rpartition(":")[2])
    with pytest.raises(ServerError, match=f":{port}.*--port"), running(other, port=port):
        pass
