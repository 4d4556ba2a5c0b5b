"""Commits, heard over HTTP: of this process and of others, also those that nobody announced."""

import subprocess
import sys
import threading
from datetime import UTC, datetime
from itertools import islice

import dask.config
import numpy as np
import pyaviso
import pytest
import xarray as xr

import dtedask
from dtedask.core.commit import Change, Commit
from dtedask.notify.event_types import load_event_types
from dtedask.notify.log import open_log
from dtedask.notify.streams import open_streams
from dtedask.serve.notify import running

CUBE = "od/oper/0001"


def commit(root, sequence, *, steps=("0", "6")):
    changes = tuple(
        Change("sfc", "2t", (("class", "od"), ("param", "167"), ("step", step)), fields=1) for step in steps
    )
    time = datetime(2026, 1, 1, tzinfo=UTC)
    return Commit(str(root), CUBE, snapshot=f"S{sequence}", parent="", sequence=sequence, time=time, changes=changes)


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
def url(root):
    streams = open_streams(str(root), load_event_types({"free": {"identifier": {"a": "string"}}}))
    with running(streams) as found:
        yield found


def test_commits_are_heard_without_a_filter_since_their_numbers_have_no_gaps(url, root):
    client = pyaviso.AvisoClient(base_url=url)
    with client.listen("data", start_from=0) as heard:
        for sequence in (1, 2, 3):
            open_log(root).append([commit(root, sequence)])
        found = list(islice(heard, 6))
    assert [one.sequence for one in found] == [1, 2, 3, 4, 5, 6]
    assert [one.identifier["step"] for one in found] == ["0", "6"] * 3
    assert found[0].payload["cube"] == CUBE
    assert found[5].payload["snapshot"] == "S3"


FIXED = {"class": "od", "stream": "oper", "expver": "0001", "type": "fc", "levtype": "pl", "levelist": "500"}
KEYS = {**FIXED, "date": "20240603", "time": "0000", "param": "130"}


@pytest.mark.slow
def test_one_cube_is_an_event_type_filters_are_requests_and_a_lost_notice_is_found(root):
    field = xr.DataArray(
        np.zeros((3, 4), "float32"),
        dims=("latitude", "longitude"),
        coords={"latitude": np.linspace(90, -90, 3), "longitude": np.arange(0, 360, 90.0)},
    )
    with dask.config.set({"dtedask.plugins.disable": ["notify"]}), dtedask.open(root) as store:
        for step in ("0", "6", "12"):
            store.archive(field, {**KEYS, "step": step})
            store.flush()
    assert not (root / "notices.sqlite").exists()  # as if the process had been killed before each notice
    with running(open_streams(str(root), load_event_types({})), root=str(root)) as url:
        client = pyaviso.AvisoClient(base_url=url)
        with client.listen("od.oper.0001", filter={"step": {"gte": 6}}, start_from=0) as heard:
            found = list(islice(heard, 2))
    assert [(one.event_type, one.sequence) for one in found] == [("od.oper.0001", 2), ("od.oper.0001", 3)]
    assert [one.identifier["step"] for one in found] == ["6", "12"]


def test_mars_is_another_name_of_data(url, root):
    open_log(root).append([commit(root, 1)])
    client = pyaviso.AvisoClient(base_url=url)
    with client.listen("mars", start_from=0, mode="replay_only") as heard:
        assert [(one.event_type, one.sequence) for one in heard] == [("mars", 1), ("mars", 2)]


def test_commits_cannot_be_sent_deleted_or_wiped(url, root):
    open_log(root).append([commit(root, 1)])
    client = pyaviso.AvisoClient(base_url=url)
    with pytest.raises(pyaviso.HttpError, match="INVALID_NOTIFICATION_REQUEST"):
        client.notify(event_type="data", identifier={"step": "0"})
    with pytest.raises(pyaviso.HttpError, match="READ_ONLY_EVENT_TYPE"):
        client.delete_notification("data@1")
    with pytest.raises(pyaviso.HttpError, match="READ_ONLY_EVENT_TYPE"):
        client.wipe_stream("data")
    client.wipe_all()
    with client.listen("data", start_from=0, mode="replay_only") as heard:
        assert len(list(heard)) == 2


OTHER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_commits import commit
from dtedask.notify.log import NoticeLog
log = NoticeLog(Path(sys.argv[1]) / "notices.sqlite", root=sys.argv[1])
for sequence in range(1, 51):
    log.append([commit(sys.argv[1], sequence)])
"""


@pytest.mark.slow
def test_commits_of_another_process_are_heard_as_they_come(url, root, request):
    client = pyaviso.AvisoClient(base_url=url)
    with client.listen("data", start_from=0) as heard:
        found = []
        thread = threading.Thread(target=lambda: found.extend(islice(heard, 100)), daemon=True)
        thread.start()
        subprocess.run([sys.executable, "-c", OTHER, root, request.path.parent], check=True, timeout=60)
        thread.join(20)
    assert [one.sequence for one in found] == list(range(1, 101))
