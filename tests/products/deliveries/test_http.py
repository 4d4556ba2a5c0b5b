"""Products are sent to a real server on loopback: with their checksum, once, and with no secret for all to read."""

from __future__ import annotations

import base64
import hashlib
import pickle
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from pydantic import ValidationError

from dtedask.core.errors import DeliveryError
from dtedask.products.deliveries.http import HttpDelivery, HttpOptions
from dtedask.products.finishing import Finishing, Retries
from dtedask.products.ledger import Ledger
from tests.products.deliveries.server import running
from tests.products.made import NOW, content, make, part, product


@pytest.fixture
def server():
    with running() as found:
        yield found


@pytest.fixture
def one(tmp_path):
    path = tmp_path / "made"
    path.write_bytes(b"some bytes")
    return content(product(file="2024/a b.raw"), path)


def delivery(server, **options):
    return HttpDelivery(HttpOptions(url=f"{server.url}/in", **options))


def test_a_request_says_what_comes_and_how_to_check_it(server, one):
    delivery(server).deliver(one)
    method, path, headers = server.requests[0]
    digest = base64.b64encode(hashlib.sha256(b"some bytes").digest()).decode()
    assert (method, path) == ("POST", "/in")
    assert headers["Repr-Digest"] == headers["Content-Digest"] == f"sha-256=:{digest}:"
    assert headers["Digest"] == f"SHA-256={digest}"
    assert headers["Content-Length"] == "10"
    assert headers["Content-Disposition"] == "attachment; filename*=UTF-8''2024%2Fa%20b.raw"
    assert headers["Dtedask-Product"] == "wind/20240603T0000/2024/a%20b.raw"


def test_what_is_sent_again_has_the_same_key_and_is_there_once(server, one):
    first, second = (delivery(server).deliver(one) for _ in range(2))
    assert (first.is_new, second.is_new) == (True, False)
    assert len({headers["Idempotency-Key"] for *_, headers in server.requests}) == 1
    assert server.files == {"in/2024/a b.raw": b"some bytes"}


@pytest.mark.parametrize(
    ("url", "method", "path"),
    [
        ("/in", "PUT", "/in/2024/a%20b.raw"),
        ("/in/", "PUT", "/in/2024/a%20b.raw"),
        ("/in?name={file}&x=1", "POST", "/in?name=2024/a%20b.raw&x=1"),
        ("/{file}/content", "PUT", "/2024/a%20b.raw/content"),
    ],
)
def test_names_stand_where_the_url_says(server, one, url, method, path):
    server.says.append((200,))
    HttpDelivery(HttpOptions(url=server.url + url, method=method)).deliver(one)
    assert server.requests[0][:2] == (method, path)


def test_secrets_come_from_the_environment_and_show_nowhere(server, one, monkeypatch):
    monkeypatch.setenv("TOKEN", "hidden-1")
    monkeypatch.setenv("KEY", "hidden-2")
    sender = HttpDelivery(HttpOptions(url=f"{server.url}/in?key=$KEY", headers={"Authorization": "Bearer ${TOKEN}"}))
    receipt = sender.deliver(one)
    _, path, headers = server.requests[0]
    assert (path, headers["Authorization"]) == ("/in?key=hidden-2", "Bearer hidden-1")
    server.says.append((403, {}, b"no"))
    with pytest.raises(DeliveryError, match="403 Forbidden: no") as raised:
        sender.deliver(one)
    shown = f"{receipt} {sender.options.target} {sender.options.model_dump_json()} {raised.value}"
    assert "hidden" not in shown


def test_a_secret_that_is_not_set_is_named(server, one):
    sender = delivery(server, headers={"X-Api-Key": "$DTEDASK_NO_SUCH_VARIABLE"})
    with pytest.raises(DeliveryError, match="'DTEDASK_NO_SUCH_VARIABLE', which is not set") as raised:
        sender.deliver(one)
    assert raised.value.is_lasting
    assert server.requests == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"url": "https://me:word@there/in"}, "holds a password"),
        ({"url": "ftp://there/in"}, "must begin with http"),
        ({"url": "https:///in"}, "name a server"),
        ({"url": "http://there", "headers": {"authorization": "Bearer word"}}, "'authorization' holds a secret"),
        ({"url": "http://there", "method": "PATCH"}, "'POST' or 'PUT'"),
        ({"url": "http://there", "timeout_s": 0}, "greater than 0"),
    ],
)
def test_options_that_cannot_be_are_refused(options, message):
    with pytest.raises(ValidationError, match=message):
        HttpOptions(**options)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(server, one, status):
    server.says.append((status, {"Retry-After": "7"}, b"later"))
    with pytest.raises(DeliveryError, match=f"{status} .*later") as raised:
        delivery(server).deliver(one)
    error = pickle.loads(pickle.dumps(raised.value))
    assert (error.is_lasting, error.wait_s) == (False, 7)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422, 501])
def test_what_the_server_refuses_lasts(server, one, status):
    server.says.append((status, {}, b"never"))
    with pytest.raises(DeliveryError, match=f"{status} .*never") as raised:
        delivery(server).deliver(one)
    assert raised.value.is_lasting


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(server, one, status):
    server.says.append((status, {"Location": f"{server.url}/elsewhere"}))
    with pytest.raises(DeliveryError, match="It sends elsewhere: .*/elsewhere") as raised:
        delivery(server).deliver(one)
    assert raised.value.is_lasting
    assert len(server.requests) == 1


def test_a_date_says_how_long_to_wait_too(server, one):
    server.says.append((503, {"Retry-After": format_datetime(datetime.now(UTC) + timedelta(minutes=1), usegmt=True)}))
    with pytest.raises(DeliveryError, match="503") as raised:
        delivery(server).deliver(one)
    assert 50 < raised.value.wait_s <= 60


@pytest.mark.parametrize("says", ["cut-before", "cut-after", 2.0])
def test_a_server_that_does_not_answer_is_tried_again(server, one, says):
    server.says.append(says)
    sender = delivery(server, timeout_s=0.2)
    with pytest.raises(DeliveryError, match=r"a b\.raw cannot be delivered to 'http://127") as raised:
        sender.deliver(one)
    assert not raised.value.is_lasting
    sender.deliver(one)
    assert server.files == {"in/2024/a b.raw": b"some bytes"}


def test_nobody_listens(one):
    with running() as gone:
        pass
    with pytest.raises(DeliveryError, match="Connection refused") as raised:
        delivery(gone).deliver(one)
    assert not raised.value.is_lasting


def test_a_folder_is_not_sent(server, tmp_path):
    folder = tmp_path / "a.zarr"
    folder.mkdir()
    (folder / "zarr.json").write_text("{}")
    with pytest.raises(DeliveryError, match="is a folder, which cannot be sent") as raised:
        delivery(server).deliver(content(product(), folder))
    assert raised.value.is_lasting


def test_a_server_that_is_away_for_a_while_gets_all_once(server, tmp_path):
    server.says += [(503, {"Retry-After": "11"}), "cut-after", (500,)]
    pauses = []
    with Ledger(tmp_path / "state") as ledger:
        output = HttpOptions(url=f"{server.url}/in", method="PUT")
        finishing = Finishing(ledger, output=output, sleep=pauses.append, now=lambda: NOW, retries=Retries(times=3))
        (outcome,) = finishing(make(product()), [part(1)])
        finishing.close()
    assert (outcome.is_delivered, outcome.attempts) == (True, 4)
    assert pauses == [11, 3, 9]
    assert sorted(server.files) == ["in/manifest-20240603T0000.jsonl", "in/wind.raw"]


def test_a_manifest_that_the_server_does_not_take_holds_nothing_up(server, tmp_path):
    server.says += [1e-9, (404,), (405, {}, b"no")]
    with Ledger(tmp_path / "state") as ledger:
        finishing = Finishing(ledger, output=HttpOptions(url=f"{server.url}/in", method="PUT"), sleep=pytest.fail)
        (outcome,) = finishing(make(product()), [part(1)])
        assert outcome.is_delivered
        finishing.close()
        assert ledger.pending() == []
    assert sorted(server.files) == ["in/wind.raw"]
