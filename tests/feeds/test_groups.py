"""Servers that read their keys when they are no longer root, by a group that may."""

import os
import shutil
from pathlib import Path

import pytest
from certificates import Certificate
from fixed import keeps_changing

ROTATE = {"lighttpd": "128s", "h2o": "20s", "trafficserver": "10s", "nodejs": "4s"}
ACCEPT = {"nodejs": "8s"}


@pytest.mark.full
@pytest.mark.skipif(os.geteuid() != 0, reason="only root has servers of other users")
@pytest.mark.deadline(500)
@pytest.mark.parametrize("kind", ROTATE)
def test_a_server_that_is_not_root(fixed, certificate, kind):
    made = fixed(kind)
    server = made.servers[kind]
    server.group = "nogroup"
    made.feed(ROTATE[kind], accept=ACCEPT.get(kind, "5m"))
    assert server.fed.stat().st_mode & 0o777 == 0o640
    copied = (shutil.copy(path, server.folder) for path in (certificate.chain, certificate.key))
    server.certificate = Certificate(*map(Path, copied), certificate.der)
    server.start()
    keeps_changing(server, deadline=300)
