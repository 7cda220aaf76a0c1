"""A server that most attacks are tried on."""

import pytest
from configs import one_site
from redis_between import Between, Server


@pytest.fixture
def server(reprised, certificate):
    """One site, localhost, on two workers."""
    return reprised(one_site(certificate)).address


@pytest.fixture
def single(reprised, certificate):
    """The same on one worker, whose memory can be watched."""
    return reprised(one_site(certificate, workers=1, session_cache="256kb"))


@pytest.fixture
def redis(tmp_path):
    """What a store may do: it stands between hosts and a real one."""
    server = Server(tmp_path)
    between = Between(server)
    yield between
    between.stop()
    server.stop()
