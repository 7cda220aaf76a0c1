"""
The matrix that `reprise probe` prints of real servers is the one that openssl s_client finds, one
connection after the other, and the one that docs/SERVERS.md tells of.
"""

import pytest

import prober
from expected import SERVERS, alike, everywhere, text
from fleet import Fleet, hosts
from kinds import KINDS
from oracle import MECHANISMS, matrix

N = 3
SHORT = {("nginx", "lagging"), ("node", "shared")}  # for "make test"
CASES = [
    pytest.param(kind, keys, id=f"{kind}-{keys}",
                 marks=() if (kind, keys) in SHORT else pytest.mark.full)
    for kind, keys in SERVERS
]


@pytest.fixture
def fleet(running, authority):
    def start(kind, keys, n=N):
        n_made = n if KINDS[kind].certificates else 1
        certificates = [authority.issue("localhost") for _ in range(n_made)]
        return running(Fleet, kind, certificates * (n // len(certificates)), n=n, keys=keys)

    return start


def test_every_server_and_sort_of_keys_is_told_of():
    assert set(SERVERS) == {(kind, keys) for kind in KINDS for keys in KINDS[kind].keys}


@pytest.mark.parametrize("kind, keys", CASES)
def test_matrix(fleet, tmp_path, authority, kind, keys):
    served = fleet(kind, keys)
    wanted = dict(zip(MECHANISMS, (make(N) for make in SERVERS[kind, keys])))
    # s_server knows no HEAD, and serves one connection at a time.
    probed = prober.probe("--cafile", authority.path, "--method", "GET",
                          f"localhost:{served.port}", *prober.at(served.addresses))
    assert probed.report is not None, probed.errors
    for mechanism, cells in wanted.items():
        seen = matrix(served.addresses, mechanism, tmp_path)
        assert alike(seen, cells), f"s_client: {mechanism} {text(seen)}"
        found = probed.matrix(mechanism)
        assert alike(found, cells), f"reprise: {mechanism} {text(found)}, s_client: {text(seen)}"
    assert [a["address"] for a in probed.report["addresses"]] == [
        f"{host}:{served.port}" for host in hosts(N)]
    by_ticket = SERVERS[kind, keys][1:]
    code = 0 if by_ticket == (everywhere, everywhere) else 1
    assert probed.code == code, probed.report["summary"]
