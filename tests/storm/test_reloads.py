"""
SIGHUP and SIGUSR2, again and again under load: no connection fails, no session is lost, and long
transfers arrive whole, whatever generation or binary they began under.
"""

import os
import signal
import socket
import time

import pytest
from backend import Backend
from census import complaints, look
from checks import KINDS, assert_resumed, fresh
from configs import config, listener, site
from figures import note
from harness import wait_until
from lineage import Lineage
from rawtls import exchange
from visits import Storm, none_failed, summary

MB = 1_000_000
RATE = 6 * MB  # of a long transfer, each way, in bytes a second


def start(running, certificate, backend, **more):
    served = site(certificate, "localhost")
    made = config(listener(served, backend=backend.name), listener(served), workers=2, **more)
    return running(Lineage, made), made


def count(server, message):
    return len(server.logs(message))


def do(server, number, message):
    """Sends the signal; returns when the log says for the next time that it was obeyed."""
    n = count(server, message)
    server.tell(number)
    server.wait_log(message, n=n + 1, deadline=60)


def storm(running, certificate, number, message, times, long_bytes):
    backend = running(Backend)
    server, _ = start(running, certificate, backend)
    address, page = server.addresses
    kept = {kind: fresh(page, kind) for kind in KINDS}
    with Storm(address, short=3, pings=6, long=2, long_bytes=long_bytes, rate=RATE) as load:
        wait_until(lambda: len(load.visits) > 50, "the load begins")
        at = []
        for _ in range(times):
            do(server, number, message)
            at.append(time.monotonic())
            n = len(load.visits)
            wait_until(lambda n=n: len(load.visits) >= n + 20, "the load goes on")
        visits = load.stop(deadline=120)
    transfers = [v for v in visits if v.what == "long"]
    crossed = max(sum(v.began < t < v.ended for t in at) for v in transfers)
    note(
        f"{times} x {signal.Signals(number).name}", seconds=round(at[-1] - at[0], 1),
        transfers=len(transfers), megabytes=long_bytes // MB, crossed=crossed, **summary(visits),
    )
    none_failed(visits)
    assert crossed >= 2, "no transfer was under way"
    assert sum(v.offered for v in visits) > 10 * times
    for kind, session in kept.items():
        assert_resumed(exchange(page, session.offer()), kind)
    unwanted = complaints(server)
    assert not unwanted, unwanted[:5]
    return server


def settled(server):
    """One parent, one keeper, two workers, and no more than that."""
    return len(server.everyone()) == 4


@pytest.mark.deadline(120)
def test_reloads(running, certificate):
    server = storm(running, certificate, signal.SIGHUP, "reloaded", 4, 20 * MB)
    wait_until(lambda: settled(server), "old workers end")


@pytest.mark.full
@pytest.mark.deadline(400)
def test_50_reloads(running, certificate):
    server = storm(running, certificate, signal.SIGHUP, "reloaded", 50, 110 * MB)
    wait_until(lambda: settled(server), "old workers end")
    early = look(server.head())
    for _ in range(50):
        do(server, signal.SIGHUP, "reloaded")
    wait_until(lambda: settled(server), "old workers end")
    late = look(server.head())
    note("50 reloads more", early=early["parent"], late=late["parent"])
    assert late["parent"]["fds"] <= early["parent"]["fds"]
    assert late["parent"]["anon_kb"] <= early["parent"]["anon_kb"] * 1.1 + 512


@pytest.mark.deadline(120)
def test_upgrades(running, certificate):
    server = storm(running, certificate, signal.SIGUSR2, "ready", 4, 20 * MB)
    wait_until(lambda: settled(server), "old parents end")


@pytest.mark.full
@pytest.mark.deadline(400)
def test_50_upgrades(running, certificate):
    server = storm(running, certificate, signal.SIGUSR2, "ready", 50, 110 * MB)
    wait_until(lambda: settled(server), "old parents end")


@pytest.mark.full
@pytest.mark.deadline(400)
def test_both_by_turns(running, certificate):
    backend = running(Backend)
    server, _ = start(running, certificate, backend)
    with Storm(server.address, short=3, pings=6) as load:
        for _ in range(15):
            do(server, signal.SIGHUP, "reloaded")
            do(server, signal.SIGUSR2, "ready")
            n = len(load.visits)
            wait_until(lambda n=n: len(load.visits) >= n + 20, "the load goes on")
        visits = load.stop(deadline=60)
    note("15 x SIGHUP and SIGUSR2 by turns", **summary(visits))
    none_failed(visits)
    wait_until(lambda: settled(server), "old parents end")


def broken(made, certificate, other, taken):
    """Configurations that are wrong, each in its own way; text or what becomes of it."""
    first, second = made["listen"]
    served = first["sites"][0]

    def listen(**changes):
        return made | {"listen": [first | changes, second]}

    def with_site(**changes):
        return listen(sites=[served | changes])

    folder = os.path.dirname(certificate.chain)
    junk = os.path.join(folder, "junk.pem")
    with open(junk, "w", encoding="utf-8") as f:
        f.write("-----BEGIN CERTIFICATE-----\njunk\n-----END CERTIFICATE-----\n")
    weak = os.path.join(folder, "weak.key")
    with open(weak, "wb") as f:
        f.write(bytes(80))
    return {
        "no YAML": "workers: [2\n listen: {",
        "nothing": "",
        "binary": "\x01\x02\x03",
        "unknown directive": made | {"colour": "blue"},
        "wrong type": made | {"workers": ["2"]},
        "wrong value": made | {"workers": 0},
        "no listener": made | {"listen": []},
        "missing certificate": with_site(certificate=os.path.join(folder, "none.pem")),
        "bad certificate": with_site(certificate=junk),
        "missing key": with_site(key=os.path.join(folder, "none.key")),
        "another's key": with_site(key=other.key),
        "address in use": made | {"listen": [first, second, second | {"address": taken}]},
        "no address": listen(address="not an address"),
        "bad backend": listen(backend="somewhere"),
        "bad ciphers": listen(ciphers="NONE-SUCH"),
        "bad groups": listen(groups="NONE-SUCH"),
        "bad duration": listen(session_timeout="3 fortnights"),
        "missing authorities": with_site(
            client_verify="required", client_ca=os.path.join(folder, "none.pem")
        ),
        "bad authorities": with_site(client_verify="required", client_ca=junk),
        "bad revocations": with_site(
            client_verify="required", client_ca=certificate.chain, crl=junk
        ),
        "bad staple": with_site(stapling_file=junk),
        "admin in use": made | {"admin": {"listen": taken}},
        "weak key file": made | {"session_ticket_key": weak},
        "what a restart is needed for": made | {"fleet": {"rotate": "2h"}},
        "unknown user": made | {"user": "nobody-of-this-name"},
    }


@pytest.mark.deadline(120)
def test_broken_configurations(running, authority, certificate):
    """Nothing changes; the log has one line that says what is wrong and where."""
    backend = running(Backend)
    server, made = start(running, certificate, backend)
    page = server.addresses[-1]
    kept = {kind: fresh(page, kind) for kind in KINDS}
    family = server.family()
    with socket.create_server(("127.0.0.1", 0)) as taken, Storm(
        server.address, short=3, pings=6, long=1, long_bytes=20 * MB, rate=RATE
    ) as load:
        wait_until(lambda: len(load.visits) > 50, "the load begins")
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        wrong = broken(made, certificate, authority.issue("other"), address)
        for what, text in wrong.items():
            since = server.mark()
            server.write_config(text)
            server.tell(signal.SIGHUP)
            entry = server.wait_log("the configuration stays as it was", since=since)
            assert entry["level"] == "error", entry
            assert ("unknown directive" in entry["reason"]) == (what == "unknown directive"), entry
            assert str(server.config_path) in entry["reason"], f"{what}: {entry}"
        assert server.family() == family, "a process was replaced"
        server.write_config(made)
        do(server, signal.SIGHUP, "reloaded")
        visits = load.stop(deadline=60)
    note("broken configurations", kinds=len(wrong), **summary(visits))
    none_failed(visits)
    for kind, session in kept.items():
        assert_resumed(exchange(page, session.offer()), kind)
    assert not complaints(server, {"the configuration stays as it was"})
