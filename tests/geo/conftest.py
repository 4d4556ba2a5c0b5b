"""What tests of grids share."""

import os
import subprocess
import sysconfig
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def atlas():
    """Run one of Atlas' tools and return what it prints."""
    libraries = Path(sysconfig.get_paths()["purelib"])
    paths = ":".join(str(path) for path in libraries.glob("*/lib64"))

    def run(tool, *arguments, **options):
        command = [libraries / "atlaslib_ecmwf" / "bin" / f"atlas-{tool}", *arguments]
        environment = os.environ | {"LD_LIBRARY_PATH": paths}
        return subprocess.run(command, capture_output=True, text=True, check=True, env=environment, **options).stdout

    return run
