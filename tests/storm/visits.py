"""Load made of visits, each with its outcome, so that every failure can be explained."""

import random
import ssl
import threading
import time
from dataclasses import dataclass

from backend import both_hash
from harness import DEADLINE
from tls import KINDS, Tls

FAILURES = (OSError, ssl.SSLError, EOFError, AssertionError)


@dataclass
class Visit:
    what: str
    kind: str
    began: float
    port: int = 0
    offered: bool = False
    resumed: bool = False
    failure: str = ""
    refused: bool = False
    ended: float = 0.0

    @property
    def lost(self):
        """It offered a session and had to do without."""
        return self.offered and not self.resumed and not self.failure


class Storm:
    """
    Threads that visit until stopped: short ones (full or resumed by each mechanism, a few bytes to
    and fro), pings on connections that stay open, and long transfers both ways. In front of a
    Backend.
    """

    def __init__(self, address, short=4, pings=8, long=0, long_bytes=0, rate=None, keep=60):
        self.address, self.keep = address, keep
        self.long_bytes, self.rate = long_bytes, rate
        self.visits = []
        self._sessions = {kind: [] for kind in KINDS}
        self._stop, self._lock = threading.Event(), threading.Lock()
        works = [self._short] * short + [self._ping] * pings + [self._long] * long
        self._threads = [
            threading.Thread(target=self._work, args=(work, random.Random(i)), daemon=True)
            for i, work in enumerate(works)
        ]
        for thread in self._threads:
            thread.start()

    def _work(self, work, source):
        while not self._stop.is_set():
            kind = source.choice(KINDS)
            visit = Visit(work.__name__.strip("_"), kind, time.monotonic())
            try:
                work(visit, source)
            except FAILURES as e:
                visit.failure = repr(e)
                visit.refused = isinstance(e, ConnectionRefusedError)
            visit.ended = time.monotonic()
            with self._lock:
                self.visits.append(visit)

    def _open(self, visit, session=None):
        visit.offered = session is not None
        tls = Tls(self.address, visit.kind, session)
        visit.port = tls.port
        try:
            tls.handshake()
        except BaseException:
            tls.plain.close()
            raise
        visit.resumed = tls.resumed
        return tls

    def _choose(self, visit, source):
        with self._lock:
            kept = self._sessions[visit.kind]
            enough = len(kept) >= self.keep or (len(kept) > 4 and source.random() < 0.7)
            return source.choice(kept) if enough else None

    def _keep(self, visit, session, source):
        with self._lock:
            kept = self._sessions[visit.kind]
            if len(kept) < self.keep:
                kept.append(session)
            else:
                kept[source.randrange(len(kept))] = session

    def _short(self, visit, source):
        with self._open(visit, self._choose(visit, source)) as tls:
            word = source.randbytes(20).hex().encode()
            tls.write(b"ECHO\n" + word)
            assert tls.read_exactly(len(word)) == word, "another echo"
            tls.end()
            assert tls.read() == b"", "something after the end"
            if not visit.offered or visit.lost or visit.kind == "psk":
                self._keep(visit, tls.session, source)

    def _ping(self, visit, source):
        with self._open(visit) as tls:
            tls.write(b"ECHO\n")
            while not self._stop.is_set():
                word = source.randbytes(20).hex().encode()
                tls.write(word)
                assert tls.read_exactly(len(word)) == word, "another echo"
                self._stop.wait(0.02)
            tls.end()
            assert tls.read() == b"", "something after the end"

    def _long(self, visit, source):
        with self._open(visit) as tls:
            n = self.long_bytes
            tls.write(b"BOTH %d\n" % n)
            got = tls.transfer(n, ends=True, rate=self.rate)
            assert got == both_hash(n, n), "not what was sent"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stop.set()

    def stop(self, deadline=DEADLINE):
        """Ends the load; every visit comes to its end."""
        self._stop.set()
        until = time.monotonic() + deadline
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
            assert not thread.is_alive(), "a visit does not end"
        return self.visits

    def sessions(self, kind):
        with self._lock:
            return list(self._sessions[kind])


def summary(visits):
    """Counts, for figures and for failures' texts."""
    out = {"visits": len(visits), "failed": 0, "offered": 0, "lost": 0}
    for visit in visits:
        out["failed"] += bool(visit.failure)
        out["offered"] += visit.offered
        out["lost"] += visit.lost
    return out


def none_failed(visits):
    failed = [v for v in visits if v.failure]
    lost = [v for v in visits if v.lost]
    assert not failed, f"{summary(visits)}, such as {failed[:3]}"
    assert not lost, f"{summary(visits)}, such as {lost[:3]}"
