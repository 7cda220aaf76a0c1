"""
Mixed traffic of all kinds for a while: who should be served is, memory and descriptors stay flat,
and the log has nothing to complain of but what the clients did.
"""

import collections
import os
import statistics
import subprocess
import time

import pytest
from backend import Backend
from census import complaints, is_sanitized, look, workers_of
from chaos import Chaos
from configs import config, listener, site
from figures import note
from harness import reprise_path, wait_until

LONG_S = int(os.environ.get("STORM_SECONDS", "600"))
EXPECTED = {"lines withheld", "PROXY header refused"}
AT_ONCE = 100  # connections of an address: a few times as many as there are, so that a leak shows
MODES = "full12,full13,id,ticket,psk"
GROWTH = 1.10  # of a process's memory from the first third after warm-up to the last
GROWTH_KB = 1024  # which a small process may grow by, whatever part of it that is


def run_load(address, seconds):
    """reprise load in all modes, one after the other, until the time is over; its faults."""
    until, faults = time.monotonic() + seconds, []
    while time.monotonic() < until:
        each = max(1, min(5, int(seconds / 10)))
        done = subprocess.run(
            [reprise_path(), "load", f"localhost:{address.port}", "--at", "127.0.0.1",
             "--mode", MODES, "--time", f"{each}s", "--connections", "4", "--quiet"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=120, check=False,
        )
        if done.returncode != 0:
            faults.append(done.stdout.decode(errors="replace"))
        yield faults
    yield faults


class Watch:
    """Looks at a server again and again; says what grew."""

    def __init__(self, server):
        self.server, self.seen = server, []

    def look(self):
        self.seen.append(look(self.server.pid))

    def _values(self, role, what):
        # The first third is warm-up: allocators and caches fill.
        later = self.seen[len(self.seen) // 3:]
        return [one[role][what] for one in later if role in one]

    def growth(self, what):
        out = {}
        for role in self.seen[-1]:
            values = self._values(role, what)
            third = max(1, len(values) // 3)
            out[role] = (statistics.median(values[:third]), statistics.median(values[-third:]))
        return out

    def grown(self, what="anon_kb"):
        return {
            role: pair for role, pair in self.growth(what).items()
            if pair[1] > pair[0] * GROWTH + GROWTH_KB
        }


def soak(reprised, running, certificate, seconds, workers=2):
    backend = running(Backend)
    served = site(certificate, "localhost")
    # On a busy machine a ClientHello in crumbs may take longer than the usual ten seconds.
    behind = {"backend": backend.name, "handshake_timeout": "60s"}
    made = [
        listener(served, session_cache="1mb", proxy_protocol="v2", **behind),
        listener(served, session_cache="64kb"),
        listener(served, session_cache="64kb", proxy_protocol="v1", accept_proxy="127.0.0.0/8",
                 **behind),
    ]
    server = reprised(config(*made, workers=workers, max_connections_per_address=AT_ONCE))
    before = look(server.pid)
    family = server.family()
    watch = Watch(server)
    with Chaos(server.address, server.addresses[2]) as chaos:
        until = time.monotonic() + seconds
        watch.look()
        for faults in run_load(server.addresses[1], seconds):
            watch.look()
            if time.monotonic() > until:
                break
        failed = chaos.stop()
    quiet = wait_until(lambda: is_quiet(server, before), "all connections are gone", deadline=60)
    note(
        f"soak, {seconds} s", counts=dict(chaos.counts), failed=len(failed),
        anon_kb=watch.growth("anon_kb"), pss_kb=watch.growth("pss_kb"),
        fds={role: one["fds"] for role, one in quiet.items()},
    )
    assert not failed, f"{len(failed)} failed, such as {failed[:3]}; {reasons(server)}"
    assert not faults, faults[0]
    assert server.family() == family, "a process was replaced"
    unwanted = complaints(server, EXPECTED)
    assert not unwanted, unwanted[:5]
    if not is_sanitized():
        assert not watch.grown(), watch.growth("anon_kb")
    server.stop()
    assert server.popen.returncode == 0


def reasons(server):
    """Why handshakes failed, as far as the log tells."""
    return collections.Counter(e["reason"] for e in server.logs("handshake failed"))


def is_quiet(server, before):
    """As many descriptors as at first, and nobody's connection."""
    now = look(server.pid)
    return now if all(now[r]["fds"] <= before[r]["fds"] for r in workers_of(before)) else None


@pytest.mark.deadline(90)
def test_a_short_soak(reprised, running, certificate):
    soak(reprised, running, certificate, 12)


@pytest.mark.full
@pytest.mark.deadline(LONG_S + 180)
def test_soak(reprised, running, certificate):
    soak(reprised, running, certificate, LONG_S)
