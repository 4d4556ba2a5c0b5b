"""Three NATS servers on loopback that keep each message three times, each of which can be killed."""

import shutil
import socket
import subprocess
import threading
import time
from contextlib import contextmanager

CONFIGURATION = """
server_name: {name}
listen: "127.0.0.1:{port}"
jetstream {{ store_dir: "{folder}/data" }}
cluster {{ name: three, listen: "127.0.0.1:{route}", routes: [{routes}] }}
"""


class Member:
    """One server of the cluster."""

    def __init__(self, name, folder, port, route, routes):
        self.name, self.port = name, port
        folder.mkdir(parents=True)
        self._log = folder / "log"
        self._file = folder / "nats.conf"
        self._file.write_text(CONFIGURATION.format(name=name, port=port, folder=folder, route=route, routes=routes))
        self._process = None

    def start(self):
        command = [shutil.which("nats-server", path="/usr/sbin:/usr/bin:/usr/local/bin"), "--config", str(self._file)]
        with self._log.open("a") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)

    def kill(self):
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)


def free_ports(count):
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [listener.getsockname()[1] for listener in listeners]
    finally:
        for listener in listeners:
            listener.close()


@contextmanager
def three_servers(folder):
    """Start them; gives the members and their URL. The package nats-server is there: `nats-up` has installed it."""
    ports = free_ports(6)
    routes = ", ".join(f'"nats://127.0.0.1:{route}"' for route in ports[3:])
    members = [Member(f"n{index}", folder / f"n{index}", ports[index], ports[3 + index], routes) for index in range(3)]
    try:
        for member in members:
            member.start()
        yield members, ",".join(f"nats://127.0.0.1:{member.port}" for member in members)
    finally:
        for member in members:
            member.kill()


def wait_until(is_so, timeout_s=60):
    """Wait for what happens in another thread or process, with a deadline."""
    end = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < end, "it never happened"
        threading.Event().wait(0.01)
