"""
Floods: idle connections, silent ones, slow handshakes, hellos that cost much. Memory is bounded, and
others are served as well as before; how well, is only ever compared with the same machine's own
figures of a moment ago.
"""

import json
import os
import resource
import statistics

import pytest
from backend import Backend
from census import complaints, is_sanitized, look, workers_of
from chaos import hello_with
from checks import assert_resumed, fresh
from configs import config, listener, site
from figures import note
from flood import Flood
from harness import wait_seconds, wait_until
from load import load
from rawtls import exchange
from rawtls.hello import encode_hello

MANY, FEW = 20000, 1000
FLOODERS = 4
IDLE_KB = 40.0  # of a worker's memory for an idle TLS connection
SILENT_KB = 20.0  # for one that never sent a byte
TRIES = 4


class Served:
    """Two listeners of the same workers: the first one is flooded, the second serves others."""

    def __init__(self, reprised, running, certificate, workers=4, **more):
        self.running = running
        backend = running(Backend, unix=True, processes=3)
        served = site(certificate, "localhost")
        both = [listener(served, backend=backend.name, **more), listener(served)]
        self.server = reprised(config(*both, workers=workers))
        self.flooded, self.other = self.server.addresses
        self.family = self.server.family()
        self.before = look(self.server.pid)

    def flood(self, how, n):
        each = n // FLOODERS
        made = [self.running(Flood, self.flooded, how, each, k) for k in range(FLOODERS)]
        assert sum(flood.held() for flood in made) == each * FLOODERS, made[0].output.lines[-3:]
        return made

    def throw(self, folder, messages, rate):
        path = folder / "messages.json"
        path.write_text(json.dumps([m.hex() for m in messages]))
        thrown = self.running(Flood, self.flooded, "throw", path, rate)
        thrown.held()
        return [thrown]

    def fds(self):
        return sum(one["fds"] for one in workers_of(look(self.server.pid)).values())

    def kb(self, what="anon_kb"):
        return sum(one[what] for one in workers_of(look(self.server.pid)).values())

    def hold(self, fds):
        """All are accepted, and have their backend."""
        try:
            wait_until(lambda: self.fds() >= fds, "so many descriptors", deadline=8)
        except AssertionError as e:
            told = complaints(self.server)[:5]
            raise AssertionError(f"{self.fds()} descriptors of {fds}; {told}") from e

    def gone(self, deadline=60):
        """All that came have left no trace but memory to use again."""
        idle = sum(one["fds"] for one in workers_of(self.before).values())
        wait_until(lambda: self.fds() <= idle, "all descriptors are closed", deadline=deadline)

    def check(self):
        for kind in ("session-id", "ticket", "psk"):
            assert_resumed(exchange(self.other, fresh(self.other, kind).offer()), kind)
        assert self.server.family() == self.family, "a process was replaced"
        unwanted = complaints(self.server, {"lines withheld"})
        assert not unwanted, unwanted[:5]

    def p99(self):
        """Of handshakes of others, in microseconds."""
        code, found = load(self.other, "--mode", "psk", "--connections", 2, "--time", "1500ms")
        assert code == 0, found
        return found["modes"][0]["handshake_us"]["p99"]


def stop(floods):
    for flood in floods:
        flood.stop()


def assert_no_slower(what, served, begin):
    """
    At most twice the usual p99, in the best of several tries: what else the machine does makes
    single figures worth nothing. The usual one is measured before and after.
    """
    tries = []
    for _ in range(TRIES):
        usual = [served.p99() for _ in range(2)]
        floods = begin()
        during = [served.p99() for _ in range(2)]
        stop(floods)
        served.gone()
        usual += [served.p99() for _ in range(2)]
        tries.append((statistics.median(usual), min(during)))
        if during_is_fine(*tries[-1]):
            break
    note(what, p99_us=tries)
    assert any(during_is_fine(*one) for one in tries), f"{what}: {tries}"


def during_is_fine(usual, during):
    return during <= 2 * usual


def hold_many(served, how, n, bound_kb):
    """Twice the same flood: the second one needs no more memory than the first."""
    peaks = []
    for _ in range(2):
        before = served.kb()
        fds = served.fds()
        floods = served.flood(how, n)
        served.hold(fds + (2 if how == "tls" else 1) * n * 0.999)
        held = served.kb()
        peaks.append(held)
        note(f"{n} {how}", kb_each=round((held - before) / n, 2), total_kb=held,
             pss_kb=served.kb("pss_kb"))
        if not is_sanitized():
            assert held - before <= bound_kb * n + 2048
        yield floods
        stop(floods)
        served.gone()
    if not is_sanitized():
        assert peaks[1] <= peaks[0] * 1.05 + 1024, f"memory grows from flood to flood: {peaks}"
    served.check()


@pytest.mark.deadline(120)
@pytest.mark.parametrize("how,bound_kb", [("tls", IDLE_KB), ("silent", SILENT_KB)])
def test_a_thousand(reprised, running, certificate, how, bound_kb):
    served = Served(reprised, running, certificate, workers=2)
    for _ in hold_many(served, how, FEW, bound_kb):
        pass


@pytest.mark.full
@pytest.mark.deadline(600)
def test_20000_idle(reprised, running, certificate):
    """TLS connections that say nothing: idle, for as long as they may be."""
    need = 2 * MANY // FLOODERS + 1000
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < need:
        pytest.skip(f"a process may not have {need} descriptors here")
    served = Served(reprised, running, certificate)
    usual, during = [served.p99() for _ in range(3)], []
    for _ in hold_many(served, "tls", MANY, IDLE_KB):
        during += [served.p99() for _ in range(3)]
    usual += [served.p99() for _ in range(3)]
    note("p99 beside 20,000 idle", usual_us=usual, during_us=during)
    assert during_is_fine(statistics.median(usual), min(during)), (usual, during)


@pytest.mark.full
@pytest.mark.deadline(600)
def test_20000_silent(reprised, running, certificate):
    """Connections that never send a byte, until they are given up."""
    served = Served(reprised, running, certificate)
    for _ in hold_many(served, "silent", MANY, SILENT_KB):
        pass
    assert_no_slower("20,000 silent", served, lambda: served.flood("silent", MANY))


@pytest.mark.full
@pytest.mark.deadline(300)
def test_slow_handshakes(reprised, running, certificate):
    served = Served(reprised, running, certificate)
    assert_no_slower("2,000 slow handshakes", served, lambda: served.flood("slow", 2000))
    served.check()


def records(message):
    parts = [message[at: at + 16384] for at in range(0, len(message), 16384)]
    return b"".join(b"\x16\x03\x01" + len(p).to_bytes(2, "big") + p for p in parts)


def junk_identities(address, n=20):
    """Hellos of 200 identities each that bear the live key name and nothing else."""
    session = fresh(address, "psk")
    out = []
    for _ in range(n):
        made = [session.with_ticket(session.ticket[:16] + os.urandom(200)) for _ in range(200)]
        out.append(records(encode_hello(session.offer(sessions=tuple(made))).message))
    return out


def bad_tickets(address, n=200):
    """Tickets and identities of the live key, each with a bit flipped somewhere."""
    out = []
    for kind in ("ticket", "psk"):
        session = fresh(address, kind)
        for i in range(n):
            ticket = bytearray(session.ticket)
            ticket[i % len(ticket)] ^= 1 << i % 8
            out.append(records(encode_hello(session.with_ticket(ticket).offer()).message))
    return out


def oversized(_):
    return [hello_with(b"a" * 255, ticket) for ticket in (60000, 40000, 16000)] + [
        b"\x16\x03\x01\x40\x00\x01\x02\x00\x00" + bytes(16380),
        b"\x16\x03\x01\x40\x00\x01\xff\xff\xff" + bytes(16380),
        b"\x16\x03\x01\xff\xff" + bytes(60000),
    ]


THROWN = {"junk identities": junk_identities, "bad tickets": bad_tickets, "oversized": oversized}


@pytest.mark.parametrize(
    "what", [pytest.param(w, marks=[pytest.mark.full] if i else []) for i, w in enumerate(THROWN)])
def test_thrown_hellos(reprised, running, certificate, tmp_path, what):
    """Some 2,000 of each: memory does not grow with their number."""
    served = Served(reprised, running, certificate, workers=2)
    messages = THROWN[what](served.other)
    floods = served.throw(tmp_path, messages, 300)
    wait_seconds(1.5)
    early = served.kb()
    wait_seconds(3)
    late = served.kb()
    stop(floods)
    served.gone()
    note(f"thrown: {what}", early_kb=early, late_kb=late)
    if not is_sanitized():
        assert late <= early * 1.1 + 512, f"memory grows: {early} kB, then {late} kB"
    served.check()


@pytest.mark.full
@pytest.mark.deadline(300)
@pytest.mark.parametrize("what", THROWN)
def test_others_beside_thrown_hellos(reprised, running, certificate, tmp_path, what):
    served = Served(reprised, running, certificate, workers=2)
    messages = THROWN[what](served.other)
    assert_no_slower(f"thrown: {what}", served, lambda: served.throw(tmp_path, messages, 100))
    served.check()
