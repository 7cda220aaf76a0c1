"""A server that most attacks are tried on."""

import pytest
from configs import one_site


@pytest.fixture
def server(reprised, certificate):
    """One site, localhost, on two workers."""
    return reprised(one_site(certificate)).address


@pytest.fixture
def single(reprised, certificate):
    """The same on one worker, whose memory can be watched."""
    return reprised(one_site(certificate, workers=1, session_cache="256kb"))
