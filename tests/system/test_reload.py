"""SIGHUP: all of a new configuration or none of it; nobody's connection and no session is lost."""

import hashlib
import os
import signal
import socket
import socketserver
import ssl
import threading

import pytest
from checks import KINDS, assert_full, assert_resumed, fresh, offer_for
from configs import config, listener, one_site, site
from harness import Load, kill, start_time, wait_seconds, wait_until
from rawtls import Connection, Offer, exchange
from static_keys import key_file, nginx_key
from traffic import Promises

STAYS = "the configuration stays as it was"


def reload(server, made=None):
    """Returns the log's line about it."""
    if made is not None:
        server.write_config(made)
    since = server.mark()
    server.signal(signal.SIGHUP)
    return server.wait_log("reloaded", since=since)


def refused(server, made=None):
    """A reload that changes nothing; the reason in the log."""
    family = server.family()
    if made is not None:
        server.write_config(made)
    since = server.mark()
    server.signal(signal.SIGHUP)
    line = server.wait_log(STAYS, since=since)
    assert line["level"] == "error"
    assert server.family() == family, "somebody was replaced"
    assert not server.logs("reloaded", since=since)
    return line["reason"]


def settled(server, workers):
    """No other processes than these; their family."""
    wait_until(lambda: len(server.family()) == workers + 1, "old workers end")
    return server.family()


def served(address, name=None):
    outcome = exchange(address, Offer(sni=name) if name else Offer())
    assert_full(outcome)
    return outcome.page


class Backend(socketserver.ThreadingTCPServer):
    """Says its name; then as many bytes as a client asks for, in one line."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, name):
        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                self.wfile.write(name.encode() + b"\n")
                n = int(self.rfile.readline() or b"0")
                block = bytes(range(256)) * 256
                for _ in range(n // len(block)):
                    self.wfile.write(block)

        super().__init__(("127.0.0.1", 0), Handler)
        self.name = f"127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


@pytest.fixture
def backends():
    made = [Backend("one"), Backend("two")]
    yield made
    for server in made:
        server.shutdown()
        server.server_close()


def connect(address, name="localhost"):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    raw = socket.create_connection(address, 20)
    return context.wrap_socket(raw, server_hostname=name)


def ask_name(address):
    with connect(address) as c:
        return c.makefile("rb").readline().strip().decode()


def test_nothing_changed(reprised, certificate):
    """New workers, the keeper as it was, no connection fails, all sessions resume."""
    server = reprised(one_site(certificate, workers=2))
    sessions = {kind: fresh(server.address, kind) for kind in KINDS}
    promises = Promises(server.address, rotate=3600, accept=86400)
    before = server.family()
    with Load(promises, threads=2) as load:
        for generation in range(2, 7):
            line = reload(server)
            assert (line["generation"], line["workers"], line["sites"]) == (generation, 2, 1)
        _, failed = load.stop()
    assert not failed, failed[0]
    for kind, session in sessions.items():
        assert_resumed(exchange(server.address, session.offer()), kind)
    after = settled(server, 2)
    assert after["keeper"] == before["keeper"]
    assert not set(server.workers().values()) & set(before.values())


def test_signals_in_a_row(reprised, certificate):
    """One that comes during a reload is not lost: what is in the file at last is what runs."""
    made = one_site(certificate, workers=2)
    server = reprised(made)
    for workers in (3, 1, 4, 2, 3):
        server.write_config(made | {"workers": workers})
        server.signal(signal.SIGHUP)
    server.wait_log("reloaded", workers=3)
    wait_until(lambda: server.logs("reloaded")[-1]["workers"] == 3, "the last one counts")
    settled(server, 3)
    served(server.address)


def broken(case, made, authority, tmp_path, taken):
    """The configuration with one mistake, and what must be said of it."""
    listen = made["listen"][0]
    first = listen["sites"][0]
    other = authority.issue("other.example")

    def with_site(**more):
        return made | {"listen": [listen | {"sites": [first | more]}]}

    if case == "syntax":
        return "workers: 1\n]", ["reprised.yaml:2:1: this is no YAML"]
    if case == "an unknown directive":
        return made | {"wrokers": 3}, ["wrokers"]
    if case == "a missing certificate":
        return with_site(certificate=tmp_path / "gone.pem"), ["gone.pem", "No such file"]
    if case == "no certificate":
        path = tmp_path / "bad.pem"
        path.write_text("this is none\n")
        return with_site(certificate=path), ["bad.pem"]
    if case == "another's key":
        return with_site(key=other.key), [other.key.name]
    if case == "a missing list of revoked":
        more = {"client_verify": "required", "client_ca": authority.path, "crl": tmp_path / "no.crl"}
        return with_site(**more), ["no.crl"]
    if case == "a taken address":
        more = listener(first, address=taken)
        return made | {"listen": [listen, more]}, [taken, "Address already in use"]
    if case == "another rotation":
        return made | {"fleet": {"rotate": "2h"}}, ["fleet.rotate", "restart"]
    if case == "another acceptance":
        return made | {"fleet": {"accept": "2h"}}, ["fleet.accept", "restart"]
    if case == "files for the ratchet":
        path = key_file(tmp_path, "new.key", nginx_key(80))
        return made | {"session_ticket_key": path}, ["session_ticket_key", "restart"]
    if case == "an unknown user":
        return made | {"user": "nobody-of-that-name"}, ["there is no user nobody-of-that-name"]
    if case == "too many domains":
        sites = [first | {"name": f"s{i}.example"} for i in range(70)]
        return made | {"listen": [listen | {"sites": sites}]}, ["70 new", "63 more", "restart"]
    raise ValueError(case)


@pytest.mark.parametrize(
    "case",
    ["syntax", "an unknown directive", "a missing certificate", "no certificate", "another's key",
     "a missing list of revoked", "a taken address", "another rotation", "another acceptance",
     "files for the ratchet", "an unknown user", "too many domains"],
)
def test_a_broken_configuration_changes_nothing(reprised, authority, certificate, tmp_path, case):
    if case == "an unknown user" and os.geteuid() != 0:
        pytest.skip("users count when started as root")
    made = one_site(certificate, workers=2)
    server = reprised(made)
    sessions = {kind: fresh(server.address, kind) for kind in KINDS}
    with socket.create_server(("127.0.0.1", 0)) as s:
        taken = f"127.0.0.1:{s.getsockname()[1]}"
        text, words = broken(case, made, authority, tmp_path, taken)
        reason = refused(server, text)
    for word in words:
        assert word in reason
    assert ":" in reason.partition("reprised.yaml")[2], "no place is named"
    for kind, session in sessions.items():
        assert_resumed(exchange(server.address, session.offer()), kind)
    assert reload(server, made)["generation"] == 2
    for kind, session in sessions.items():
        assert_resumed(exchange(server.address, session.offer()), kind)


def test_a_broken_key_file_changes_nothing(reprised, certificate, tmp_path):
    path = key_file(tmp_path, "current", nginx_key(80))
    made = one_site(certificate, top={"session_ticket_key": [path]})
    server = reprised(made)
    session = fresh(server.address, "ticket")
    other = key_file(tmp_path, "other", nginx_key(17))
    assert "other" in refused(server, made | {"session_ticket_key": [path, other]})
    key = nginx_key(48)
    key_file(tmp_path, "other", key)
    since = server.mark()
    reload(server, made | {"session_ticket_key": [other, path]})
    server.wait_log("the keys of the files are in use", since=since, keys=2)
    assert_resumed(exchange(server.address, session.offer()), "ticket")
    assert fresh(server.address, "ticket").ticket[:16] == key[:16]
    assert "restart" in refused(server, one_site(certificate))


def test_what_is_no_file_any_more(reprised, certificate):
    server = reprised(one_site(certificate))
    text = server.config_path.read_text()
    server.config_path.unlink()
    assert "No such file" in refused(server)
    os.mkfifo(server.config_path)
    assert "no regular file" in refused(server)
    server.config_path.unlink()
    server.config_path.write_text(text)
    reload(server)


def test_without_a_file(running):
    from harness import Reprised

    server = running(Reprised, args=["-l", "127.0.0.1:0"], ready=False)
    server.output.find(lambda line: " ready " in line)
    since = server.mark()
    server.signal(signal.SIGHUP)
    server.output.find(lambda line: "there is no configuration file" in line, since=since)


def test_sites(reprised, authority, certificate):
    """Added, renamed, removed, given another certificate; sessions of those that stay resume."""
    one, two = authority.issue("one.example"), authority.issue("two.example")
    made = listener(site(certificate, "localhost"), site(one, "one.example"), strict_sni="on")
    server = reprised(config(made))
    kept = {kind: fresh(server.address, kind, sni="one.example") for kind in KINDS}
    gone = fresh(server.address, "psk", sni="localhost")
    made["sites"] = [site(one, "one.example"), site(two, "two.example", domain="shop")]
    reload(server, config(made))
    served(server.address, "two.example")
    outcome = exchange(server.address, Offer(sni="localhost"))
    assert not outcome.done
    assert not exchange(server.address, gone.offer()).done
    for kind, session in kept.items():
        assert_resumed(exchange(server.address, session.offer()), kind)
    shop = fresh(server.address, "ticket", sni="two.example")
    renewed = authority.issue("one.example")
    made["sites"] = [site(renewed, "one.example"), site(two, "deux.example", domain="shop")]
    reload(server, config(made))
    with connect(server.address, "one.example") as c:
        assert c.getpeercert(True) == renewed.der != one.der
    for kind, session in kept.items():
        assert_resumed(exchange(server.address, session.offer()), kind)
    assert not exchange(server.address, shop.offer()).done, "its name is no longer served"


def test_many_new_domains(reprised, certificate):
    """More than one message takes, as far as there is room."""
    long = "x" * 60
    sites = [site(certificate, f"{long}.{i}.example") for i in range(63)]
    server = reprised(config(listener(sites[0])))
    reload(server, config(listener(*sites)))
    session = fresh(server.address, "psk", sni=sites[62]["name"])
    assert_resumed(exchange(server.address, session.offer()), "psk")


def test_listeners(reprised, certificate):
    """One is added, one removed; who stays keeps its port and its queue."""
    other = listener(site(certificate, "a.example"), session_cache="off")
    made = config(listener(site(certificate, "localhost")), other)
    server = reprised(made)
    first, second = server.addresses
    since = server.mark()
    more = listener(site(certificate, "localhost"), address=f"127.0.0.2:{first.port}")
    reload(server, config(made["listen"][0], more))
    line = server.wait_log("listening", since=since)
    assert line["address"] == f"127.0.0.2:{first.port}"
    line = server.wait_log("no longer listening", since=since)
    assert line["address"] == f"127.0.0.1:{second.port}"
    served(first)
    served(("127.0.0.2", first.port))
    settled(server, 2)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(second, 5).close()
    reload(server, made)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", first.port), 5).close()


def test_from_one_address_to_all(reprised, certificate):
    made = config(listener(site(certificate, "localhost")))
    server = reprised(made)
    wide = config(listener(site(certificate, "localhost"), address=f"0.0.0.0:{server.port}"))
    session = fresh(server.address, "psk")
    reload(server, wide)
    assert_resumed(exchange(server.address, session.offer()), "psk")
    served(("127.0.0.3", server.port))


def test_workers(reprised, certificate):
    """4, 1, 3, 8: who waits in a queue is served, however many workers there are."""
    made = one_site(certificate, workers=4)
    server = reprised(made)
    sessions = {kind: fresh(server.address, kind) for kind in KINDS}
    promises = Promises(server.address, rotate=3600, accept=86400)
    with Load(promises, threads=3) as load:
        for workers in (1, 3, 8, 1):
            reload(server, made | {"workers": workers})
            settled(server, workers)
            wait_seconds(0.3)
        done, failed = load.stop()
    assert not failed, failed[0]
    assert len(done) > 20
    for kind, session in sessions.items():
        assert_resumed(exchange(server.address, session.offer()), kind)


def test_another_backend(reprised, certificate, backends):
    one, two = backends
    server = reprised(one_site(certificate, backend=one.name))
    assert ask_name(server.address) == "one"
    with connect(server.address) as old:
        lines = old.makefile("rb")
        assert lines.readline() == b"one\n"
        reload(server, one_site(certificate, backend=two.name))
        assert ask_name(server.address) == "two"
        old.sendall(b"65536\n")
        assert lines.read(65536) == bytes(range(256)) * 256, "an old connection goes on"


def test_another_cache(reprised, certificate):
    server = reprised(one_site(certificate))
    sessions = {kind: fresh(server.address, kind) for kind in KINDS}
    since = server.mark()
    reload(server, one_site(certificate, session_cache="1mb"))
    server.output.find(lambda line: "session cache has another size" in line, since=since)
    for kind, session in sessions.items():
        outcome = exchange(server.address, session.offer())
        if kind == "session-id":
            assert_full(outcome)
        else:
            assert_resumed(outcome, kind)
    reload(server, one_site(certificate, session_cache="off"))
    reload(server, one_site(certificate))
    session = fresh(server.address, "session-id")
    reload(server)
    assert_resumed(exchange(server.address, session.offer()), "session-id")


def test_the_log(reprised, certificate):
    """Its format and what it tells change with the switch."""
    made = one_site(certificate)
    server = reprised(made)
    reload(server, made | {"log": {"format": "json", "connections": False}})
    since = server.mark()
    served(server.address)
    server.write_config(made | {"log": {"format": "text"}})
    server.signal(signal.SIGHUP)
    server.output.find(lambda line: " parent reloaded " in line, since=since)
    assert not server.logs("connection", since=since)
    served(server.address)
    server.output.find(lambda line: " connection peer=" in line, since=since)


def test_another_keeper(reprised, certificate):
    """Only what it was told when it was forked takes another, which goes on with the ring."""
    made = one_site(certificate)
    server = reprised(made)
    kept = [(kind, fresh(server.address, kind)) for kind in KINDS]
    first, since = server.keeper, server.mark()
    reload(server, made | {"workers": 1})
    assert server.keeper == first
    reload(server, made | {"workers": 1, "sandbox": False})
    server.wait_log("a process is back", since=since, process="keeper")
    assert server.keeper != first
    assert not server.logs("a process ended", since=since)
    for kind, session in kept:
        assert_resumed(exchange(server.address, session.offer()), kind)


@pytest.mark.deadline(90)
def test_long_transfers(reprised, certificate, backends):
    """They began under any of ten generations, and arrive whole."""
    server = reprised(one_site(certificate, backend=backends[0].name))
    length, done = 16 << 20, threading.Event()
    begun = threading.Semaphore(0)
    expected = hashlib.sha256(bytes(range(256)) * (length // 256)).digest()

    def transfer():
        digest, n = hashlib.sha256(), 0
        with connect(server.address) as c:
            data = c.makefile("rb")
            assert data.readline() == b"one\n"
            c.sendall(b"%d\n" % length)
            while n < length:
                block = data.read(1 << 18)
                digest.update(block)
                n += len(block)
                begun.release()
                done.wait(0.05)  # until all reloads were done: slowly
        return digest.digest() == expected

    with Load(transfer, threads=4) as load:
        for _ in range(10):
            begun.acquire(timeout=20)
            assert reload(server)["workers"] == 2
        done.set()
        whole, failed = load.stop(60)
    assert not failed, failed[0]
    assert len(whole) >= 4 and all(whole)
    settled(server, 2)


def test_worker_shutdown_timeout(reprised, certificate, backends):
    made = one_site(certificate, backend=backends[0].name)
    server = reprised(made | {"worker_shutdown_timeout": "1h"})
    with connect(server.address) as c:
        assert c.makefile("rb").readline() == b"one\n"
        since = server.mark()
        line = reload(server, made | {"worker_shutdown_timeout": "1s"})
        assert line["finishing"] in (1, 2)  # the one without a connection may not have ended yet
        server.wait_log("connections broken off", since=since, connections=1)
        server.wait_log("an earlier generation has finished", since=since, generation=1)
        with pytest.raises((ConnectionError, ssl.SSLError)):
            c.sendall(b"x" * (1 << 20))
            assert not c.recv(1), "it is closed"
            raise ConnectionError
    settled(server, 2)


def test_the_end_ends_old_generations_too(reprised, certificate, backends):
    """SIGTERM shortens the time that they had."""
    made = one_site(certificate, backend=backends[0].name)
    server = reprised(made | {"shutdown_timeout": "1s"})
    with connect(server.address) as c:
        assert c.makefile("rb").readline() == b"one\n"
        reload(server)
        reload(server)
        family = [(pid, start_time(pid)) for pid in server.family().values()]
        server.signal(signal.SIGTERM)
        assert server.wait(10) == 0
    wait_until(lambda: not any(begun and start_time(pid) == begun for pid, begun in family),
               "the last that were killed are gone")


def test_the_end_during_a_reload(reprised, certificate):
    server = reprised(one_site(certificate, workers=8))
    server.signal(signal.SIGHUP)
    server.signal(signal.SIGTERM)
    assert server.wait() == 0


def test_old_workers_are_told_apart(reprised, certificate, backends):
    server = reprised(one_site(certificate, backend=backends[0].name))
    with connect(server.address) as c:
        assert c.makefile("rb").readline() == b"one\n"
        reload(server)
        wait_until(lambda: any("draining" in r for r in server.family()), "its name says so")
        settled(server, 3)
        old = [pid for role, pid in server.family().items() if "draining" in role]
        since = server.mark()
        kill(old[0], signal.SIGKILL)
        server.wait_log("an earlier generation has finished", since=since, generation=1)
    settled(server, 2)
    assert not server.logs("a process is back", since=since)


@pytest.mark.parametrize("who", ["worker 0", "keeper"])
def test_killed_in_between(reprised, authority, certificate, who):
    """Reloads that bring new domains, and kill -9 of whoever is there: each ends, one way or the
    other, and no session is lost."""
    sites = [site(certificate, f"s{i}.example") for i in range(30)]
    server = reprised(config(listener(sites[0]), workers=2))
    sessions = {kind: fresh(server.address, kind, sni="s0.example") for kind in KINDS}
    ended = 0
    for n in range(2, 30, 3):
        server.write_config(config(listener(*sites[:n]), workers=2))
        since = server.mark()
        server.signal(signal.SIGHUP)
        pid = server.family().get(who)
        if pid:
            kill(pid, signal.SIGKILL)
        server.output.find(
            lambda line: '"reloaded"' in line or STAYS in line, since=since
        )
        ended += bool(server.logs("reloaded", since=since))
    assert ended, "none came to its end"
    reload(server)
    family = settled(server, 2)
    assert set(family) == {"keeper", "worker 0", "worker 1"}
    for kind, session in sessions.items():
        assert_resumed(exchange(server.address, session.offer()), kind)
    fresh(server.address, "psk", sni="s28.example")


@pytest.mark.parametrize("count", [1, 2])
def test_killed_new_workers(reprised, certificate, count):
    """Those that are not yet ready, caught by their process ids: the reload fails, and no more."""
    server = reprised(one_site(certificate, workers=6))
    session = fresh(server.address, "psk")
    failed = 0
    for _ in range(20):
        known = set(server.family().values())
        since = server.mark()
        server.signal(signal.SIGHUP)
        new = wait_until(
            lambda known=known, since=since: set(server.family().values()) - known
            or server.logs("reloaded", since=since), "new workers", step=0.0005,
        )
        for pid in list(new)[:count] if isinstance(new, set) else []:
            kill(pid, signal.SIGKILL)
        server.output.find(
            lambda line: '"reloaded"' in line or STAYS in line, since=since
        )
        for line in server.logs(STAYS, since=since):
            assert "did not start" in line["reason"]
            failed += 1
        wait_until(lambda: len(server.workers()) == 6, "six workers serve")
        if failed >= 3:
            break
    assert failed, "none was caught"
    assert_resumed(exchange(server.address, session.offer()), "psk")
    settled(server, 6)


@pytest.mark.full
@pytest.mark.deadline(150)
@pytest.mark.parametrize("who", ["worker 1", "keeper"])
def test_one_that_stands_still_is_replaced(reprised, certificate, who):
    server = reprised(one_site(certificate, workers=2))
    stopped = server.family()[who]
    kill(stopped, signal.SIGSTOP)
    server.wait_log("a process does not answer and is killed", deadline=60, pid=stopped)
    server.wait_log("a process is back", deadline=10, process=who)
    for kind in KINDS:
        assert_resumed(exchange(server.address, fresh(server.address, kind).offer()), kind)


@pytest.mark.full
@pytest.mark.deadline(150)
def test_a_parent_that_stood_still_kills_nobody(reprised, certificate):
    server = reprised(one_site(certificate, workers=2))
    family = server.family()
    server.signal(signal.SIGSTOP)
    wait_seconds(45)
    server.signal(signal.SIGCONT)
    wait_seconds(12)
    assert server.family() == family
    assert not server.logs("a process does not answer and is killed")


def test_a_session_id_of_an_old_worker(reprised, certificate):
    """What one generation writes to the cache, the other reads, while both are there."""
    server = reprised(one_site(certificate, workers=1))
    with Connection(server.address, offer_for("session-id")) as old:
        outcome = old.handshake()
        assert outcome.done
        reload(server)
        assert_resumed(exchange(server.address, outcome.session.offer()), "session-id")
        old.request()
