"""`dtedask notify serve`: what it serves, what it refuses, and how it ends."""

import json
import os
import signal
import subprocess
import sys
import time

import httpx
import pytest

pytestmark = pytest.mark.slow

EXPECT = """
expect:
  - name: upper-air
    request: {class: od, stream: oper, type: fc, time: 0, levtype: pl, levelist: 500, param: t, step: 0}
"""


@pytest.fixture
def start(tmp_path):
    """Start the command; gives the process and the first line that it writes."""
    started = []

    def begin(*words):
        command = [sys.executable, "-m", "dtedask", "notify", "serve", "--root", "data", "--port", "0", *words]
        process = subprocess.Popen(
            command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_one_line_says_when_it_is_ready_and_where(start, tmp_path):
    (tmp_path / "events.yaml").write_text("flight: {identifier: {country: string}}\n")
    (tmp_path / "expect.yaml").write_text(EXPECT)
    server = start("--schema", "events.yaml", "--expect", "expect.yaml", "--etcd", "--json")
    ready = json.loads(server.stdout.readline())
    assert {"flight", "data", "mars", "run-complete", "late"} <= set(ready["event_types"])
    assert httpx.get(f"{ready['url']}/ready").json()["status"] == "ready"
    assert httpx.post(f"{ready['url']}/v3/kv/range", json={"key": "Lw=="}).status_code == 200
    begin = time.monotonic()
    server.send_signal(signal.SIGTERM)
    assert server.wait(20) == 0
    assert time.monotonic() - begin < 10
    assert server.stdout.read() == ""
    assert server.stderr.read() == ""


def test_it_does_not_open_to_the_network_without_access(start):
    server = start("--host", "0.0.0.0")
    assert server.wait(60) == 2
    assert "--access" in server.stderr.read()


def test_access_is_asked_for_where_a_document_says_so(start, tmp_path, monkeypatch):
    (tmp_path / "events.yaml").write_text("flight: {identifier: {country: string}}\n")
    (tmp_path / "access.yaml").write_text("bearer: {tokens: [{environment: FLIGHT_TOKEN, user: anna}]}\n")
    monkeypatch.setenv("FLIGHT_TOKEN", "geheim-und-lang-genug")
    server = start("--schema", "events.yaml", "--access", "access.yaml", "--json")
    line = server.stdout.readline()
    assert line, server.stderr.read()
    url = json.loads(line)["url"]
    body = {"event_type": "flight", "identifier": {"country": "italy"}}
    refused = httpx.post(f"{url}/api/v1/notification", json=body)
    assert (refused.status_code, refused.json()["code"]) == (401, "UNAUTHORIZED")
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")
    headers = {"Authorization": "Bearer geheim-und-lang-genug"}
    assert httpx.post(f"{url}/api/v1/notification", json=body, headers=headers).status_code == 200
    assert httpx.delete(f"{url}/api/v1/admin/wipe/all", headers=headers).status_code == 403
    assert httpx.delete(f"{url}/api/v1/admin/wipe/all").status_code == 401
