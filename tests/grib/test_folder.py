import sys

import pytest

from dtedask.grib.arrivals import Gone, Seen
from dtedask.grib.folder import Folder, has_events, is_open_for_writing

linux = pytest.mark.skipif(sys.platform != "linux", reason="leases are Linux's")
WAIT_S = 20.0


def wait_for(folder, wanted):
    """Changes until all files that are wanted were seen."""
    left, seen = set(wanted), []
    for _ in range(1000):
        seen += folder.changes(WAIT_S)
        left -= {event.path for event in seen}
        if not left:
            return seen
    raise AssertionError(left)


@linux
def test_a_file_is_open_as_long_as_anybody_writes_to_it(tmp_path):
    path = tmp_path / "a"
    with path.open("wb"):
        assert is_open_for_writing(str(path)) is True
    assert is_open_for_writing(str(path)) is False
    with path.open("rb"):
        assert is_open_for_writing(str(path)) is False


def test_of_a_file_that_is_gone_nobody_knows_whether_it_is_open(tmp_path):
    assert is_open_for_writing(str(tmp_path / "none")) is None


@pytest.mark.parametrize("poll", [True, False])
def test_what_stands_there_and_what_comes_is_seen_once_as_it_is(tmp_path, poll):
    (tmp_path / "a").write_bytes(b"GRIB1")
    (tmp_path / "b.part").write_bytes(b"GRIB")
    (tmp_path / "text").write_bytes(b"text")
    with Folder(str(tmp_path), poll=poll, interval_s=0.01) as folder:
        assert [event.path for event in wait_for(folder, {f"{tmp_path}/a"})] == [f"{tmp_path}/a"]
        (tmp_path / "deep" / "er").mkdir(parents=True)
        (tmp_path / "deep" / "er" / "c").write_bytes(b"GRIB12")
        (tmp_path / "b.part").rename(tmp_path / "b")
        seen = wait_for(folder, {f"{tmp_path}/b", f"{tmp_path}/deep/er/c"})
    sizes = {event.path: event.stamp[0] for event in seen if isinstance(event, Seen)}
    assert sizes == {f"{tmp_path}/a": 5, f"{tmp_path}/b": 4, f"{tmp_path}/deep/er/c": 6} or not poll


def test_a_file_that_goes_is_reported_once(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"GRIB")
    with Folder(str(tmp_path), poll=True, interval_s=0.0) as folder:
        wait_for(folder, {str(path)})
        path.unlink()
        assert wait_for(folder, {str(path)}) == [Gone(str(path))]
        assert list(folder.changes(0.0)) == []


@pytest.mark.parametrize(("kind", "expected"), [("ext4", True), ("nfs4", False), ("fuse.sshfs", False)])
def test_network_file_systems_have_no_events(tmp_path, monkeypatch, kind, expected):
    mounts = f"/dev/vda / ext4 rw 0 0\nserver:/x {tmp_path} {kind} rw 0 0\n"
    monkeypatch.setattr("pathlib.Path.read_text", lambda *_, **__: mounts)
    assert has_events(str(tmp_path / "deep")) is expected
