"""Every client at hand resumes every time, in TLS 1.2 and 1.3, over several workers."""

import pytest
from clients import CASE_IDS, CASES
from configs import one_site
from harness import Nginx

N = 20


def check(client, found, n):
    sessions = [page["session"] for page in found]
    assert sessions == ["New"] + n * ["Reused"], f"{client.name}: {sessions}"


@pytest.mark.parametrize("client,mechanism", CASES, ids=CASE_IDS)
def test_resumes(reprised, certificate, tmp_path, client, mechanism):
    if client.missing():
        pytest.skip(f"{client.name} is not installed ({client.program})")
    server = reprised(one_site(certificate, workers=4))
    found = client.drive(server.port, mechanism, N, tmp_path)
    check(client, found, N)
    resumed = [page for page in found if page["session"] == "Reused"]
    assert {page["mechanism"] for page in resumed} == {mechanism}
    assert len({page["worker"] for page in resumed}) > 1, "all connections met one worker"


@pytest.mark.tools
@pytest.mark.parametrize("client,mechanism", CASES, ids=CASE_IDS)
def test_the_driver_works(running, certificate, tmp_path, client, mechanism):
    """Two resumptions at nginx: whatever fails above is not the driver's doing."""
    if client.missing():
        pytest.skip(f"{client.name} is not installed ({client.program})")
    server = running(Nginx, certificate)
    check(client, client.drive(server.address.port, mechanism, 2, tmp_path), 2)
