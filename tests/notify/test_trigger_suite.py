"""Every kind of trigger passes the suite, and an installed package brings one of its own."""

from __future__ import annotations

import re

import pytest

import dtedask
from dtedask.core import registry
from dtedask.notify import load_listeners, open_log
from dtedask.notify.triggers import trigger_class, trigger_types
from dtedask.testing import TriggerSuite, make_field
from tests.notify.servers import http_server, mail_server

COMMAND = "echo ${id} ${location} {{ notification.identifier }} >> out; cat ${jsonpath}"


class TestEcho(TriggerSuite):
    def document(self, folder):  # noqa: ARG002
        return {"type": "echo", "format": "json"}


class TestLog(TriggerSuite):
    def document(self, folder):
        return {"type": "log", "path": str(folder / "log" / "events.log")}


class TestCommand(TriggerSuite):
    def document(self, folder):
        return {"type": "command", "command": COMMAND, "working_dir": str(folder)}


class TestFunction(TriggerSuite):
    def document(self, folder):  # noqa: ARG002
        return {"type": "function", "function": print}


class _Http(TriggerSuite):
    kind = ""

    @pytest.fixture(autouse=True)
    def _server(self):
        with http_server() as server:
            self.server = server
            yield

    def document(self, folder):  # noqa: ARG002
        return {"type": self.kind, "url": f"{self.server.url}/${{id}}?of={{{{ notification.event_type }}}}"}


class TestPost(_Http):
    kind = "post"


class TestWebhook(_Http):
    kind = "webhook"


class TestTeams(_Http):
    kind = "teams"


class TestEmail(TriggerSuite):
    @pytest.fixture(autouse=True)
    def _server(self):
        with mail_server() as box:
            self.box = box
            yield

    def document(self, folder):  # noqa: ARG002
        place = {"host": "127.0.0.1", "port": self.box.port, "security": "none"}
        return {"type": "email", **place, "from": "a@example.org", "to": "b@example.org"}


@pytest.mark.slow
class TestDask(TriggerSuite):
    takes_all = False

    def document(self, folder):  # noqa: ARG002
        return {"type": "dask", "function": lambda data, event: data[event.variable].max(), "cluster": "local"}

    def event(self, folder):
        with dtedask.open(folder / "root") as store:
            store.archive(*make_field(280.0, type="pf", number="1", step="6"))
            store.flush()
        return next(open_log(folder / "root").events())


PACKAGE = """
from typing import Literal
from dtedask.notify.triggers import BaseTrigger

class SmsTrigger(BaseTrigger):
    type: Literal["sms"] = "sms"
    number: str

    def run(self, news):
        print("to", self.number, news.id)
"""


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Install a package in a folder of its own."""
    (tmp_path / "short_messages.py").write_text(PACKAGE)
    info = tmp_path / "short_messages-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: short-messages\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[dtedask.triggers]\nsms = short_messages:SmsTrigger\nbad = nowhere:X\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    registry.installed.cache_clear()
    yield
    registry.installed.cache_clear()


def test_a_package_adds_a_kind_by_an_entry_point(installed, make_commit, capsys):
    from dtedask.core.errors import DocumentError
    from dtedask.notify.event import events_of

    document = "listeners:\n- triggers: [{type: sms, number: '12'}]\n"
    (listener,) = load_listeners(document).listeners
    event = events_of(make_commit("/data", 3))[0]
    listener.triggers[0].run(event)
    assert capsys.readouterr().out == f"to 12 {event.id}\n"
    with pytest.raises(DocumentError, match="Did you mean 'sms'"):
        load_listeners(document.replace("sms", "smss"))
    with pytest.raises(DocumentError, match=re.escape("trigger 'bad' of an installed package cannot be loaded")):
        load_listeners(document.replace("sms", "bad"))


def test_every_kind_has_a_suite():
    suites = {name.removeprefix("Test").lower() for name in globals() if name.startswith("Test")}
    assert suites >= set(trigger_types())
    assert all(trigger_class(name).__doc__ for name in trigger_types())
