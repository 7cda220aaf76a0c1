"""
kill -9 of workers, one every 100 ms under load.

Each is stopped first, its connections are listed, then it is killed (kills.py): so it is known to the
last one which connections may fail. A connection that waits in a queue is not among them.
"""

import os
import random
import signal
import time

import pytest
from backend import Backend
from census import complaints
from checks import KINDS, assert_resumed, fresh
from configs import config, listener, site
from figures import note
from harness import kill, role_of, wait_seconds, wait_until
from kills import is_explained, kill_worker
from lineage import Lineage
from rawtls import exchange
from visits import Storm, summary

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may look")

EVERY_S = 0.1
LIMIT = {"max_connections_per_address": 60}  # were the dead counted on, it would soon be reached
DONE = (
    "reloaded", "the configuration stays as it was", "the new process has taken over",
    "the upgrade failed, and this process goes on", "a process is back", "no upgrade",
)


def kill_for(server, seconds):
    source, kills = random.Random(3), []
    until = time.monotonic() + seconds
    due = time.monotonic()
    while time.monotonic() < until:
        workers = list(server.workers().values())
        killed = kill_worker(source.choice(workers), server.port) if workers else None
        if killed:
            kills.append(killed)
        due += EVERY_S
        wait_seconds(max(0.0, due - time.monotonic()))
    return kills


def storm(reprised, running, certificate, workers, seconds, least):
    backend = running(Backend)
    served = site(certificate, "localhost")
    both = [listener(served, backend=backend.name), listener(served)]
    server = reprised(config(*both, workers=workers, **LIMIT))
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
    assert len(kills) > least
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
    storm(reprised, running, certificate, 2, 5, least=10)


@pytest.mark.full
@pytest.mark.deadline(150)
@pytest.mark.parametrize("workers", [2, 3, 4])
def test_killed_workers_for_30_s(reprised, running, certificate, workers):
    storm(reprised, running, certificate, workers, 30, least=150)


def disturb(server, source):
    """A reload, an upgrade, or the end of any process but a parent. What a worker took with it."""
    what = source.random()
    if what < 0.15:
        server.tell(signal.SIGHUP)
    elif what < 0.25:
        server.tell(signal.SIGUSR2)
    else:
        pid = source.choice(server.everyone())
        role = role_of(pid)
        if role == "keeper":
            kill(pid, signal.SIGKILL)
        elif pid not in server.parents():
            return kill_worker(pid, server.port)
    return None


@pytest.mark.full
@pytest.mark.deadline(150)
def test_everything_at_once(running, certificate):
    """Reloads and upgrades in whose middle workers, old, new and to be, and keepers are killed."""
    backend = running(Backend)
    served = site(certificate, "localhost")
    both = [listener(served, backend=backend.name), listener(served)]
    server = running(Lineage, config(*both, workers=2, **LIMIT))
    source, kills = random.Random(4), []
    with Storm(server.address, short=4, pings=6) as load:
        wait_until(lambda: len(load.visits) > 50, "the load begins")
        until = time.monotonic() + 40
        while time.monotonic() < until:
            kills += filter(None, [disturb(server, source)])
            wait_seconds(source.uniform(0, 0.3))
        wait_until(lambda: len(server.workers()) >= 2, "workers")
        visits = load.stop()
    failed = [v for v in visits if v.failure]
    unexplained = [v for v in failed if not is_explained(v, kills)]
    done = {message: len(server.logs(message)) for message in DONE}
    note("everything at once", kills=len(kills), done=done, **summary(visits))
    assert not [v for v in failed if v.refused], "the queue was gone for a moment"
    assert not unexplained, f"{len(unexplained)} of {len(failed)} failed, {unexplained[:3]}"
    assert failed and done["reloaded"] > 3 and done["the new process has taken over"] > 0
    lost = [v for v in visits if v.lost and v.kind != "session-id"]
    assert not lost, f"sessions lost: {lost[:3]}"
    wait_until(lambda: len(server.everyone()) == 4, "one parent, one keeper, two workers")
    resumes_everywhere(server.addresses[1])
