"""Whether hosts are in the same epoch of the same ring, and seal by the same key."""

import time
from concurrent.futures import ThreadPoolExecutor

from admin import Admin
from checks import fresh, key_name
from harness import wait_until


def position(server):
    """Its ring, its epoch, and the key that it seals by."""
    status = Admin(server).status()
    seals = [k["key"] for k in status["keyring"]["keys"] if k["role"] == "seals"]
    return status["fleet"]["ring"], status["keyring"]["epoch"], *seals


def positions(servers):
    servers = list(servers)
    with ThreadPoolExecutor(len(servers)) as pool:
        return list(pool.map(position, servers))


def wait_lockstep(servers, deadline=20.0):
    """Seconds until they are, and whether they sealed by different rings until then."""
    began = time.monotonic()
    seen, rings = [], set()

    def agree():
        seen[:] = positions(servers)
        rings.add(len({ring for ring, *_ in seen}))
        return len(set(seen)) == 1

    try:
        wait_until(agree, "lockstep", deadline=deadline, step=0.01)
    except AssertionError as e:
        raise AssertionError(f"{e}: {seen}") from None
    return time.monotonic() - began, max(rings) > 1


def assert_lockstep(servers, rotate_s):
    """Within an epoch, for at a boundary they may just differ; names of keys from the wire agree too."""
    wait_lockstep(servers, deadline=rotate_s)
    for _ in range(20):
        before = positions(servers)
        names = {key_name(fresh(s.address, "ticket")) for s in servers}
        if before == positions(servers) and len(set(before)) == 1:
            assert len(names) == 1, names
            return
    raise AssertionError(f"never the same for as long as it takes to look: {before}")
