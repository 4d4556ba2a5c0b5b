"""ECMWF's client of Aviso 1 in an environment of its own."""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path

import filelock

VERSION = "1.0.2"


def environment_of_old_aviso():
    """Make the environment once for this machine; gives its folder of commands."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    folder = Path(tempfile.gettempdir(), f"dtedask-tests-{os.getuid()}", f"pyaviso-{VERSION}-python-{python}")
    folder.parent.mkdir(mode=0o700, exist_ok=True)
    with filelock.FileLock(folder.with_suffix(".lock"), timeout=300):
        if not (folder / "made").exists():
            shutil.rmtree(folder, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", folder], check=True)
            install = [folder / "bin" / "pip", "install", "--quiet", f"pyaviso=={VERSION}"]
            environment = {**os.environ, "HOME": os.environ.get("DTEDASK_TEST_USER_HOME", "")}  # with pip's settings
            subprocess.run(install, env=environment, check=True, timeout=280)
            (folder / "made").touch()
    return folder / "bin"


class OldAviso:
    """The client's commands, against one server.

    Parameters
    ----------
    commands : Path
        Folder of the commands.
    port : int
        Port of the server.
    home : Path
        Where it keeps what it knows.
    settings : mapping
        Further settings, in the environment.
    """

    def __init__(self, commands, port, home, **settings):
        self._commands = commands
        home.mkdir(exist_ok=True)
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "AVISO_NOTIFICATION_HOST": "127.0.0.1",
            "AVISO_CONFIGURATION_HOST": "127.0.0.1",
            "AVISO_NOTIFICATION_PORT": str(port),
            "AVISO_CONFIGURATION_PORT": str(port),
            "AVISO_POLLING_INTERVAL": "1",
            "PYTHONUNBUFFERED": "1",
            **settings,
        }

    def run(self, command, *arguments, status=0):
        """Run a command to its end; gives what it prints."""
        done = subprocess.run(
            [self._commands / command, *arguments],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode == 0) == (status == 0), done.stdout + done.stderr
        return done.stdout + (done.stderr if status else "")

    def __call__(self, *arguments, status=0):
        return self.run("aviso", *arguments, status=status)

    def config(self, *arguments):
        return self.run("aviso-config", *arguments)

    @contextmanager
    def listening(self, *arguments):
        """Listen for the length of a block; gives what waits until a text was printed."""
        process = subprocess.Popen(
            [self._commands / "aviso", "listen", *arguments],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        said, change = [], threading.Condition()

        def read():
            for line in process.stdout:
                with change:
                    said.append(line)
                    change.notify_all()

        reader = threading.Thread(target=read)
        reader.start()

        def wait_for(text, timeout_s=30):
            with change:
                assert change.wait_for(lambda: text in "".join(said), timeout_s), "".join(said)
                return "".join(said)

        try:
            yield wait_for
        finally:
            process.terminate()
            process.wait(30)
            reader.join(30)
            process.stdout.close()
