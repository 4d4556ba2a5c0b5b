"""Profiles: where they are found, what is refused, and what dask-jobqueue makes of them."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import dask.config
import pytest
import yaml

from dtedask.cluster import job_script, profile, profiles
from dtedask.cluster.documents.jobs import SCHEDULERS
from dtedask.cluster.folder import clusters_folder
from dtedask.cluster.slurm.start import slurm_cluster
from dtedask.core.errors import DocumentError, SettingError


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write a file of a Dask configuration folder of the user's own."""
    folder = tmp_path / "jobqueue"
    folder.mkdir()
    monkeypatch.setattr(dask.config, "paths", [str(folder)])

    def write(text, name="mine.yaml"):
        (folder / name).write_text(text)
        return folder / name

    return write


SITE = """\
dtedask:
  profiles:
    site:
      kind: slurm
      section: big
      workers: 8
jobqueue:
  big:
    cores: 8
    processes: 2
    memory: 32GB
    queue: long
    account: weather
    walltime: "02:00:00"
    job-extra-directives: ["--hint=nomultithread"]
    job-script-prologue: ["module load eccodes"]
distributed:
  comm:
    timeouts:
      connect: 90s
"""


SITES = ("ecmwf", "leonardo", "levante", "lumi")


def test_the_shipped_profiles_are_threads_a_local_cluster_slurm_and_examples_of_sites():
    assert {name: entry.kind for name, entry in profiles().items()} == {
        "local": "threads",
        "local-cluster": "local-cluster",
        "slurm": "slurm",
        **dict.fromkeys(SITES, "slurm"),
    }


def test_the_setting_cluster_chooses_the_profile():
    assert profile().name == "local"
    with dask.config.set({"dtedask.cluster": "slurm"}):
        assert profile().name == "slurm"


def test_the_shipped_folder_is_a_dask_configuration_folder_whose_files_do_not_disagree(repository):
    files = list(dask.config.collect_yaml([str(repository / "jobqueue")]))
    merged = dask.config.merge(*files)
    assert set(merged["dtedask"]["profiles"]) == set(profiles())
    assert merged == dask.config.merge(*reversed(files))


@pytest.mark.parametrize("name", SITES)
def test_the_example_of_a_site_says_all_that_its_jobs_need(name):
    job = profile(name).job
    assert {"cores", "processes", "memory", "walltime", "interface", "local-directory", "job-script-prologue"} <= set(
        job
    )
    assert job["cores"] % job["processes"] == 0
    assert profile(name).configuration["distributed"] == profile("slurm").configuration["distributed"]
    assert any(line.startswith("module load") for line in job["job-script-prologue"])


@pytest.mark.slow
def test_plain_dask_jobqueue_reads_the_same_numbers(repository, tmp_path, monkeypatch):
    copy = shutil.copytree(repository / "jobqueue", tmp_path / "jobqueue")  # Dask writes into the folder
    monkeypatch.setenv("DASK_CONFIG", str(copy))
    names = ["slurm", *SITES]
    done = subprocess.run([sys.executable, "-c", _PLAIN, *names], capture_output=True, text=True, check=True)
    for name, plain in json.loads(done.stdout).items():
        lines = [*plain.splitlines()[:-1], *plain.splitlines()[-1].split(" tcp://")[1].split(" --")[2:]]
        ours = job_script(name)
        assert [line for line in lines if line not in ours and not line.startswith("local-directory")] == []
    monkeypatch.setattr(dask.config, "paths", [str(copy)])
    assert set(profiles()) >= {"local", *names}  # what Dask wrote is no profile


_PLAIN = """
import json, sys
from dask_jobqueue import SLURMCluster
scripts = {}
for name in sys.argv[1:]:
    options = {"dashboard_address": ":0", "host": "127.0.0.1"}
    with SLURMCluster(config_name=name, interface="", scheduler_options=options) as cluster:
        scripts[name] = cluster.job_script()
print(json.dumps(scripts))
"""


def test_a_folder_of_the_user_adds_and_replaces_profiles(write):
    write(SITE)
    path = write("dtedask: {profiles: {local: {kind: threads, threads: 7}}}\n", "other.yaml")
    found = profiles()
    assert found["site"].job["queue"] == "long"
    assert found["site"].configuration["distributed"] == {"comm": {"timeouts": {"connect": "90s"}}}
    assert (found["local"].threads, found["local"].path) == (7, str(path))


def test_files_that_concern_only_dask_are_left_alone(write):
    write("distributed: {worker: {memory: {target: 0.5}}}\nsomething-else: 1\n")
    assert "local" in profiles()


def test_an_unknown_profile_is_refused_with_the_nearest_one():
    with pytest.raises(SettingError, match="no cluster profile 'slum'.*Did you mean 'slurm'"):
        profile("slum")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("account:", "acount:", r"mine.yaml:13: .*acount.*Did you mean 'account'"),
        ("workers: 8", "wokers: 8", r"mine.yaml:6: .*wokers.*Did you mean 'workers'"),
        ("workers: 8", "workers: 0", r"mine.yaml:6: .*workers.*0"),
        ("memory: 32GB", "memory: much", r"mine.yaml:11: .*memory.*'much' is not a size"),
        ("kind: slurm", "kind: slrum", r"mine.yaml:4: .*kind.*slrum"),
        ("workers: 8", "threads: 8", r"mine.yaml:6: unknown key 'threads' in dtedask.profiles.site"),
        ("jobqueue:", "jobqeue:", r"mine.yaml:7: .*jobqeue.*Did you mean 'jobqueue'"),
    ],
)
def test_a_mistake_is_named_with_file_line_and_nearest_key(write, old, new, message):
    write(SITE.replace(old, new))
    with pytest.raises(DocumentError, match=message):
        profiles()


def test_a_profile_whose_job_is_not_described_is_refused(write):
    write(SITE.replace("section: big", "section: bigg"))
    with pytest.raises(DocumentError, match=r"mine.yaml:5: .*jobqueue.bigg.*Did you mean 'big'"):
        profiles()


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_keys_and_defaults_of_a_job_are_those_of_dask_jobqueue(scheduler):
    import dask_jobqueue

    theirs = yaml.safe_load(Path(dask_jobqueue.__file__).with_name("jobqueue.yaml").read_text())["jobqueue"][scheduler]
    renamed = {"extra", "env-extra", "job-extra"}  # by dask-jobqueue 0.9
    unused = {"shebang"} if scheduler == "local" else set()
    ours = SCHEDULERS[scheduler]().model_dump(by_alias=True)
    assert {key: ours[key] for key in ours.keys() - unused} == {key: theirs[key] for key in theirs.keys() - renamed}


def test_workers_decode_with_the_malloc_settings_whoever_starts_them():
    for name in ("local-cluster", "slurm"):
        chosen = profile(name)
        environ = chosen.configuration["distributed"]["nanny"]["pre-spawn-environ"]
        assert environ.items() >= {"MALLOC_TRIM_THRESHOLD_": 268435456, "MALLOC_MMAP_THRESHOLD_": 33554432}.items()
    exports = {f"export {key}={value}" for key, value in environ.items()}
    assert exports <= set(job_script("slurm").splitlines())


@pytest.mark.slow
def test_the_job_script_is_the_one_that_dask_jobqueue_submits_with_what_ends_its_jobs_in_time(write, tmp_path):
    from dask_jobqueue import SLURMCluster

    logs = str(tmp_path / "logs")
    write(
        SITE.replace("workers: 8", "workers: 8\n      encrypt: false").replace(
            "queue: long", f"queue: long\n    log-directory: {logs}"
        )
    )
    script = job_script("site")
    with SLURMCluster(
        cores=8,
        processes=2,
        memory="32GB",
        queue="long",
        account="weather",
        walltime="02:00:00",
        job_extra_directives=["--hint=nomultithread", "--no-requeue"],
        worker_extra_args=["--lifetime", "6300s", "--lifetime-stagger", "300s"],
        log_directory=logs,
        job_script_prologue=["module load eccodes"],
        scheduler_options={"dashboard_address": ":0", "host": "127.0.0.1"},
    ) as cluster:
        expected = cluster.job_script().replace(cluster.scheduler_address, "tcp://<scheduler>:8786")
    assert script == expected.replace("dummy-name", "<worker>")
    assert f"{sys.executable} -m distributed.cli.dask_worker" in script


def test_the_job_script_names_certificates_and_logs_in_the_folder_of_the_cluster(write):
    write(SITE)
    script = job_script("site")
    folder = f"{clusters_folder()}/<cluster>"
    assert f"--tls-key {folder}/tls/key.pem" in script
    assert f"#SBATCH -e {folder}/logs/" in script
    assert "tls://<scheduler>:8786 --name <worker>" in script
    assert not clusters_folder().joinpath("<cluster>").exists()


def test_a_folder_whose_path_cannot_stand_in_a_script_is_refused(monkeypatch, tmp_path):
    for name in ("sbatch", "squeue", "scancel"):
        (tmp_path / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with (
        dask.config.set({"dtedask.jobs.folder": str(tmp_path / "my jobs")}),
        pytest.raises(SettingError, match=r"my jobs/clusters'.*has a space.*dtedask\.jobs\.folder"),
    ):
        slurm_cluster(profile("slurm"))


def test_the_environment_wins_over_the_profile(monkeypatch):
    monkeypatch.setenv("DASK_JOBQUEUE__SLURM__QUEUE", "express")
    assert "#SBATCH -p express" in job_script("slurm").splitlines()


def test_a_profile_without_jobs_has_no_script():
    with pytest.raises(SettingError, match="'local' is of kind 'threads' and submits no jobs"):
        job_script("local")


def test_a_job_without_memory_is_refused_with_the_file(write):
    path = write(SITE.replace("    memory: 32GB\n", ""))
    with pytest.raises(SettingError, match=rf"{path}:3: the jobs of profile 'site' cannot be made"):
        job_script("site")


def entry(**keys):
    return yaml.safe_dump({"dtedask": {"profiles": {"mine": keys}}})


def test_workers_are_a_number_or_follow_the_work_between_two(write):
    write(entry(kind="local-cluster", workers=4))
    assert (profile("mine").workers, profile("mine").workers_maximum) == (4, None)
    write(entry(kind="local-cluster", workers={"minimum": 2, "maximum": 8}))
    assert (profile("mine").workers, profile("mine").workers_maximum) == (2, 8)
    write(entry(kind="local-cluster", workers={"minimum": 0, "maximum": 8}))
    assert (profile("mine").workers, profile("mine").workers_maximum) == (0, 8)


@pytest.mark.parametrize(
    ("workers", "message"),
    [
        ({"minimum": 3, "maximum": 2}, "maximum 2 is below the minimum 3"),
        ({"minimum": 1, "maximun": 2}, "mine.yaml:.*unknown key 'maximun'.*Did you mean 'maximum'"),
        ("many", "mine.yaml:5: .*workers.*'many'"),
    ],
)
def test_workers_that_make_no_sense_are_refused(write, workers, message):
    write(entry(kind="local-cluster", workers=workers))
    with pytest.raises(DocumentError, match=message):
        profiles()


def test_jobs_are_encrypted_unless_the_profile_says_no_and_one_machine_is_not(write):
    assert profile("slurm").encrypt
    assert not profile("local-cluster").encrypt
    write(SITE.replace("workers: 8", "encrypt: false"))
    assert not profile("site").encrypt


def test_a_profile_of_any_class_names_it_and_its_options(write):
    write(entry(**{"kind": "class", "class": "dask_jobqueue.PBSCluster", "options": {"cores": 4}}))
    assert (profile("mine").class_path, profile("mine").options) == ("dask_jobqueue.PBSCluster", {"cores": 4})
    write(entry(kind="class", options={"cores": 4}))
    with pytest.raises(DocumentError, match=r"mine.yaml:3: key 'class' is missing in dtedask.profiles.mine"):
        profiles()


def test_what_a_batch_job_needs_more_stands_in_its_own_section(write):
    write(SITE.replace("workers: 8", "batch: {walltime: '06:00:00'}"))
    assert profile("site").batch == {"walltime": "06:00:00"}


def test_the_reference_has_every_key_with_its_default(repository):
    from dtedask.cluster.documents import file as document
    from dtedask.cluster.documents.jobs import JobKeys

    page = (repository / "docs" / "reference" / "profiles.md").read_text()
    entries = [document.ThreadsEntry, document.LocalClusterEntry, document.SlurmEntry, document.ClassEntry]
    models = [*entries, document.BatchKeys, document.ProfileFile, JobKeys, *SCHEDULERS.values()]
    fields = {(field.alias, _default(field)) for model in models for field in model.model_fields.values()}
    differing = {("shebang", "`null`"), ("shebang", "`#!/usr/bin/env condor_submit`"), ("walltime", "`00:30`")}
    differing |= {("job-extra-directives", "`{}`")}
    rows = [line.split("|") for line in page.splitlines() if line.startswith("| ")]
    written = {(row[-4].strip().strip("`"), row[-2].strip()) for row in rows if len(row) >= 5}
    assert fields - differing - written == set()


def _default(field):
    if field.is_required() or field.alias in {"batch", "description"}:
        return ""
    value = field.get_default(call_default_factory=True)
    if field.alias == "workers" and value is not None:
        value = value.minimum
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"
