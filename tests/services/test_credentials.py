"""Credentials come from the usual places and are found in nothing that leaves the process."""

import logging
import os
import pickle
import subprocess
import sys
from uuid import uuid4

import cloudpickle
import pytest

import dtedask
from dtedask.testing.fields import make_field
from dtedask.testing.store import archive

READ = "import sys, dtedask; print([r.keys['step'] for r in dtedask.open(sys.argv[1]).list()])"


@pytest.fixture
def root(s3):
    return f"s3://{s3['S3_BUCKET']}/credentials/{uuid4().hex}"


def leaks(data):
    """Which of the credentials stand in something."""
    data = data if isinstance(data, bytes) else data.encode()
    names = ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID")
    return [name for name in names if os.environ[name].encode() in data]


def test_nothing_that_travels_or_is_shown_holds_a_credential(root):
    store = dtedask.open(root)
    (commit,) = archive(store, 1)
    dataset = store.retrieve({})
    chunked = dataset.chunk()
    record = next(iter(store.list()))
    for thing in (store, store.at(commit.snapshot), store.pinned(), commit, dataset, chunked, chunked["t"].data.dask):
        assert leaks(pickle.dumps(thing)) == []
        assert leaks(cloudpickle.dumps(thing)) == []
    for thing in (store, commit, dataset, chunked, record, store.follow(after={}, timeout_s=0), store.info()):
        assert leaks(repr(thing)) == []
    assert leaks(store._repr_html_() + dataset._repr_html_()) == []


def test_the_fork_that_goes_to_workers_holds_no_credential(root, monkeypatch, many_tasks):
    from dtedask.store.execute import Execution

    sent, run = [], Execution.run

    def look(self, fork, batches, packs, token, **options):
        sent.append(bytes(fork))
        return run(self, fork, batches, packs, token, **options)

    monkeypatch.setattr(Execution, "run", look)
    store = dtedask.open(root)
    for number in range(2):
        store.archive(*make_field(number, step=str(number)))
    store.flush()
    assert [leaks(one) for one in sent] == [[]]


def test_no_log_line_holds_a_secret(root, caplog):
    with caplog.at_level(logging.DEBUG):
        store = dtedask.open(root)
        archive(store, 1)
        archive(store, 2)
        store.wipe("class=rd,expver=test,step=0", doit=True)
        store.purge(keep_commits=1)
        store.verify()
    assert leaks(caplog.text) == []
    # At this level the AWS SDK inside Icechunk shows whose key signs, as every request does, and never the secret.
    environment = {**os.environ, "ICECHUNK_LOG": "debug", "RUST_LOG": "debug"}
    command = [sys.executable, "-c", READ, root]
    done = subprocess.run(command, env=environment, capture_output=True, check=True)
    assert "AWS_SECRET_ACCESS_KEY" not in leaks(done.stdout + done.stderr)


@pytest.mark.parametrize(
    ("variable", "value"), [("AWS_SECRET_ACCESS_KEY", "wrong-secret"), ("AWS_ENDPOINT_URL", "http://127.0.0.1:9")]
)
def test_no_error_holds_a_credential(s3, variable, value):
    code = """
import sys, dtedask
from dtedask.core.errors import DtedaskError
from dtedask.testing import make_field
store = dtedask.open(sys.argv[1])
for call in (lambda: store.cubes(), lambda: store.archive(*make_field(1))):
    try:
        call()
    except DtedaskError as error:
        import traceback
        traceback.print_exception(error)
        print("told")
"""
    root = f"s3://{s3['S3_BUCKET']}/errors/{uuid4().hex}"
    environment = {**os.environ, variable: value}
    done = subprocess.run([sys.executable, "-c", code, root], env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    assert done.stdout.count(b"told") == 2
    secrets = (environment["AWS_SECRET_ACCESS_KEY"], os.environ["AWS_SECRET_ACCESS_KEY"])
    assert [one for one in secrets if one.encode() in done.stdout + done.stderr] == []


def test_a_profile_of_the_user_is_enough(root, s3, tmp_path):
    archive(dtedask.open(root), 1)
    (tmp_path / "credentials").write_text(
        "[weather]\naws_access_key_id = {AWS_ACCESS_KEY_ID}\naws_secret_access_key = {AWS_SECRET_ACCESS_KEY}\n".format(
            **s3
        )
    )
    hidden = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    environment |= {"AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"), "AWS_PROFILE": "weather"}
    done = subprocess.run([sys.executable, "-c", READ, root], env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == "['0']", done.stderr[-2000:]
