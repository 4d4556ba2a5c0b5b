"""Notices from end to end: how soon a commit is heard, how fast notices are taken, and a thousand who listen.

python benchmarks/notify.py [--rounds 3] [--commits 60] [--sent 6000] [--listeners 1000] [--without-old]
    [--cores 2] [--only NAME] [--json FILE]

Everything runs on this host and on the same cores: the server (`dtedask notify serve`), who sends and who listens.
Peers in the same run: ECMWF's client pyaviso 2 on a bare server that keeps nothing and checks nothing, without a
commit; pyaviso 1 on a real etcd that is asked every 0.1 s (in an environment that is made for the run). Figures are
medians of the rounds. Exit status is 1 if one misses its limit.

- commit to listener: from the moment a commit is in the store until a listener has its event: pyaviso 2 at our server,
  and `dtedask listen` with a function
- notify: one notification, in the log and synced before the answer, sent by pyaviso 2
- notifications/s: as many as pyaviso 2 sends at a time, each in the log before its answer
- listeners: 1,000 watches at once on raw sockets, 10 notifications a second
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SIDE = [sys.executable, str(HERE / "_notify_side.py")]
OLD_SIDE = HERE / "_notify_old_side.py"
ETCD_UP = HERE.parent / "tests" / "services" / "etcd-up"
EVENT_TYPES = {"free": {"identifier": {"number": {"type": "string"}}}}
OLD_INTERVAL_S = 0.1
EVENTS_A_SECOND = 10
WARM = 5

LIMITS = {
    "commit to pyaviso 2 at our server, median ms": 10.0,
    "commit to pyaviso 2 at our server, p99 ms": 50.0,
    "commit to dtedask listen, median ms": 10.0,
    "commit to dtedask listen, p99 ms": 50.0,
    "notify, median ms": 2.0,
    "notifications/s": 1200.0,
    "listeners, p99 ms": 500.0,
}
AT_LEAST = ("notifications/s",)


class Lines:
    """What a process prints, one line of JSON after the other."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._lines: list[dict[str, Any]] = []
        self._change = threading.Condition()
        self._process = process
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):
                with self._change:
                    self._lines.append(json.loads(line))
                    self._change.notify_all()

    def take(self, timeout_s: float = 60.0) -> dict[str, Any]:
        """The next line."""
        with self._change:
            if not self._change.wait_for(lambda: self._lines, timeout_s):
                raise TimeoutError(f"{self._process.args} said nothing for {timeout_s:g} s")
            return self._lines.pop(0)


@contextmanager
def running(command: list[str], **options: Any) -> Iterator[tuple[subprocess.Popen[str], Lines]]:
    """A process for the length of a block, and what it prints."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **options)
    try:
        yield process, Lines(process)
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def our_server(folder: Path) -> Iterator[str]:
    """The server of a root; gives its address."""
    schema = folder / "events.yaml"
    schema.write_text(json.dumps(EVENT_TYPES))
    command = [sys.executable, "-m", "dtedask", "notify", "serve", "--root", str(folder / "data"), "--port", "0"]
    with running([*command, "--schema", str(schema), "--json"]) as (_, lines):
        yield lines.take()["url"]


@contextmanager
def mock_server() -> Iterator[str]:
    """The bare server; gives its address."""
    with running([*SIDE, "mock"]) as (_, lines):
        yield lines.take()["url"]


class Store:
    """A real store, whose commits say when they are there."""

    def __init__(self, folder: Path) -> None:
        import numpy as np
        import xarray as xr

        import dtedask
        from dtedask.plugins import hookimpl, register

        self.begun: dict[int, float] = {}
        store = self

        class Marks:
            @hookimpl(tryfirst=True)
            def after_commit(self, commit: Any) -> None:  # noqa: ARG002 - the hook's name
                store.begun[store.step] = time.monotonic()

        register(Marks(), f"marks-{folder.name}")
        self.step = -1
        self._store = dtedask.open(folder / "data")
        coordinates = {"latitude": np.linspace(90, -90, 19), "longitude": np.arange(0, 360, 10.0)}
        self._field = xr.DataArray(np.full((19, 36), 250, "float32"), dims=tuple(coordinates), coords=coordinates)
        self._keys = {"class": "od", "stream": "oper", "expver": 1, "type": "fc", "levtype": "sfc", "param": "2t"}
        self._keys |= {"date": 20240603, "time": 0}

    def commit(self) -> float:
        """One field of the next step; gives the moment when its commit was in the store."""
        self.step += 1
        self._store.archive(self._field, {**self._keys, "step": self.step})
        self._store.flush()
        return self.begun[self.step]


def commits(store: Store, heard: Lines, count: int) -> list[float]:
    """Seconds from commits to a listener."""
    delays = []
    for number in range(WARM + count):
        begin = store.commit()
        while int((line := heard.take())["step"]) != store.step:
            pass
        if number >= WARM:
            delays.append(line["at"] - begin)
    return delays


class Steps(Lines):
    """Lines of ECMWF's client, with the step of each notification."""

    def take(self, timeout_s: float = 60.0) -> dict[str, Any]:
        line = super().take(timeout_s)
        return {"step": line["identifier"]["step"], "at": line["at"]}


def to_pyaviso(folder: Path, store: Store, count: int) -> list[float]:
    """Commits heard by pyaviso 2 at our server."""
    with our_server(folder) as url:
        process = subprocess.Popen([*SIDE, "listen", url, "data", '{"class":"od"}'], stdout=subprocess.PIPE, text=True)
        try:
            wait_for_streams(url, 1)
            return commits(store, Steps(process), count)
        finally:
            process.terminate()
            process.wait(30)


def wait_for_streams(url: str, count: int) -> None:
    """Wait until so many watches are open."""
    import httpx

    end = time.monotonic() + 60
    while time.monotonic() < end:
        lines = httpx.get(f"{url}/metrics").text.splitlines()
        if sum(float(one.split()[-1]) for one in lines if one.startswith("dtedask_notify_streams_active{")) >= count:
            return
        time.sleep(0.02)
    raise TimeoutError(f"{count} watches were not opened")


HEAR = """
import json, time

def hear(event):
    print(json.dumps({"step": event.keys["step"], "at": time.monotonic()}), flush=True)
"""
LISTENERS = """
listeners:
  - name: benchmark
    request: {class: od}
    triggers: [{type: function, function: "hear.py:hear"}]
"""


def to_listen(folder: Path, store: Store, count: int) -> list[float]:
    """Commits heard by a function of `dtedask listen`."""
    (folder / "hear.py").write_text(HEAR)
    document = folder / "listeners.yaml"
    document.write_text(LISTENERS)
    command = [sys.executable, "-m", "dtedask", "listen", str(document), "--root", str(folder / "data"), "--now"]
    with running(command) as (_, lines):
        for _ in range(20):  # until it listens
            store.commit()
            try:
                lines.take(timeout_s=3)
                break
            except TimeoutError:
                continue
        return commits(store, lines, count)


def to_bare(count: int) -> list[float]:
    """Notifications heard by pyaviso 2 at the bare server, without a commit."""
    import pyaviso

    with mock_server() as url, running([*SIDE, "listen", url, "free"]) as (_, lines):
        client = pyaviso.AvisoClient(base_url=url)
        return sent_to(lambda number: client.notify(event_type="free", identifier={"number": number}), lines, count)


def sent_to(send: Any, lines: Lines, count: int) -> list[float]:
    """Seconds from sending to a listener."""
    for _ in range(50):  # until it listens
        send("-1")
        try:
            lines.take(timeout_s=0.5)
            break
        except TimeoutError:
            continue
    delays = []
    for number in range(WARM + count):
        begin = time.monotonic()
        send(str(number))
        while (line := lines.take())["identifier"]["number"] != str(number):
            pass
        if number >= WARM:
            delays.append(line["at"] - begin)
    return delays


@contextmanager
def old_aviso(folder: Path) -> Iterator[tuple[Path, str]]:
    """An environment with pyaviso 1, and a real etcd; gives its Python and the port."""
    environment = {**os.environ, "ETCD_SANDBOX": str(folder / "etcd")}
    python = folder / "old" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", folder / "old"], check=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", "pyaviso==1.0.2"], check=True)
    subprocess.run([ETCD_UP], env=environment, check=True, stdout=subprocess.DEVNULL)
    try:
        yield python, (folder / "etcd" / "run" / "port").read_text().strip()
    finally:
        subprocess.run([ETCD_UP, "stop"], env=environment, check=True)


def to_old(python: Path, port: str, count: int) -> list[float]:
    """Notifications heard by pyaviso 1 on etcd."""
    command = [str(python), str(OLD_SIDE)]
    quiet = {"stderr": subprocess.DEVNULL}
    with (
        running([*command, "listen", port, str(OLD_INTERVAL_S)], **quiet) as (_, heard),
        running([*command, "notify", port], **quiet) as (sender, sent),
    ):

        def send(number: int) -> float:
            assert sender.stdin is not None
            sender.stdin.write(f"{number}\n")
            sender.stdin.flush()
            return sent.take()["at"]

        for number in range(20):  # until it listens
            send(-1 - number)
            try:
                heard.take(timeout_s=2)
                break
            except TimeoutError:
                continue
        delays = []
        for number in range(count):
            begin = send(number)
            while (line := heard.take())["number"] != str(number):
                pass
            delays.append(line["at"] - begin)
            time.sleep(0.037)  # not in step with the polls
        return delays


def notify(url: str, count: int) -> list[float]:
    """Seconds that single notifications take."""
    import pyaviso

    client = pyaviso.AvisoClient(base_url=url)
    times = []
    for number in range(WARM + count):
        begin = time.monotonic()
        client.notify(event_type="free", identifier={"number": str(number)}, payload={"text": "x" * 50})
        times.append(time.monotonic() - begin)
    return times[WARM:]


def rate(url: str, count: int) -> float:
    """Notifications a second, as many at a time as the client likes."""
    import pyaviso

    client = pyaviso.AvisoClient(base_url=url)
    some = [
        {"event_type": "free", "identifier": {"number": str(number)}, "payload": {"text": "x" * 50}}
        for number in range(count)
    ]
    client.notify_many(some[:100], concurrency=64)
    begin = time.monotonic()
    results = client.notify_many(some, concurrency=64)
    took = time.monotonic() - begin
    failed = [one for one in results if not one.ok]
    if failed:
        raise RuntimeError(f"{len(failed)} of {count} notifications failed: {failed[0].error}")
    return count / took


def many_listeners(url: str, count: int, seconds: int) -> dict[str, float]:
    """Delays of many who listen."""
    import pyaviso

    client = pyaviso.AvisoClient(base_url=url)
    events = seconds * EVENTS_A_SECOND
    with running([*SIDE, "many", url, "free", str(count), str(events)]) as (_, lines):
        lines.take(timeout_s=90)
        begin = time.monotonic()
        for number in range(events):
            time.sleep(max(begin + number / EVENTS_A_SECOND - time.monotonic(), 0))
            payload = {"sent_at": f"{time.monotonic():.6f}"}
            client.notify(event_type="free", identifier={"number": str(number)}, payload=payload)
        return lines.take(timeout_s=90)


def spread(name: str, delays: list[float]) -> dict[str, float]:
    """Median and 99th percentile in milliseconds."""
    ordered = sorted(delays)
    p99 = ordered[int(0.99 * (len(ordered) - 1))]
    return {f"{name}, median ms": 1e3 * statistics.median(ordered), f"{name}, p99 ms": 1e3 * p99}


def measure(options: argparse.Namespace, folder: Path, old: tuple[Path, str] | None) -> dict[str, float]:
    """One round."""
    found: dict[str, float] = {}
    folder.mkdir()
    if "commits" in options.only:
        store = Store(folder)
        store.commit()  # the root is there before it is served
        found |= spread("commit to pyaviso 2 at our server", to_pyaviso(folder, store, options.commits))
        found |= spread("commit to dtedask listen", to_listen(folder, store, options.commits))
        found |= spread("peer: pyaviso 2 at a bare server, no commit", to_bare(options.commits))
        if old is not None:
            found |= spread("peer: pyaviso 1 on etcd, no commit", to_old(*old, options.commits))
    for name, server in (("", our_server(folder)), ("peer: bare server, ", mock_server())):
        if "notify" in options.only or "listeners" in options.only:
            with server as url:
                if "notify" in options.only:
                    found |= spread(f"{name}notify", notify(url, 500))
                    found[f"{name}notifications/s"] = rate(url, options.sent)
                if "listeners" in options.only:
                    delays = many_listeners(url, options.listeners, options.seconds)
                    found |= {f"{name}listeners, {key[:-3]} ms": delays[key] for key in ("median_ms", "p99_ms")}
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--commits", type=int, default=60)
    parser.add_argument("--sent", type=int, default=6000)
    parser.add_argument("--listeners", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=10, help="how long the many listen")
    parser.add_argument("--without-old", action="store_true", help="leave out pyaviso 1 and etcd")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--only", nargs="+", choices=("commits", "notify", "listeners"))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    options.only = options.only or ("commits", "notify", "listeners")
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.cores])
    raise_file_limit(4 * options.listeners)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_STATE_HOME"] = folder
        rounds = list(all_rounds(options, Path(folder)))
    found = {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}
    missed = []
    for name, value in found.items():
        limit = LIMITS.get(name)
        is_missed = limit is not None and (value < limit if name in AT_LEAST else value > limit)
        missed += [name] * is_missed
        print(f"{name:52}{value:12.2f}{'' if limit is None else f'{limit:10.1f}'}{'  missed' if is_missed else ''}")
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))
    sys.exit(bool(missed))


def all_rounds(options: argparse.Namespace, folder: Path) -> Iterator[dict[str, float]]:
    """The figures of each round."""
    if options.without_old or "commits" not in options.only:
        yield from (measure(options, folder / f"round-{number}", None) for number in range(options.rounds))
        return
    with old_aviso(folder) as old:
        yield from (measure(options, folder / f"round-{number}", old) for number in range(options.rounds))


def raise_file_limit(wanted: int) -> None:
    """Let a process have as many connections as it needs."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))


if __name__ == "__main__":
    main()
