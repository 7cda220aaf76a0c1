"""A host and the fleet it is of: keys, caches, sites; what outlives a connection."""

import itertools
import os
import random
import threading
import time
from dataclasses import dataclass

from rawtls import Malformed

from . import session, ticket


CACHED_MOST = 10000


@dataclass(frozen=True)
class Site:
    """What is served under some names."""

    names: tuple
    certificate: object  # with files chain and key, and key objects (see sites.py)
    client_authority: object = None  # a certificate of whose is asked for, and required


class Cache:
    """Sessions by ID; the oldest leaves."""

    def __init__(self):
        self._lock = threading.Lock()
        self._sessions = {}

    def put(self, session_id, state):
        with self._lock:
            self._sessions[session_id] = state
            while len(self._sessions) > CACHED_MOST:
                del self._sessions[next(iter(self._sessions))]

    def get(self, session_id):
        with self._lock:
            return self._sessions.get(session_id)

    def drop(self, session_id):
        with self._lock:
            self._sessions.pop(session_id, None)


class Once:
    """Says of each thing whether it is the first time."""

    def __init__(self):
        self._lock = threading.Lock()
        self._seen = set()

    def first(self, thing):
        with self._lock:
            fresh = thing not in self._seen
            self._seen.add(thing)
            return fresh

    def first_unless_hurried(self, thing, pause):
        """The same with a gap between the look and the note, in which others look, too."""
        fresh = thing not in self._seen
        threading.Event().wait(pause)
        self._seen.add(thing)
        return fresh


class Fleet:
    """What hosts share."""

    def __init__(self, sites, own_sites):
        self.sites = sites
        self.own_sites = own_sites  # the same names under other certificates
        self.seed = os.urandom(32)
        self.cache = Cache()
        self.used = Once()
        self.serial = itertools.count(1)


class Host:
    """
    One address. Faulty is the policy for one in so many resumptions (and for the full handshakes
    where it is always); processes are changes to it, of which each connection gets one at random.
    """

    def __init__(self, fleet, index, sound, faulty=None, one_in=1, processes=()):
        self.fleet, self.index = fleet, index
        self._sound, self._faulty, self._one_in = sound, faulty or sound, one_in
        self._processes = processes
        self._random = random.Random(index)
        self._turn = itertools.count(1)
        self._own_seed = os.urandom(32)
        self._own_caches = {}
        self.early = Once()

    def policy(self, resuming):
        """For this connection, whose ClientHello offers a session or does not."""
        if self._one_in == 1:
            chosen = self._faulty
        elif resuming and next(self._turn) % self._one_in == 0:
            chosen = self._faulty
        else:
            chosen = self._sound
        if self._processes:
            chosen = chosen.but(**self._random.choice(self._processes))
        return chosen

    def restart(self):
        """What a crash costs: everything that only this process knew."""
        self._own_seed = os.urandom(32)
        self._own_caches = {}

    def keys(self, policy):
        out = []
        for label in policy.keys:
            own = label.startswith("own")
            seed = self._own_seed if own else self.fleet.seed
            if policy.key_name and own:
                name = ticket.derive_key(self.fleet.seed, policy.key_name).name
                made = ticket.derive_key(seed, label)
                out.append(ticket.Key(name, made.aes, made.mac))
            else:
                out.append(ticket.derive_key(seed, label))
        return out

    def cache(self, policy):
        if policy.cache == "fleet":
            return self.fleet.cache
        if policy.cache == "none":
            return Cache()
        return self._own_caches.setdefault(policy.cache, Cache())

    def site(self, policy, name):
        """By its name; the first for a name that is unknown or missing."""
        sites = self.fleet.own_sites if policy.certificate == "own" else self.fleet.sites
        return next((s for s in sites if name in s.names), sites[0])

    def seal(self, policy, state):
        data = session.encode(state, policy.lifetime)
        return ticket.seal(policy, self.keys(policy)[0], data)

    def unseal(self, policy, sealed):
        data = ticket.unseal(policy, self.keys(policy), sealed)
        try:
            return None if data is None else session.decode(data)
        except Malformed:
            return None

    def fresh(self, policy, state):
        """Whether it is still to be resumed."""
        now = time.time()
        kept = policy.lifetime if policy.kept is None else policy.kept
        if now - state.issued >= kept:
            return False
        return policy.max_age is None or now - state.authenticated < policy.max_age

    def lifetime(self, policy, state):
        """As advertised for a session issued now."""
        if policy.max_age is None or policy.kept is not None:
            return policy.lifetime
        return max(1, min(policy.lifetime, policy.max_age - int(time.time() - state.authenticated)))
