"""The real MultIO for tests: `multio.run(actions, calls)`."""

import pytest

from tests.pipeline.multio.real import RealMultio


@pytest.fixture(scope="session")
def multio(tmp_path_factory):
    real = RealMultio(tmp_path_factory.mktemp("multio"))
    yield real
    real.close()
