"""The filter of system calls is in force in every child, and can be switched off."""

import pytest
from configs import one_site
from harness import status_field

FILTERED = "2"


def modes(server):
    return {status_field(pid, "Seccomp") for pid in (server.keeper, *server.workers().values())}


def test_every_child_is_filtered(reprised, certificate):
    server = reprised(one_site(certificate))
    if any("no sandbox" in str(line) for line in server.logs()):
        pytest.skip("built with a sanitizer, or the kernel has no filter")
    assert modes(server) == {FILTERED}
    assert status_field(server.pid, "Seccomp") == "0"


def test_off_means_off(reprised, certificate):
    server = reprised(one_site(certificate, top={"sandbox": False}))
    assert modes(server) == {"0"}
