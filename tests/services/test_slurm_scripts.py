"""What `dtedask cluster script` prints is what SLURM gets, byte for byte, but for what is known only at run."""

import re
import subprocess

import dask.config
import pytest

from dtedask.cluster import client_for, job_script

FILE = """\
dtedask:
  profiles:
    encrypted: {kind: slurm, section: encrypted, workers: 2}
    plain: {kind: slurm, section: plain, workers: 1, encrypt: false}
    by-class:
      {kind: class, class: dask_jobqueue.SLURMCluster, section: plain, workers: 1, options: {job_name: by-class}}
jobqueue:
  encrypted:
    name: encrypted
    cores: 2
    processes: 2
    memory: 1GiB
    walltime: "00:20:00"
    queue: debug
    interface: lo
    local-directory: $TMPDIR
    job-extra-directives: ["--comment='für alle'"]
    job-script-prologue: ['export TMPDIR="${TMPDIR:-/tmp}"', "export GREETING='a  b'"]
  plain:
    name: plain
    cores: 1
    processes: 1
    memory: 512MiB
    interface: lo
    log-directory: LOGS
"""


@pytest.fixture
def profiles(tmp_path, monkeypatch):
    (tmp_path / "mine.yaml").write_text(FILE.replace("LOGS", str(tmp_path / "logs")))
    monkeypatch.setattr(dask.config, "paths", [str(tmp_path)])
    monkeypatch.chdir(tmp_path)


def scripts_in_slurm(job_name):
    """Scripts of the jobs of a name, as SLURM keeps them."""
    squeue = ["squeue", "--noheader", "--format=%i", f"--name={job_name}"]
    ids = subprocess.run(squeue, capture_output=True, text=True, check=True).stdout.split()
    write = ["scontrol", "write", "batch_script"]
    return [subprocess.run([*write, one, "-"], capture_output=True, check=True).stdout for one in ids]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["encrypted", "plain", "by-class"])
def test_the_script_that_is_printed_is_the_one_that_slurm_gets(slurm, profiles, name):
    printed = job_script(name)
    with client_for(name) as client:
        if name == "by-class":  # it submits in the background
            assert client.submit(abs, -1).result(timeout=60) == 1
        found = scripts_in_slurm(name)
        address, folder = client.scheduler.address, getattr(client.cluster, "folder", None)
    assert found
    for script in found:
        (worker,) = re.findall(r"--name (\S+)", script.decode())
        known = {"<worker>": worker, "<cluster>": folder.id if folder else ""}
        known[f"{'tls' if name == 'encrypted' else 'tcp'}://<scheduler>:8786"] = address
        expected = printed
        for placeholder, value in known.items():
            expected = expected.replace(placeholder, value)
        assert script.rstrip(b"\0") == expected.encode()
