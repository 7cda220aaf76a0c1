"""Kills processes so that it is known to the last one which connections may fail of it."""

import signal
import time
from dataclasses import dataclass, field

from census import peers_of
from harness import kill, start_time, wait_until

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
    except (FileNotFoundError, ProcessLookupError):
        return True


def kill_worker(pid, port):
    """Stops it, lists its connections, kills it. None: it ended by itself meanwhile."""
    if start_time(pid) is None or not kill(pid, signal.SIGSTOP):
        return None
    wait_until(lambda: is_stopped(pid), "it stops", step=0.001)
    try:
        ports = peers_of(pid, port)
    except (FileNotFoundError, ProcessLookupError):
        return None
    killed = Kill(time.monotonic(), pid, ports)
    kill(pid, signal.SIGKILL)
    return killed


def is_explained(visit, kills):
    """A worker took this very connection with it."""
    return any(
        visit.port in k.ports and visit.began <= k.at <= visit.ended <= k.at + SLACK_S
        for k in kills
    )
