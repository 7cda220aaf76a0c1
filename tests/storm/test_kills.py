"""
kill -9 of workers, one every 100 ms under load.

Each is stopped first, its connections are listed, then it is killed: so it is known to the last one
which connections may fail. A connection that waits in a queue is not among them.
"""

import os
import random
import signal
import time
from dataclasses import dataclass, field

import pytest
from backend import Backend
from census import complaints, peers_of
from checks import KINDS, assert_resumed, fresh
from configs import config, listener, site
from figures import note
from harness import kill, start_time, wait_seconds, wait_until
from rawtls import exchange
from visits import Storm, summary

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may look")

EVERY_S = 0.1
SLACK_S = 2.0  # until a client has seen the end of its worker


@dataclass
class Kill:
    at: float
    pid: int
    ports: set = field(default_factory=set)


def is_stopped(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
            return f.read().rpartition(")")[2].split()[0] in "TZ"
    except FileNotFoundError:
        return True


def kill_one(server, source):
    """Kills a worker, if there is one; what it took with it."""
    workers = list(server.workers().values())
    if not workers:
        return None
    pid = source.choice(workers)
    begun = start_time(pid)
    if begun is None or not kill(pid, signal.SIGSTOP):
        return None
    wait_until(lambda: is_stopped(pid), "it stops", step=0.001)
    try:
        ports = peers_of(pid, server.port)
    except FileNotFoundError:
        return None
    killed = Kill(time.monotonic(), pid, ports)
    kill(pid, signal.SIGKILL)
    return killed


def kill_for(server, seconds):
    source, kills = random.Random(3), []
    until = time.monotonic() + seconds
    due = time.monotonic()
    while time.monotonic() < until:
        killed = kill_one(server, source)
        if killed:
            kills.append(killed)
        due += EVERY_S
        wait_seconds(max(0.0, due - time.monotonic()))
    return kills


def is_explained(visit, kills):
    """A worker took this very connection with it."""
    return any(
        visit.port in k.ports and visit.began <= k.at <= visit.ended <= k.at + SLACK_S
        for k in kills
    )


def storm(reprised, running, certificate, workers, seconds):
    backend = running(Backend)
    served = site(certificate, "localhost")
    both = [listener(served, backend=backend.name), listener(served)]
    server = reprised(config(*both, workers=workers))
    keeper = server.keeper
    with Storm(server.address, short=4, pings=6) as load:
        wait_until(lambda: len(load.visits) > 50, "the load begins")
        kills = kill_for(server, seconds)
        visits = load.stop()
    failed = [v for v in visits if v.failure]
    unexplained = [v for v in failed if not is_explained(v, kills)]
    lost = [v for v in visits if v.lost]
    note(
        f"kill storm, {workers} workers, {seconds} s", kills=len(kills),
        taken=sum(len(k.ports) for k in kills), **summary(visits),
    )
    assert not [v for v in failed if v.refused], "the queue was gone for a moment"
    assert not unexplained, f"{len(unexplained)} of {len(failed)} failed, {unexplained[:3]}"
    assert failed, "no kill met a connection: this proves nothing"
    assert len(kills) > 5 * seconds
    elsewhere = [v for v in lost if v.kind != "session-id"]
    assert not elsewhere, f"sessions lost: {elsewhere[:3]}"
    offered = sum(v.offered for v in visits if v.kind == "session-id")
    assert offered > 20 and len(lost) <= max(3, offered // 20), (len(lost), offered)
    wait_until(lambda: len(server.workers()) == workers, "all workers")
    assert server.keeper == keeper
    unwanted = complaints(server, {"a process ended"})
    assert not unwanted, unwanted[:3]
    resumes_everywhere(server.addresses[-1])


def resumes_everywhere(with_page):
    """The cache takes sessions and gives them back, whatever its locks went through."""
    for kind in KINDS:
        for _ in range(20):
            assert_resumed(exchange(with_page, fresh(with_page, kind).offer()), kind)


@pytest.mark.deadline(60)
def test_killed_workers(reprised, running, certificate):
    storm(reprised, running, certificate, 2, 5)


@pytest.mark.full
@pytest.mark.deadline(150)
@pytest.mark.parametrize("workers", [2, 3, 4])
def test_killed_workers_for_30_s(reprised, running, certificate, workers):
    storm(reprised, running, certificate, workers, 30)
