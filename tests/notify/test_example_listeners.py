"""Every file of examples/listeners runs, against real servers."""

from __future__ import annotations

import email
import hashlib
import hmac
import json
import os
import shutil
import sys
from pathlib import Path

import pytest

import dtedask
from dtedask.notify import listen, load_listeners
from dtedask.notify.event_types import load_event_types
from dtedask.notify.streams import open_streams
from dtedask.testing import make_field
from tests.notify.servers import http_server, mail_server, make_authority

SECRET = "example-s3cret"
KEYS = {"class": "od", "stream": "oper", "type": "fc"}


@pytest.fixture
def folder(repository, tmp_path, monkeypatch):
    """A copy of the examples, which is the current folder."""
    place = tmp_path / "examples"
    shutil.copytree(repository / "examples" / "listeners", place)
    monkeypatch.chdir(tmp_path)
    for name in ("HOOK_SECRET", "CHAT_TOKEN"):
        monkeypatch.setenv(name, SECRET)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")  # finds dtedask
    return place


@pytest.fixture
def data(root):
    """A root with two commits of temperature, and two flights."""
    with dtedask.open(root) as store:
        for step in ("0", "6"):
            store.archive(*make_field(280.0, **KEYS, expver="0001", step=step))
            store.flush()
    return root


@pytest.fixture
def flights(data, folder):
    types = load_event_types(folder / "events.yaml")
    with open_streams(data, types) as streams:
        streams.append([types["flight"].draft({"country": "italy", "number": n}, {"n": n}) for n in (2, 3)])
    return data


@pytest.fixture
def server(monkeypatch):
    with http_server() as found:
        monkeypatch.setenv("HOOK_URL", f"{found.url}/hook")
        monkeypatch.setenv("TEAMS_URL", f"{found.url}/teams")
        yield found


def run(file, root, **options):
    delivered = listen(file, root, mode="catchup", once=True, **options)
    assert not delivered.failures
    return delivered


def test_all_examples_are_in_the_readme_and_can_be_read(repository):
    place = repository / "examples" / "listeners"
    text = (place / "README.md").read_text()
    for file in (path for path in place.iterdir() if path.is_file()):
        assert f"({file.name})" in text or file.name == "README.md"
        if file.suffix == ".yaml" and file.name not in ("events.yaml", "celsius.yaml"):
            assert load_listeners(file).listeners


def test_echo_and_log_write_lines(data, folder, capsys):
    run(folder / "echo.yaml", data)
    assert len(capsys.readouterr().out.splitlines()) == 2
    run(folder / "log.yaml", data)
    lines = (folder.parent / "pressure-levels.jsonl").read_text().splitlines()
    assert [json.loads(line)["request"]["step"] for line in lines] == ["0", "6"]


@pytest.mark.slow
def test_a_command_retrieves_what_it_is_told_of(data, folder):
    file = folder / "command.yaml"
    file.write_text(file.read_text().replace("param: t}", "param: t, step: 6}"))  # one is enough
    run(file, data)
    assert [file.name for file in folder.parent.glob("t-*.nc")] == ["t-2-0.nc"]


def test_a_post_is_signed(data, folder, server):
    run(folder / "post.yaml", data)
    assert len(server.requests) == 2
    for method, path, headers, body in server.requests:
        assert (method, path, json.loads(body)["specversion"]) == ("POST", "/hook", "1.0")
        signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        assert headers["X-Hub-Signature-256"] == f"sha256={signature}"


def test_a_webhook_and_teams_get_their_texts(data, folder, server):
    run(folder / "webhook.yaml", data)
    run(folder / "teams.yaml", data)
    chat, _, teams, _ = server.requests
    assert chat[2]["Authorization"] == f"Bearer {SECRET}"
    assert json.loads(chat[3])["text"].startswith("Step 0 of 2")
    card = json.loads(teams[3])["attachments"][0]["content"]
    assert card["body"][0]["text"].endswith(", step 0")


def test_a_mail_is_sent(data, folder, tmp_path, monkeypatch):
    authority, context = make_authority(tmp_path)
    monkeypatch.setenv("MAIL_USER", "me")
    monkeypatch.setenv("MAIL_PASSWORD", "m4il-secret")
    with mail_server(context) as box:
        file = folder / "email.yaml"
        here = f"127.0.0.1\n        port: {box.port}\n        ca_bundle: {authority}"
        file.write_text(file.read_text().replace("mail.example.org", here))
        run(file, data)
    encrypted, who, content = box.mails[0]
    assert (encrypted, who) == (True, ["forecasters@example.org"])
    assert email.message_from_bytes(content)["Subject"].endswith(", step 0")


@pytest.mark.slow
def test_work_is_done_on_a_cluster(data, folder):
    file = folder / "dask.yaml"
    file.write_text(file.read_text().replace("local-cluster", "local"))  # others start clusters
    run(file, data)
    lines = (data / "means.txt").read_text().splitlines()
    assert [line.split()[0] for line in lines] == ["od/oper/0001@1.0", "od/oper/0001@2.0"]
    made = dtedask.open(folder / "celsius").retrieve({})["t"]
    there = dtedask.open(data).retrieve({})["t"]
    assert float(abs(made - (there - 273.15)).max()) < 1e-3


def test_what_is_sent_is_heard_of(flights, folder, capsys):
    run(folder / "sent.yaml", flights, types=folder / "events.yaml")
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["identifier"] == {"country": "italy", "number": "3"}


def test_documents_of_both_generations_of_pyaviso_run_as_they_are(flights, folder, server):
    run(folder / "aviso-1.yaml", flights)
    text = (folder.parent / "aviso-1.txt").read_text().splitlines()
    assert [line.split()[1] for line in text] == ["0", "6"]
    assert text[0].endswith("The time is 0000.")
    assert [json.loads(body)["specversion"] for *_, body in server.requests] == ["1.0", "1.0"]
    run(folder / "aviso-2.yaml", flights, types=folder / "events.yaml")
    assert (folder.parent / "aviso-2.txt").read_text() == "flight 2 1\nflight 3 2\n"
    assert [(path, json.loads(body)) for _, path, _, body in server.requests[2:]] == [
        ("/hook/italy", {"seq": 1, "payload": {"n": 2}}),
        ("/hook/italy", {"seq": 2, "payload": {"n": 3}}),
    ]
