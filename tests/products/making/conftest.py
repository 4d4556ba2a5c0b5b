"""What tests of making share."""

import signal

import pytest


@pytest.fixture
def interrupts():
    """Ctrl-C means what it means to a new process, whatever other tests have made of it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
