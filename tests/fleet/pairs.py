"""Sessions issued at one host and offered at another, all the time, each outcome counted."""

import collections
import itertools
import random
import ssl
import threading
import time
from dataclasses import dataclass

from harness import DEADLINE
from tls import Tls

KINDS = ("ticket", "psk")
FAILURES = (OSError, ssl.SSLError, EOFError, AssertionError)


def visit(address, kind, session=None):
    """A handshake, a page and a clean end; whether it was resumed, and the session after it."""
    with Tls(address, kind, session, deadline=10.0) as tls:
        tls.handshake()
        tls.write(b"GET /session.json HTTP/1.0\r\nHost: localhost\r\n\r\n")
        page = tls.read_all()
        assert page.startswith(b"HTTP/1.1 200") or page.startswith(b"HTTP/1.0 200"), page[:80]
        return tls.resumed, tls.session


@dataclass
class Failure:
    names: tuple
    kind: str
    began: float
    ended: float
    error: str


class Pairs:
    """
    Threads that take a session at one host and offer it at another, by turns for every ordered pair and
    kind; half of the time another is offered, that was issued anywhere within the last keep_s. names: {name: address}.
    """

    def __init__(self, names, threads=2, pause=0.02, keep_s=30.0, kinds=KINDS):
        self.names, self.pause, self.keep_s = dict(names), pause, keep_s
        self.offered, self.lost, self.failed = collections.Counter(), [], []
        self.ages = {kind: [] for kind in kinds}  # of all that were offered
        turns = itertools.product(itertools.permutations(self.names, 2), kinds)
        self._turns = itertools.cycle(list(turns))
        self._kept = {kind: collections.deque(maxlen=2000) for kind in kinds}
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(random.Random(i),), daemon=True)
                         for i in range(threads)]
        for thread in self._threads:
            thread.start()

    def _aged(self, kind, source):
        """(age, whose, session), or None; what is too old is forgotten."""
        now = time.monotonic()
        with self._lock:
            kept = self._kept[kind]
            while kept and now - kept[0][0] > self.keep_s:
                kept.popleft()
            found = source.choice(kept) if len(kept) > 20 else None
        return found and (now - found[0], found[1], found[2])

    def _offer(self, where, kind, session, age, whose):
        began = time.time()
        resumed, _ = visit(self.names[where], kind, session)
        with self._lock:
            self.offered[whose, where, kind] += 1
            self.ages[kind].append(age)
            if not resumed:
                self.lost.append((round(began, 3), whose, where, kind, round(age, 3)))

    def _turn(self, one, other, kind, source):
        aged = self._aged(kind, source) if source.random() < 0.5 else None
        if aged and aged[1] != other:
            self._offer(other, kind, aged[2], aged[0], aged[1])
            return
        _, session = visit(self.names[one], kind)
        with self._lock:
            self._kept[kind].append((time.monotonic(), one, session))
        self._offer(other, kind, session, 0, one)

    def _work(self, source):
        while not self._stop.is_set():
            with self._lock:
                (one, other), kind = next(self._turns)
            began = time.time()
            try:
                self._turn(one, other, kind, source)
            except FAILURES as e:
                with self._lock:
                    self.failed.append(Failure((one, other), kind, began, time.time(), repr(e)))
            self._stop.wait(self.pause)

    def count(self):
        with self._lock:
            return sum(self.offered.values())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(DEADLINE)

    def check(self, least, is_excused=lambda _: False):
        """Ends; nothing failed, everything resumed, of each pair and kind its part."""
        self.__exit__()
        failed = [f for f in self.failed if not is_excused(f)]
        assert not failed, f"{len(failed)} failed: {failed[:5]}"
        assert not self.lost, f"{len(self.lost)} of {self.count()} lost: {self.lost[:5]}"
        assert self.count() >= least, self.count()
        n = len(self.names) * (len(self.names) - 1) * 2
        assert len(self.offered) == n, self.offered
        assert min(self.offered.values()) * n * 2 >= least, self.offered
        return self.count()
