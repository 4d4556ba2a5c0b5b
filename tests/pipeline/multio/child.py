"""The real MultIO in a process of its own: loaded once, then every plan runs in a fork of it.

Run as ``python child.py``; requests come pickled on standard input, and each is answered by a line when its fork is
over. A fork that crashes or does not end harms nobody.
"""

import json
import os
import pickle
import signal
import sys
from pathlib import Path

import multio

CALLS = {
    "field": "write_field",
    "mask": "write_mask",
    "domain": "write_domain",
    "flush": "flush",
    "notify": "notify",
}


def metadata(handle, keys):
    """Its Python face takes truth values for integers, which its actions then refuse by ending the process."""
    found = multio.Metadata(handle, {key: value for key, value in keys.items() if not isinstance(value, bool)})
    for key, value in keys.items():
        if isinstance(value, bool):
            found._set_bool(key, value)
    return found


def run(plan, calls):
    os.environ["MULTIO_PLANS"] = json.dumps(plan)
    handle = multio.Multio()
    handle.open_connections()
    accepted = []
    for kind, given, *values in calls:
        keys = metadata(handle, given)
        if kind == "accepted":
            accepted.append(handle.field_accepted(keys))
        else:
            # Its `write_domain` reads the int64 of numpy as if they were int32: lists are right.
            data = [[int(one) for one in values[0]]] if kind == "domain" else values
            getattr(handle, CALLS[kind])(keys, *data)
    handle.close_connections()
    return accepted


def in_a_fork(request, folder):
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT, 0o600), number)
    os.chdir(folder)
    try:
        result = {"accepted": run(*request)}
    except multio.MultioException as error:
        result = {"error": str(error)}
    (folder / "result").write_text(json.dumps(result))


def ends_in_time(child, seconds):
    """Wait for a fork; one that takes too long is killed."""
    signal.signal(signal.SIGALRM, lambda *_: os.kill(child, signal.SIGKILL))
    signal.setitimer(signal.ITIMER_REAL, seconds)
    _, status = os.waitpid(child, 0)
    signal.setitimer(signal.ITIMER_REAL, 0)
    return os.waitstatus_to_exitcode(status)


def main():
    print("loaded", flush=True)
    while True:
        try:
            folder, seconds, request = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        child = os.fork()
        if not child:
            try:
                in_a_fork(request, Path(folder))
            finally:
                os._exit(0)
        print(ends_in_time(child, seconds), flush=True)


if __name__ == "__main__":
    main()
