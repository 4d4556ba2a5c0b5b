"""Triggers that send requests and mails: to real servers, verified, bounded, and with no secret for all to read."""

from __future__ import annotations

import email
import email.policy
import hashlib
import hmac
import json
import pickle
import socket
import threading
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from dtedask.core.errors import TriggerError
from dtedask.notify.event import Event, events_of
from dtedask.notify.notification import Notification
from dtedask.notify.triggers.mail import EmailTrigger
from dtedask.notify.triggers.post import PostTrigger
from dtedask.notify.triggers.webhook import TeamsTrigger, WebhookTrigger
from tests.notify.servers import http_server, mail_server, make_authority

FLIGHT = Notification(
    "flight", 3, {"country": "italy", "number": "3"}, {"note": "a\u2192b"}, datetime(2024, 6, 3, tzinfo=UTC)
)
SECRET = 't0p-s3cret/+%"x'


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def server():
    with http_server() as found:
        yield found


@pytest.fixture
def event(make_commit):
    return events_of(make_commit("/data", 3))[0]


def test_a_post_is_a_cloud_event_in_structured_mode(server, event):
    PostTrigger(url=f"{server.url}/in").run(FLIGHT)
    PostTrigger(url=f"{server.url}/in", source="https://here", headers={"X-Who": "me"}).run(event)
    method, path, headers, body = server.requests[0]
    assert (method, path) == ("POST", "/in")
    assert headers["Content-Type"] == "application/cloudevents+json; charset=utf-8"
    assert json.loads(body) == FLIGHT.cloud_event("urn:dtedask")
    found = json.loads(server.requests[1][3])
    assert server.requests[1][2]["X-Who"] == "me"
    assert (found["specversion"], found["id"], found["source"]) == ("1.0", event.id, "https://here")
    notification = Notification("data", 1, found["data"]["identifier"], found["data"]["payload"], event.time)
    assert Event.from_notification(notification) == event


def test_a_post_is_signed_so_that_whoever_has_the_secret_can_check_it(server, monkeypatch):
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    PostTrigger(url=server.url, secret="$HOOK_SECRET").run(FLIGHT)
    PostTrigger(url=server.url, secret="{{ env.HOOK_SECRET }}", signature_header="X-Mine").run(FLIGHT)
    for (_, _, headers, body), name in zip(server.requests, ("X-Hub-Signature-256", "X-Mine"), strict=True):
        assert headers[name] == f"sha256={hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()}"


def test_a_post_of_pyaviso_1_is_read_as_it_is(server):
    protocol = {
        "type": "cloudevents_http", "url": f"{server.url}/api", "headers": {"X-A": "b"}, "timeout": 60,
        "cloudevents": {"type": "aviso_topic", "source": "my_test"},
    }  # fmt: skip
    trigger = PostTrigger.model_validate({"type": "post", "protocol": protocol})
    assert trigger.limit_s == 60
    trigger.run(FLIGHT)
    found = json.loads(server.requests[0][3])
    assert (found["type"], found["source"]) == ("aviso_topic", "my_test")
    with pytest.raises(ValidationError, match="the protocol 'cloudevents_aws' is not possible"):
        PostTrigger.model_validate({"type": "post", "protocol": {"type": "cloudevents_aws", "arn": "x"}})


def test_a_webhook_sends_what_its_template_says(server, monkeypatch):
    monkeypatch.setenv("WEB_HOOK", f"{server.url}/hooks")
    monkeypatch.setenv("TOKEN", SECRET)
    WebhookTrigger(
        url="$WEB_HOOK/{{ notification.identifier.country }}?n=${identifier.number}",
        method="PUT",
        headers={"Authorization": "Bearer $TOKEN", "X-Note": "{{ notification.payload.note }}"},
        body_template='{"who": "{{ notification.identifier.country }}", "all": {{ notification.payload }}}',
    ).run(FLIGHT)
    WebhookTrigger(url="{{ env.WEB_HOOK }}", headers={"Content-Type": "text/plain"}, body_template="<${id}>").run(
        FLIGHT
    )
    WebhookTrigger(url="$WEB_HOOK").run(FLIGHT)
    WebhookTrigger(url="$WEB_HOOK", method="GET").run(FLIGHT)
    (first, second, third, last) = server.requests
    assert first[:2] == ("PUT", "/hooks/italy?n=3")
    assert first[2]["Authorization"] == f"Bearer {SECRET}"
    assert first[2]["X-Note"].encode("latin-1").decode() == "a\u2192b"
    assert json.loads(first[3]) == {"who": "italy", "all": FLIGHT.payload}
    assert (second[2]["Content-Type"], second[3]) == ("text/plain", b"<flight@3>")
    assert third[2]["Content-Type"] == "application/json; charset=utf-8"
    assert json.loads(third[3]) == {
        "event_type": "flight", "sequence": 3, "identifier": dict(FLIGHT.identifier), "payload": FLIGHT.payload,
    }  # fmt: skip
    assert (last[0], last[3]) == ("GET", b"")


def test_teams_are_sent_a_card(server):
    TeamsTrigger(url=server.url, title_template="Flight ${identifier.number}").run(FLIGHT)
    (attachment,) = json.loads(server.requests[0][3])["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    title, rows, *payload = attachment["content"]["body"]
    assert title["text"] == "Flight 3"
    assert {"title": "country", "value": "italy"} in rows["facts"]
    assert payload[-1]["facts"] == [{"title": "note", "value": "a\u2192b"}]


@pytest.mark.parametrize(
    ("answer", "is_lasting", "wait_s", "message"),
    [
        ((404, {}, b"no such hook"), True, 0, r"/in answered 404 Not Found: no such hook Look at the url"),
        ((302, {"Location": "/else"}, b""), True, 0, r"answered 302 Found\. It sends elsewhere.*'/else'"),
        ((503, {"Retry-After": "7"}, b""), False, 7, r"answered 503 Service Unavailable\."),
        ((429, {"Retry-After": "2"}, b""), False, 2, r"answered 429 Too Many Requests\."),
        ((501, {}, b""), True, 0, r"answered 501 Not Implemented\."),
        ((100, {}, b""), False, 0, r"did not answer within|cannot be reached"),
    ],
)
def test_an_answer_that_is_not_2xx_is_a_failure_that_says_whether_trying_again_helps(
    server, answer, is_lasting, wait_s, message
):
    server.says.append(answer)
    with pytest.raises(TriggerError, match=message) as caught:
        PostTrigger(url=f"{server.url}/in", timeout=0.4).run(FLIGHT)
    assert (caught.value.is_lasting, caught.value.wait_s) == (is_lasting, wait_s)
    assert pickle.loads(pickle.dumps(caught.value)).is_lasting is is_lasting
    assert len(server.requests) == 1


def test_a_server_that_does_not_answer_is_given_up_in_time(server):
    go_on = threading.Event()
    server.says.append(go_on)
    with pytest.raises(TriggerError, match=r"did not answer within 0\.2 s\. `timeout` sets") as caught:
        WebhookTrigger(url=server.url, timeout="200ms").run(FLIGHT)
    go_on.set()
    assert not caught.value.is_lasting


def test_a_server_that_is_not_there_is_worth_another_try():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(TriggerError, match=r"cannot be reached: .*Connection refused.*Check that") as caught:
        PostTrigger(url=f"http://127.0.0.1:{port}").run(FLIGHT)
    assert not caught.value.is_lasting


def test_certificates_are_verified_by_the_authorities_that_are_named(authority, tmp_path):
    bundle, context = authority
    with http_server(context) as server:
        PostTrigger(url=server.url, ca_bundle=str(bundle)).run(FLIGHT)
        assert len(server.requests) == 1
        with pytest.raises(TriggerError, match=r"CERTIFICATE_VERIFY_FAILED.*`ca_bundle` names") as caught:
            PostTrigger(url=server.url).run(FLIGHT)
        assert caught.value.is_lasting
        with pytest.raises(TriggerError, match="Hostname mismatch|IP address mismatch|doesn't match"):
            PostTrigger(url=server.url.replace("127.0.0.1", "localhost"), ca_bundle=str(bundle)).run(FLIGHT)
        (tmp_path / "bad.pem").write_text("nonsense")
        with pytest.raises(TriggerError, match=r"the certificates '.*bad.pem' cannot be read"):
            PostTrigger(url=server.url, ca_bundle=str(tmp_path / "bad.pem")).run(FLIGHT)
        assert len(server.requests) == 1


def test_a_secret_is_in_no_log_no_error_and_no_repr(server, monkeypatch, caplog):
    caplog.set_level("DEBUG")
    monkeypatch.setenv("TOKEN", SECRET)
    monkeypatch.setenv("HOOK", f"{server.url}/hook?sig=s1gnature")
    trigger = WebhookTrigger(url="$HOOK", headers={"Authorization": "Bearer $TOKEN"}, body_template="{{ env.TOKEN }}")
    trigger.run(FLIGHT)
    echo = f"you said Bearer {SECRET} {json.dumps(SECRET)} to {server.url}/hook?sig=s1gnature".encode()
    texts = [repr(trigger), caplog.text]
    for answer in [(400, {}, echo), (307, {"Location": f"{server.url}/hook?sig=s1gnature"}, echo)]:
        server.says.append(answer)
        with pytest.raises(TriggerError, match=r"\*\*\*") as caught:
            trigger.run(FLIGHT)
        texts += [str(caught.value), repr(caught.value), "".join(map(repr, _causes(caught.value)))]
    literal = WebhookTrigger(url=f"{server.url}/hook?sig=s1gnature")
    server.says.append((400, {}, b""))
    with pytest.raises(TriggerError, match="400") as caught:
        literal.run(FLIGHT)
    texts += [repr(literal), str(caught.value), caplog.text]
    monkeypatch.setenv("TOKEN", f"{SECRET}\nX: y")
    with pytest.raises(TriggerError, match="cannot be sent to") as caught:
        trigger.run(FLIGHT)
    texts += [str(caught.value), "".join(map(repr, _causes(caught.value)))]
    assert not [text for text in texts if "t0p" in text or "s1gn" in text]


def _causes(error):
    while error is not None:
        yield error
        error = error.__cause__


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"url": "ftp://x/y"}, "the url must begin with http:// or https://"),
        ({"url": "https://me:word@x/y"}, "the url holds a password; give it as a header"),
        ({"url": "https://x", "headers": {"authorization": "Bearer abc"}}, "the header 'authorization' holds a secret"),
        ({"url": "https://x", "secret": "abc"}, r"it is a secret: write \$NAME"),
        ({"url": "https://x/{{ nothing }}"}, "names no value; write"),
    ],
)
def test_wrong_options_of_a_post_are_refused_when_the_document_is_read(options, message):
    with pytest.raises(ValidationError, match=message):
        PostTrigger(**options)


def test_a_variable_that_is_not_set_is_named(server):
    with pytest.raises(TriggerError, match="needs the environment variable 'NOT_THERE', which is not set") as caught:
        PostTrigger(url=server.url, headers={"X": "$NOT_THERE"}).run(FLIGHT)
    assert caught.value.is_lasting
    assert server.requests == []


def mail(port, **options):
    return EmailTrigger.model_validate(
        {"host": "127.0.0.1", "port": port, "from": "dte <dte@example.org>", "to": "ops@example.org", **options}
    )


def test_a_mail_comes_through_an_encrypted_connection_after_a_login(authority, monkeypatch, caplog):
    caplog.set_level("DEBUG")
    bundle, context = authority
    monkeypatch.setenv("MAIL_USER", "me")
    monkeypatch.setenv("MAIL_PASSWORD", "m4il-secret")
    with mail_server(context) as box:
        trigger = mail(
            box.port, ca_bundle=str(bundle), user="$MAIL_USER", password="$MAIL_PASSWORD",
            to=["ops@example.org", "Eve <eve@example.org>"],
            subject="Flight {{ notification.identifier.number }}\nBcc: x@example.org", body="${json}",
        )  # fmt: skip
        trigger.run(FLIGHT)
        trigger.run(FLIGHT)
        assert box.logins == [(b"me", b"m4il-secret")] * 2
        (encrypted, who, content), (_, _, again) = box.mails
        monkeypatch.setenv("MAIL_PASSWORD", "wr0ng-secret")
        with pytest.raises(TriggerError, match="535 .*Look at `user` and `password`") as caught:
            trigger.run(FLIGHT)
    assert caught.value.is_lasting
    assert encrypted
    assert who == ["ops@example.org", "eve@example.org"]
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert message["Subject"] == "Flight 3 Bcc: x@example.org"
    assert message["Bcc"] is None
    assert json.loads(message.get_content()) == FLIGHT.as_dict()
    assert message["Message-ID"] == email.message_from_bytes(again)["Message-ID"]
    assert not [text for text in (str(caught.value), repr(trigger), caplog.text) if "secret" in text]


def test_the_certificate_of_a_mail_server_is_verified(authority):
    _, context = authority
    with mail_server(context) as box:
        with pytest.raises(TriggerError, match="CERTIFICATE_VERIFY_FAILED") as caught:
            mail(box.port).run(FLIGHT)
        assert caught.value.is_lasting
        assert box.mails == []


def test_who_does_not_get_a_mail_is_named():
    with mail_server() as box:
        trigger = mail(box.port, security="none", to=["ops@example.org", "gone@example.org"])
        trigger.run(FLIGHT)
        assert len(box.mails) == 1
        box.unknown.add("gone@example.org")
        with pytest.raises(TriggerError, match="took the mail, but not for gone@example.org") as caught:
            trigger.run(FLIGHT)
        assert caught.value.is_lasting
        box.is_full = True
        with pytest.raises(TriggerError, match="452 the disk is full") as caught:
            trigger.run(FLIGHT)
        assert not caught.value.is_lasting


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"to": []}, "at least 1 item"),
        ({"to": "nobody"}, "'nobody' is no address"),
        ({"from": "a@b\nBcc: c@d"}, "is no address"),
        ({"user": "me"}, "'user' and 'password' belong together"),
        ({"user": "me", "password": "abc"}, r"it is a secret: write \$NAME"),
        ({"user": "me", "password": "$A", "security": "none"}, "a password is not sent unencrypted"),
    ],
)
def test_wrong_options_of_a_mail_are_refused_when_the_document_is_read(options, message):
    with pytest.raises(ValidationError, match=message):
        mail(25, **options)
