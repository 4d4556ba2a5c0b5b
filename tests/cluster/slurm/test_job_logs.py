"""Logs of jobs: which are whose, and the lines that say what went wrong."""

from dtedask.cluster.slurm.job_logs import find_logs, quote_logs, telling_lines

TRACEBACK = """\
2026-11-27 05:43:20,123 - distributed.nanny - INFO - Start Nanny at: 'tls://127.0.0.1:1'
Traceback (most recent call last):
  File "/site/worker.py", line 3, in <module>
    import missing
ModuleNotFoundError: No module named 'missing'
2026-11-27 05:43:21,123 - distributed.nanny - INFO - Closing Nanny
""".splitlines()


def test_of_a_traceback_its_last_line_is_told():
    assert telling_lines(TRACEBACK) == ["ModuleNotFoundError: No module named 'missing'"]


def test_what_slurm_says_of_the_end_is_told():
    time_limit = "slurmstepd: error: *** JOB 12 ON node1 CANCELLED AT 2026-11-27T05:50:00 DUE TO TIME LIMIT ***"
    memory = "slurmstepd: error: Detected 1 oom-kill event(s) in StepId=12.batch."
    lines = ["INFO started", time_limit, memory, "bye"]
    assert telling_lines(lines) == [time_limit, memory]


def test_a_log_that_tells_nothing_is_quoted_at_its_end_each_line_once():
    assert telling_lines(["a", "", "b", "b", "c"], most=2) == ["b", "c"]
    assert telling_lines([]) == []


def test_logs_are_found_by_the_number_of_the_job_errors_first(tmp_path):
    for name in ("worker-12.out", "worker-12.err", "worker-112.err", "worker-123.err", "w-1.err"):
        (tmp_path / name).write_text("x")
    assert [path.name for path in find_logs(tmp_path, "12")] == ["worker-12.err", "worker-12.out"]
    assert find_logs(tmp_path / "nowhere", "12") == []


def test_the_first_log_that_is_not_empty_is_quoted_even_if_it_is_long(tmp_path):
    empty, long = tmp_path / "a-1.err", tmp_path / "a-1.out"
    empty.write_text("")
    long.write_text("noise\n" * 100_000 + "\n".join(TRACEBACK))
    assert quote_logs([empty, long]) == ["ModuleNotFoundError: No module named 'missing'"]
    assert quote_logs([tmp_path / "gone"]) == []
