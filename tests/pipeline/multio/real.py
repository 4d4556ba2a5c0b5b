"""Plans in the real MultIO, from tests: fields go in, fields come out, with all their bits."""

import json
import pickle
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

_METADATA = re.compile(r"^\S.*(@@|<<)\S* .*tag=Field.*metadata=(\{.*\}), payload-size=(\d+)", re.MULTILINE)
_REASON = re.compile(r"\* 1: (.*?)\n\s*\n", re.DOTALL)


@dataclass
class Out:
    """A field that left MultIO: metadata, values (float64 or float32 as they came), and how many had gone in."""

    keys: dict
    values: np.ndarray
    after: int = 0


class MultioError(RuntimeError):
    """The real MultIO failed; `fields` had left it before."""

    def __init__(self, message, fields):
        super().__init__(message)
        self.fields = fields


@dataclass
class Ran:
    fields: list
    accepted: list = field(default_factory=list)
    stdout: str = ""
    stderr: str = ""


def metadata(step, *, param="167", level=0, time_step_s=3600, **keys):
    """Metadata of a field as MultIO's actions want it; `step` counts in units of `time_step_s`."""
    return {
        "param": str(param),
        "paramId": int(param),
        "level": level,
        "levelist": level,
        "levtype": "sfc",
        "gridType": "regular_ll",
        "precision": "double",
        "misc-precision": "double",
        "date": 20240601,
        "time": 0,
        "startDate": 20240601,
        "startTime": 0,
        "step": step,
        "timeStep": time_step_s,
        "step-frequency": 1,
        **keys,
    }


def mars_metadata(step, *, param=167, size, **keys):
    """Metadata of a field as MultIO's newer actions want it, such as statistics-mtg2; `step` is in hours."""
    return {
        "class": "od",
        "stream": "oper",
        "expver": "0001",
        "type": "fc",
        "model": "ifs",
        "origin": "ecmf",
        "levtype": "sfc",
        "param": param,
        "date": 20240601,
        "time": 0,
        "step": step,
        "grid": "O320",
        "misc-precision": "double",
        "misc-globalSize": size,
        "misc-outputStepInSeconds": 3600,
        "misc-integrationStepInSeconds": 600,
        "misc-distanceFromPreviousStepInSeconds": 3600,
        **keys,
    }


class RealMultio:
    """The real MultIO, loaded once in a child process."""

    def __init__(self, folder):
        self._folder = Path(folder)
        self._runs = 0
        self._child = subprocess.Popen(
            [sys.executable, str(Path(__file__).parent / "child.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._child.stdout.readline()

    def run(self, actions, calls, *, plan=None, collect=True, timeout_s=20):
        """Run a client-only plan.

        Parameters
        ----------
        actions : list of dict
            Its actions; a print is put before them, a print and a file sink after them, to get the fields back.
        calls : list of tuple
            ("field", keys, values), ("mask", keys, values), ("domain", keys, indices), ("flush", keys),
            ("notify", keys), ("accepted", keys).
        plan : dict, optional
            Further keys of the document, such as error handling.
        collect : bool
            Whether to get the fields back; its sink ends the process at a flush that has a flushKind in words, which
            its statistics want.

        Raises
        ------
        MultioError
            With the reason that MultIO names.
        """
        self._runs += 1
        folder = self._folder / str(self._runs)
        folder.mkdir()
        first = [{"type": "print", "stream": "cout", "prefix": "<<", "only-fields": True}]
        last = [
            {"type": "print", "stream": "cout", "prefix": "@@", "only-fields": True},
            {"type": "sink", "sinks": [{"type": "file", "path": str(folder / "payload"), "append": True}]},
        ]
        first, last = (first, last) if collect else ([], [{"type": "null"}])
        document = {**(plan or {}), "plans": [{"name": "test", "actions": [*first, *actions, *last]}]}
        status = self._ask(folder, timeout_s, (document, calls))
        return _collected(folder, status)

    def values(self, actions, calls, **options):
        """As `run`, but only the list of arrays."""
        return [out.values for out in self.run(actions, calls, **options).fields]

    def close(self):
        """End the child process."""
        self._child.stdin.close()
        self._child.wait(20)
        self._child.stdout.close()

    def _ask(self, folder, timeout_s, request):
        pickle.dump((str(folder), timeout_s, request), self._child.stdin)
        self._child.stdin.flush()
        return int(self._child.stdout.readline())


def _collected(folder, status):
    texts = [(folder / name).read_text(errors="replace") for name in ("stdout", "stderr")]
    fields = list(_fields(folder, texts[0]))
    if status or not (folder / "result").exists():
        raise MultioError(f"ended with status {status}", fields)
    result = json.loads((folder / "result").read_text())
    if "error" in result:
        reason = _REASON.search(result["error"])
        raise MultioError(reason[1] if reason else result["error"], fields)
    return Ran(fields, result["accepted"], *texts)


def _fields(folder, printed):
    payload = folder / "payload"
    data = payload.read_bytes() if payload.exists() else b""
    after = 0
    for prefix, keys, size in _METADATA.findall(printed):
        if prefix == "<<":
            after += 1
            continue
        found = json.loads(keys)
        dtype = "float32" if found.get("misc-precision") == "single" else "float64"
        yield Out(found, np.frombuffer(data[: int(size)], dtype), after)
        data = data[int(size) :]
    assert not data, printed
