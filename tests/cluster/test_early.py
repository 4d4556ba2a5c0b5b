"""Jobs that are submitted before their scheduler listens, at a port that is kept for it."""

import socket

import pytest
from tornado.netutil import bind_sockets

from dtedask.cluster.early import keep_port, submit_early
from dtedask.cluster.folder import ClusterFolder
from dtedask.cluster.slurm.keeper_events import Refused, Submitted


def kept(**options):
    options = {"scheduler_options": {"dashboard_address": ":0"}, "interface": "lo", **options}
    return keep_port(options, is_encrypted=True), options


def test_the_scheduler_gets_the_port_and_nobody_else():
    port, options = kept()
    assert port.address == f"tls://127.0.0.1:{port.number}"
    assert options["scheduler_options"] == {"dashboard_address": ":0", "port": port.number}
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", port.number))
    for found in bind_sockets(port.number, "127.0.0.1"):  # as the scheduler does
        found.close()
    port.release()


@pytest.mark.parametrize("option", ["host", "interface", "port", "contact_address"])
def test_where_the_profile_says_where_the_scheduler_listens_none_is_kept(option):
    port, options = kept(scheduler_options={option: "x"})
    assert port is None
    assert options["scheduler_options"] == {option: "x"}


def test_an_interface_that_is_not_there_is_left_to_the_scheduler_to_complain_of():
    assert kept(interface="nowhere0")[0] is None


def test_each_job_has_its_answer(tmp_path, monkeypatch):
    (tmp_path / "sbatch").write_text(
        "#!/bin/sh\ngrep -q good $2 && echo 7 && exit; echo 'sbatch: error: no' >&2; exit 1"
    )
    (tmp_path / "sbatch").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    begun = submit_early(["good", "bad"], ClusterFolder(tmp_path), lambda name: f"#!/bin/sh\n# {name}\n")
    assert {name: answer.result(10) for name, answer in begun.items()} == {
        "good": Submitted("good", "7"),
        "bad": Refused("bad", "no", is_final=True),
    }
    assert [path.name for path in tmp_path.iterdir()] == ["sbatch"]
