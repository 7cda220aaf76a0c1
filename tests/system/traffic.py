"""Clients that keep their sessions for a while and hold the server to its promises."""

import random
import threading

from checks import KINDS, describe, offer_for
from rawtls import exchange

SLACK = 0.4  # seconds of a busy machine's making


class Promises:
    """
    Each call makes one connection: either a full handshake, whose session it keeps, or a resumption
    of one that was kept, which must succeed within what was promised and fail after it.
    """

    def __init__(self, address, rotate, accept, late=0.0, kinds=KINDS, keep=24):
        self.address, self.kinds, self.keep = address, kinds, keep
        self.rotate, self.accept = rotate, accept
        self.late = late  # by how much an epoch may begin too late: no keeper was there
        self.counts = {"full": 0, "resumed": 0, "expired": 0}
        self.key_names = []
        self._kept, self._lock, self._random = [], threading.Lock(), random.Random(0)

    def _promised(self, session):
        """
        Good for this long at least. For session IDs nothing is advertised; their lifetime is in
        whole seconds too, and one that was sealed a moment past its epoch has a moment less.
        """
        return session.lifetime if session.ticket else self.accept - 1 - self.late

    def _gone(self, session):
        """Bad after this long."""
        most = self.rotate + self.accept
        return min(most, session.lifetime + 1.0) if session.ticket else most

    def _pick(self):
        with self._lock:
            if len(self._kept) < self.keep or self._random.random() < 0.3:
                return None
            return self._random.choice(self._kept)

    def _count(self, what):
        with self._lock:
            self.counts[what] += 1

    def _full(self):
        outcome = exchange(self.address, offer_for(self._random.choice(self.kinds)), path="/")
        assert outcome.done and not outcome.alert, outcome.trace
        with self._lock:
            self.counts["full"] += 1
            self._kept.append(outcome.session)
            name = outcome.session.ticket[:16]
            if name and name not in self.key_names:
                self.key_names.append(name)

    def __call__(self):
        session = self._pick()
        if session is None:
            self._full()
            return
        begun = session.age_ms() / 1000
        outcome = exchange(self.address, session.offer())
        ended = session.age_ms() / 1000
        assert outcome.done and not outcome.alert, outcome.trace
        if begun > self._gone(session) + SLACK:
            assert not outcome.resumed, f"resumed after {begun:.2f} s: {describe(outcome)}"
            self._count("expired")
            with self._lock:
                if session in self._kept:
                    self._kept.remove(session)
        elif ended < self._promised(session) - SLACK:
            assert outcome.resumed, f"not resumed after {ended:.2f} s: {describe(outcome)}"
            self._count("resumed")


