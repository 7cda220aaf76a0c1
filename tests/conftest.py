"""What every test gets: a deadline, certificates, and servers that end with it."""

import os
import signal
import sys
import tempfile
from pathlib import Path

import pytest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "system"))

import harness  # noqa: E402
from certificates import Authority  # noqa: E402


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    """Ends a test that takes longer than its deadline, wherever it waits."""
    marker = item.get_closest_marker("deadline")
    seconds = marker.args[0] if marker else 60

    def expire(*_):
        raise TimeoutError(f"the test took longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def certificate(authority):
    return authority.issue("localhost", kind="ecdsa")


@pytest.fixture(scope="session")
def rsa_certificate(authority):
    return authority.issue("localhost", kind="rsa")


@pytest.fixture
def open_folder():
    """A folder that the workers, who are somebody else, can enter; pytest's own they cannot."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


@pytest.fixture
def running(tmp_path):
    """Starts servers that are stopped with the test: running(Class, ...) gives it tmp_path."""
    started = []

    def start(kind, *args, **kwargs):
        folder = tmp_path / f"server{len(started)}"
        folder.mkdir()
        server = kind(folder, *args, **kwargs)
        started.append(server)
        return server

    yield start
    for server in reversed(started):
        server.stop()


@pytest.fixture
def reprised(running):
    """Starts reprised: reprised(config) with a configuration from configs.py."""
    if not os.access(harness.reprised_path(), os.X_OK):
        pytest.fail(f"{harness.reprised_path()} is missing; REPRISED names another")

    def start(config, **kwargs):
        return running(harness.Reprised, config, **kwargs)

    return start
