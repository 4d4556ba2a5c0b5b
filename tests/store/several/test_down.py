"""A root that is down is named, and reading goes on without it only where that is asked for."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path

import dask
import pytest

import dtedask
from dtedask.core.errors import NotFoundError, RootUnavailableError
from dtedask.store.several.standing import RootUnavailableWarning
from dtedask.testing.fields import make_field

BOTH = "spaces:\n- {select: step=0, roots: a}\n- roots: b"


@pytest.fixture
def both(open_roots, put):
    store = open_roots(BOTH)
    for step in ("0", "6"):
        put(store, 1, step=step)
    return store


def listed(store, request=None):
    return [record.keys["step"] for record in store.list(request)]


def test_a_folder_that_is_gone_is_named_with_its_reason(both, tmp_path):
    shutil.rmtree(tmp_path / "b")
    with pytest.raises(RootUnavailableError, match=rf"{tmp_path}/b: it holds no .*not mounted, or new") as caught:
        both.retrieve({})
    assert list(caught.value.roots) == [f"{tmp_path}/b"]
    (tmp_path / "b").mkdir()  # where something else was mounted
    with pytest.raises(RootUnavailableError, match="not mounted, or new"):
        listed(both)


def test_reading_goes_on_with_the_others_where_that_is_wanted(both, open_roots, tmp_path):
    shutil.rmtree(tmp_path / "b")
    for store in (open_roots(BOTH, on_unavailable="warn"), open_roots(f"on-unavailable: warn\n{BOTH}")):
        with pytest.warns(RootUnavailableWarning, match=rf"{tmp_path}/b: .* Reading goes on without"):
            assert listed(store) == ["0"]
    with (
        dask.config.set({"dtedask.store.on-unavailable": "warn"}),
        pytest.warns(RootUnavailableWarning, match="goes on without"),
    ):
        assert listed(both) == ["0"]
    shutil.rmtree(tmp_path / "a")
    with pytest.raises(NotFoundError, match="no root"):
        listed(open_roots(BOTH, on_unavailable="warn"))


def test_a_root_that_nobody_asks_is_not_missed(both, open_roots, put, tmp_path):
    store = open_roots("spaces:\n- {select: class=od, roots: c}\n- roots: [a, b]", on_unavailable="raise")
    with pytest.raises(RootUnavailableError, match=f"{tmp_path}/c"):
        listed(store)
    assert listed(store, "class=rd") == ["0", "6"]
    put(store, 2, step="12")
    assert store.create() == [f"{tmp_path}/c"]
    assert listed(store) == ["0", "6", "12"]


def test_nothing_is_written_elsewhere_in_place_of_a_root_that_is_down(both, put, tmp_path):
    shutil.rmtree(tmp_path / "b")
    with warnings.catch_warnings(), dask.config.set({"dtedask.store.on-unavailable": "warn"}):
        warnings.simplefilter("ignore")
        for step in ("6", "12"):
            with pytest.raises(RootUnavailableError, match=f"{tmp_path}/b"):
                put(both, 2, step=step)
        with pytest.raises(RootUnavailableError, match=f"{tmp_path}/b"):
            both.wipe("class=rd,expver=test", doit=True)
    assert not (tmp_path / "b").exists()
    assert not both.dirty


def test_a_root_that_cannot_be_read_is_named(both, tmp_path):
    document = tmp_path / "b" / ".dtedask" / "root.yaml"
    document.unlink()
    document.mkdir()  # what reading it says holds for the superuser too, unlike permissions
    with pytest.raises(RootUnavailableError, match=rf"{tmp_path}/b: Cannot read .*Is a directory"):
        listed(both)


_AS_NOBODY = """
import os, sys
sys.path[:0] = os.environ["PATHS"].split(os.pathsep)
import dtedask
list(dtedask.open(sys.argv[1]).list())  # nobody may not read what is imported by it
os.setgid(65534), os.setuid(65534)
try:
    list(dtedask.open(sys.argv[1]).list())
except dtedask.DtedaskError as error:
    print(type(error).__name__, error)
"""


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only the superuser can become somebody else")
def test_a_root_that_may_not_be_read_is_named(put):
    with tempfile.TemporaryDirectory() as folder:  # one whose parents everybody may enter
        place = Path(folder)
        place.chmod(0o755)
        (place / "roots.yaml").write_text(BOTH)
        for step in ("0", "6"):
            put(dtedask.open(place / "roots.yaml"), 1, step=step)
        (place / "b").chmod(0o700)
        environment = {**os.environ, "PATHS": os.pathsep.join(path for path in sys.path if path)}
        command = [sys.executable, "-c", _AS_NOBODY, str(place / "roots.yaml")]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"RootUnavailableError A root of '{folder}/roots.yaml' cannot be used: {folder}/b: ")
    assert "Permission denied" in done.stdout


@pytest.fixture
def no_storage(monkeypatch):
    """An object store whose host takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.getsockname()[1]}")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"):
            monkeypatch.setenv(name, "x")
        yield


@pytest.mark.slow
@pytest.mark.usefixtures("no_storage")
def test_an_object_store_that_does_not_answer_is_waited_for_no_longer_than_the_deadline(both, open_roots):
    store = open_roots("spaces:\n- roots: [a, 's3://no-answer-here/x', b]")
    begin = time.monotonic()
    with dask.config.set({"dtedask.store.root-timeout": "0.3 s"}):
        with pytest.raises(RootUnavailableError, match=r"s3://no-answer-here/x: it did not answer within 0.3 s"):
            listed(store, "step=0")
        with pytest.raises(RootUnavailableError, match="did not answer"):
            store.archive(*make_field(1, step="12"))
    assert time.monotonic() - begin < 5


@pytest.mark.slow
def test_a_port_that_is_closed_is_told(both, open_roots, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = server.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{closed}")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"):
        monkeypatch.setenv(name, "x")
    store = open_roots("spaces:\n- roots: [a, 's3://closed-port/x']", on_unavailable="warn")
    with (
        dask.config.set({"dtedask.store.root-timeout": 0.3}),
        pytest.warns(RootUnavailableWarning, match="s3://closed-port/x"),
    ):
        assert listed(store) == ["0"]


def test_roots_are_read_side_by_side(both, monkeypatch):
    from dtedask.store.several.members import Member

    inside, whole = threading.Barrier(2, timeout=10), Member.matching

    def together(*arguments):
        inside.wait()  # broken, which is an error, where the roots are asked one after the other
        return whole(*arguments)

    monkeypatch.setattr(Member, "matching", together)
    assert listed(both) == ["0", "6"]
