"""One question, one answer, and only for who knows the secret."""

import json
import logging
import socket
import threading

import pytest

from dtedask.cluster.kept.control import ask, control_server, new_secret
from dtedask.core.errors import ClusterError

SECRET = new_secret()


@pytest.fixture
def server():
    """One that repeats what it is asked."""
    asked = []

    def answer(question):
        asked.append(question)
        return {"heard": question["op"], "ends": question["op"] == "stop"}

    with control_server("127.0.0.1", SECRET, answer) as address:
        yield address, asked


def test_a_question_has_an_answer(server):
    address, _ = server
    assert ask(address, SECRET, {"op": "status"}) == {"heard": "status", "ends": False}


def test_who_does_not_know_the_secret_is_not_heard(server, caplog):
    address, asked = server
    with caplog.at_level(logging.WARNING), pytest.raises(ConnectionAbortedError):
        ask(address, new_secret(), {"op": "stop"})
    assert asked == []
    assert "was not signed by the owner" in caplog.text


def test_a_question_cannot_be_repeated_by_who_listened(server):
    address, asked = server
    heard = []

    def relay(listener):
        near, _ = listener.accept()
        with near, near.makefile("rwb") as asker, socket.create_connection(address) as far, far.makefile("rwb") as real:
            for source, sink in ((real, asker), (asker, real), (real, asker)):
                line = source.readline()
                heard.append(line)
                sink.write(line)
                sink.flush()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=relay, args=(listener,))
        thread.start()
        assert ask(listener.getsockname(), SECRET, {"op": "scale"})["heard"] == "scale"
        thread.join()
    _number, question, _answer = heard
    with socket.create_connection(address) as connection, connection.makefile("rwb") as line:
        line.readline()
        line.write(question)
        line.flush()
        assert line.readline() == b""
    assert [one["op"] for one in asked] == ["scale"]


def test_an_answer_of_somebody_else_is_refused():
    def pretend(listener):
        connection, _ = listener.accept()
        with connection, connection.makefile("rwb") as line:
            line.write(b'{"number": "00"}\n')
            line.flush()
            line.readline()
            line.write(json.dumps({"text": "{}", "signature": "made up"}).encode() + b"\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=pretend, args=(listener,))
        thread.start()
        with pytest.raises(ClusterError, match="is not the cluster's process"):
            ask(listener.getsockname(), SECRET, {"op": "status"})
        thread.join()


def test_garbage_leaves_the_server_as_it_was(server):
    address, _ = server
    with socket.create_connection(address) as connection, connection.makefile("rwb") as line:
        line.readline()
        line.write(b"GET / HTTP/1.1\r\n\r\n")
        line.flush()
        line.readline()
    assert ask(address, SECRET, {"op": "status"})["heard"] == "status"


def test_nobody_there_is_told_as_the_system_does(server):
    with control_server("127.0.0.1", SECRET, dict) as address:
        pass
    with pytest.raises(ConnectionRefusedError):
        ask(address, SECRET, {"op": "status"})
