"""Clusters of any class: what is checked before they start, the call or script that is printed, and that they start."""

import ast
import copy
import sys

import dask.config
import pytest

from dtedask.cluster import Profile, client_for, job_script, profile, start_script
from dtedask.core.errors import ClusterError, DocumentError, MissingExtraError, SettingError

IN_PROCESS = {"n_workers": 0, "processes": False, "threads_per_worker": 1, "dashboard_address": ":0"}


def named(path, workers=0, maximum=None, **options):
    return Profile(
        name="mine", kind="class", class_path=path, options=options, workers=workers, workers_maximum=maximum
    )


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write the file of a profile of kind class; `text` follows it."""
    monkeypatch.setattr(dask.config, "paths", [str(tmp_path)])

    def write(path, options="{}", text=""):
        file = tmp_path / "mine.yaml"
        lines = ["dtedask:", "  profiles:", "    mine:", "      kind: class", f"      class: {path}"]
        file.write_text("\n".join([*lines, f"      options: {options}", text]))
        return file

    return write


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("distributed.LocalClutser", r"mine\.yaml:5: there is no 'LocalClutser' in distributed.*'LocalCluster'"),
        ("distributed.Client", r"mine\.yaml:5: distributed.Client is no cluster"),
        ("distributed.deploy.Cluster", r"mine\.yaml:5: distributed.deploy.Cluster is abstract"),
        ("dask_jobqueue.JobQueueCluster", r"mine\.yaml:5: dask_jobqueue.JobQueueCluster is abstract"),
        ("distributed.wait", r"mine\.yaml:5: distributed.wait is a function that does not say"),
        ("dask_kubernetes.opertor.KubeCluster", r"mine\.yaml:5: No module named 'dask_kubernetes.opertor'"),
        ("KubeCluster", r"mine\.yaml:5: 'KubeCluster' is no dotted path"),
    ],
)
def test_what_is_no_cluster_is_refused_with_its_line(write, path, message):
    write(path)
    with pytest.raises(SettingError, match=message):
        start_script("mine")


@pytest.mark.parametrize(
    ("path", "option", "meant"),
    [
        ("distributed.LocalCluster", "n_wokers", "n_workers"),
        ("distributed.LocalCluster", "memory_limt", "memory_limit"),  # goes on to the workers
        ("distributed.SpecCluster", "schedular", "scheduler"),
        ("dask_jobqueue.PBSCluster", "resource_spek", "resource_spec"),  # goes on to the jobs
        ("dask_jobqueue.HTCondorCluster", "disc", "disk"),
        ("dask_kubernetes.operator.KubeCluster", "namespce", "namespace"),
    ],
)
def test_a_wrong_option_is_refused_with_its_line_and_the_nearest(write, path, option, meant):
    write(path, f"\n        {option}: 1")
    with pytest.raises(SettingError, match=rf"mine\.yaml:7: {path} takes no argument '{option}'.*'{meant}'"):
        start_script("mine")


def test_every_argument_of_jobs_and_workers_is_taken():
    for path, option in [
        ("dask_jobqueue.LSFCluster", {"lsf_units": "mb"}),
        ("dask_jobqueue.PBSCluster", {"scheduler_options": {"host": "here"}}),
        ("distributed.LocalCluster", {"resources": {"GPU": 1}}),
        ("dask_gateway.GatewayCluster", {"worker_cores": 4}),  # an option that only the gateway knows
        ("dask_kubernetes.operator.KubeCluster", {"name": "dask", "image": "ghcr.io/dask/dask"}),
    ]:
        if "jobqueue" in path:
            option |= {"cores": 1, "memory": "1GB"}
        assert start_script(named(path, **option))


def test_the_package_of_a_class_that_is_not_there_is_named_with_the_command_that_installs_it(monkeypatch):
    with pytest.raises(MissingExtraError, match="pip install dask-cloudprovider;"):
        start_script(named("dask_cloudprovider.aws.FargateCluster"))


@pytest.mark.parametrize(
    ("path", "options"),
    [
        ("dask_kubernetes.operator.KubeCluster", {"name": "dask", "namespace": "weather", "env": {"A": "1"}}),
        ("dask_gateway.GatewayCluster", {"address": "https://gateway.example.org", "worker_cores": 4}),
        ("distributed.LocalCluster", IN_PROCESS),
    ],
)
def test_the_call_is_python_with_exactly_these_arguments(path, options):
    text = start_script(named(path, workers=2, maximum=8, **options))
    tree = ast.parse(text)
    module, _, name = path.rpartition(".")
    assert f"from {module} import {name}" in text
    (call,) = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", "") == name]
    assert {one.arg: ast.literal_eval(one.value) for one in call.keywords} == options
    assert text.endswith("cluster.adapt(minimum=2, maximum=8)\n")


@pytest.mark.slow
def test_the_call_can_be_pasted_and_gives_the_workers():
    names = {}
    exec(start_script(named("distributed.LocalCluster", workers=2, **IN_PROCESS)), names)
    from distributed import Client

    with names["cluster"] as cluster, Client(cluster) as client:
        client.wait_for_workers(2, timeout=30)


def test_the_call_sets_the_configuration_of_the_profile(write):
    write("distributed.LocalCluster", text="distributed: {comm: {compression: zlib}}\n")
    before = copy.deepcopy(dask.config.config)
    try:
        exec(start_script("mine").partition("cluster = ")[0], {})
        assert dask.config.get("distributed.comm.compression") == "zlib"
        assert dask.config.get("distributed.comm.timeouts") == before["distributed"]["comm"]["timeouts"]
    finally:
        dask.config.update(dask.config.config, before)


@pytest.mark.parametrize(
    ("scheduler", "directives", "more"),
    [
        ("pbs", ["#PBS -q long", "#PBS -A me", "#PBS -l walltime=01:00:00", "#PBS -l select=1:ncpus=4:mem=7630MB"], {}),
        ("lsf", ["#BSUB -q long", "#BSUB -n 4", "#BSUB -M 8000"], {"walltime": "01:00", "lsf-units": "mb"}),
        ("sge", ["#$ -q long", "#$ -l h_rt=01:00:00"], {}),
        ("oar", ["#OAR -q long", "#OAR -l /nodes=1/core=4,walltime=01:00:00"], {}),
        ("moab", ["#PBS -q long"], {}),
        ("htcondor", ["RequestCpus = MY.DaskWorkerCores", "RequestDisk = floor(MY.DaskWorkerDisk / 1024)"], {}),
    ],
)
def test_the_script_of_other_batch_systems_is_printed(write, scheduler, directives, more):
    names = {"pbs": "PBS", "lsf": "LSF", "sge": "SGE", "oar": "OAR", "moab": "Moab", "htcondor": "HTCondor"}
    keys = {"cores": 4, "processes": 1, "memory": "8GB"}
    if scheduler == "htcondor":
        keys |= {"disk": "1GB"}
    else:
        keys |= {"queue": "long", "walltime": '"01:00:00"'} | more
    if scheduler in {"pbs", "moab"}:
        keys["account"] = "me"
    if scheduler == "oar":
        keys["memory-per-core-property-name"] = "not_applicable"
    section = "\n".join(f"    {key}: {value}" for key, value in keys.items())
    write(f"dask_jobqueue.{names[scheduler]}Cluster", text=f"jobqueue:\n  {scheduler}:\n{section}\n")
    script = start_script("mine")
    assert script == job_script("mine")
    assert [line for line in directives if line not in script] == []
    assert "tcp://<scheduler>:8786 --name <worker> --nthreads 4 --memory-limit 7.45GiB" in script


@pytest.mark.slow
def test_the_script_of_pbs_is_the_one_that_dask_jobqueue_submits(write):
    from dask_jobqueue import PBSCluster

    options = {"cores": 4, "memory": "8GB", "queue": "long", "job_script_prologue": ["module load python"]}
    write("dask_jobqueue.PBSCluster", str(options))
    with PBSCluster(**options, scheduler_options={"dashboard_address": ":0", "host": "127.0.0.1"}) as cluster:
        expected = cluster.job_script().replace(cluster.scheduler_address, "tcp://<scheduler>:8786")
    assert start_script("mine") == expected.replace("dummy-name", "<worker>")
    assert sys.executable in expected


def test_options_win_over_the_section_and_a_section_may_have_any_name(write):
    section = "jobqueue:\n  big:\n    cores: 4\n    memory: 8GB\n    queue: long\n    resource-spec: select=2\n"
    file = write("dask_jobqueue.PBSCluster", "{queue: short}\n      section: big", section)
    script = start_script("mine")
    assert "#PBS -q short" in script
    assert "#PBS -l select=2" in script
    file.write_text(file.read_text().replace("resource-spec", "resource-spek"))
    with pytest.raises(DocumentError, match=r"mine\.yaml:13: unknown key 'resource-spek'.*'resource-spec'"):
        profile("mine")


def test_a_job_that_encrypts_shows_it_in_its_script(write):
    write("dask_jobqueue.PBSCluster", "{cores: 1, memory: 1GB}\n      encrypt: true")
    script = start_script("mine")
    assert "tls://<scheduler>:8786" in script
    assert "--protocol tls:// --tls-ca-file" in script


def test_a_class_that_takes_no_certificates_cannot_be_told_to_encrypt(write):
    write("dask_kubernetes.operator.KubeCluster", "{}\n      encrypt: true")
    with pytest.raises(SettingError, match=r"mine\.yaml:7: .*takes no argument 'security'"):
        start_script("mine")


def test_the_script_of_a_job_makes_no_folder_for_its_logs(write, tmp_path):
    logs = tmp_path / "no" / "logs"
    write("dask_jobqueue.PBSCluster", f"{{cores: 1, memory: 1GB, log_directory: {logs}}}")
    assert f"#PBS -e {logs}/" in start_script("mine")
    assert not logs.parent.exists()


@pytest.mark.slow
def test_a_cluster_of_a_class_follows_the_work_where_its_profile_says_so():
    with client_for(named("distributed.LocalCluster", 1, 2, **IN_PROCESS)) as client:
        client.wait_for_workers(1, timeout=30)
        assert client.cluster._adaptive.maximum == 2


@pytest.mark.slow
def test_a_class_without_workers_in_its_profile_keeps_those_of_its_options():
    with client_for(named("distributed.LocalCluster", **IN_PROCESS | {"n_workers": 2})) as client:
        client.wait_for_workers(2, timeout=30)
        assert len(client.cluster.workers) == 2


@pytest.mark.slow
def test_a_spec_cluster_is_started_by_name():
    worker = {"cls": "distributed.Worker", "options": {"nthreads": 1}}
    scheduler = {"cls": "distributed.Scheduler", "options": {"dashboard_address": ":0", "host": "127.0.0.1"}}
    with client_for(named("distributed.SpecCluster", 1, scheduler=scheduler, worker=worker)) as client:
        assert client.submit(abs, -1).result(timeout=30) == 1


@pytest.mark.slow
def test_a_cluster_of_a_class_can_talk_by_tls():
    plain = named("distributed.LocalCluster", 1, **IN_PROCESS | {"protocol": "tls://", "host": "127.0.0.1"})
    with client_for(Profile(**{name: getattr(plain, name) for name in plain.__slots__} | {"encrypt": True})) as client:
        assert client.scheduler.address.startswith("tls://")
        assert client.submit(abs, -1).result(timeout=30) == 1


def test_a_class_that_fails_to_start_is_told_with_its_reason(monkeypatch, tmp_path):
    (tmp_path / "failing_clusters.py").write_text(
        "class Failing:\n"
        "    scale = close = get_client = None\n"
        "    def __init__(self):\n"
        "        raise OSError('no room')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with (
        pytest.raises(ClusterError, match=r"failing_clusters.Failing of profile 'mine' did not start: no room"),
        client_for(named("failing_clusters.Failing")),
    ):
        pass
