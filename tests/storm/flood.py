"""
Connections by the thousand, from processes of their own and from many addresses of the loopback
network, as one address has too few ports.

    flood.py HOST PORT tls N K       N connections that shake hands and then say nothing
    flood.py HOST PORT silent N K    N that never send a byte
    flood.py HOST PORT slow N K      N that send their ClientHello a byte at a time, again and again
    flood.py HOST PORT throw FILE RATE  sends each message of a file on a connection of its own, so
                                        many a second, and leaves without reading

K: the number of this process among several. Each says "held N" and ends with SIGTERM; what could
not be held is said too.
"""

import collections
import json
import os
import resource
import signal
import sys
import time
from pathlib import Path

from harness import Process, wait_seconds
from tls import Tls, connect, reset

PER_SOURCE = 500
CRUMB_S = 0.2
HELD_S = 120.0
AT_ONCE = 60  # thrown and not yet given up


def source_of(number, i):
    return f"127.0.{10 + number}.{1 + i // PER_SOURCE}"


def hold_tls(address, number, i):
    tls = Tls(address, "psk" if i % 2 else "ticket", source=source_of(number, i), deadline=60)
    tls.handshake()
    return tls.plain  # the rest is not needed to keep it open


def hold_silent(address, number, i):
    return connect(address, source_of(number, i), deadline=60)


def hold(address, n, number, how):
    held, lost = [], 0
    for i in range(n):
        try:
            held.append(how(address, number, i))
        except OSError as e:
            lost += 1
            print(f"lost {e!r}", flush=True)
    print(f"held {len(held)}", flush=True)
    signal.sigwait({signal.SIGTERM})
    for plain in held:
        reset(plain)


class Crumbs:
    """A connection whose ClientHello comes a byte at a time."""

    def __init__(self, address, number, i):
        self.address, self.number, self.i = address, number, i
        self.plain, self.left = None, b""

    def step(self):
        try:
            if not self.left:
                self.begin()
            self.plain.send(self.left[:1])
            self.left = self.left[1:]
        except OSError:
            self.left = b""

    def begin(self):
        if self.plain:
            self.plain.close()
        tls = Tls(self.address, "psk", source=source_of(self.number, self.i), deadline=60)
        self.left = tls.first_flight()
        self.plain = tls.plain


def crumble(address, n, number):
    crumbs = [Crumbs(address, number, i) for i in range(n)]
    said = False
    while True:
        for one in crumbs:
            one.step()
        if not said:
            print(f"held {n}", flush=True)
            said = True
        wait_seconds(CRUMB_S)


def throw(address, path, rate):
    messages = [bytes.fromhex(m) for m in json.loads(Path(path).read_text())]
    begun, n, thrown = time.monotonic(), 0, collections.deque()
    while True:
        try:
            thrown.append(connect(address, source_of(0, n % 10000), deadline=10))
            thrown[-1].sendall(messages[n % len(messages)])
        except OSError:
            pass
        if len(thrown) > AT_ONCE:
            reset(thrown.popleft())
        n += 1
        if n == 50:
            print(f"held {n}", flush=True)
        wait_seconds(max(0.0, begun + n / rate - time.monotonic()))


def main(host, port, how, *more):
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM} if how in ("tls", "silent") else set())
    address = (host, int(port))
    if how == "throw":
        throw(address, more[0], float(more[1]))
    elif how == "slow":
        crumble(address, int(more[0]), int(more[1]))
    else:
        hold(address, int(more[0]), int(more[1]), {"tls": hold_tls, "silent": hold_silent}[how])


class Flood(Process):
    """running(Flood, address, "tls", 5000, 1); held() waits until it is there."""

    def __init__(self, _, address, *more):
        here = Path(__file__).resolve()
        env = dict(os.environ, PYTHONPATH=str(here.parents[1] / "system"))
        super().__init__(["/usr/bin/python3", here, address.host, address.port, *more], env=env)

    def held(self):
        found = self.output.find(lambda s: s.startswith("held") and s, deadline=HELD_S)[0]
        return int(found.split()[1])


if __name__ == "__main__":
    main(*sys.argv[1:])
