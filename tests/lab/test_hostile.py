"""
reprise probe against servers that shake hands as they should and mean it harm: by what never ends,
by what is too long, by text that is none. It must end soon, with the truth.
"""

import contextlib
import json
import os
import subprocess
import time

import pytest
from certificates import Authority
from harness import reprise_path, wait_seconds
from labtls import Fleet, Host
from labtls.connection import Connection
from labtls.hello import Abort, message, new_session_ticket13
from labtls.host import Site
from labtls.policy import Policy
from labtls.sites import Identity
from rawtls import TLS12, TLS13, names
from test_probe import probe, report, served

SOON = 45.0
HEAD = b"HTTP/1.1 200 OK\r\n"
EMPTY = HEAD + b"Content-Length: 0\r\n\r\n"
ODD_NAMES = ("a\x1b[31m.test", "b\r\nX-Evil: 1", "<script>alert(1)</script>", "c d.test")
ODD_SERVER = b"\x1b[31mnginx\x07\"><script>alert(1)</script>\xff\xe2\x80\xae" + b"A" * 5000


def site(folder, *hosts):
    made = Authority(folder).issue(*hosts)
    return Site(hosts, Identity.load(made.chain, made.key))


class Hostile(Host):
    """Answers each request by answer(connection); ready(connection) comes before the handshake."""

    def __init__(self, served_site, policy, answer, ready=None):
        super().__init__(Fleet([served_site], [served_site]), 0, policy)
        self._answer, self._ready = answer, ready
        self.requests, self.names = [], set()

    def __call__(self, sock):
        c = Connection(self, sock)
        with contextlib.suppress(Exception):
            if self._ready:
                self._ready(c)
            c.handshake()
            self.names.add(c.hello.sni)
            while b"\r\n\r\n" not in c.records.application:
                if c.records.message()[0] is not None:
                    raise Abort(10)
            self.requests.append(c.records.application)
            self._answer(c)
            c.alert(0, 1)
        c.records.finish()


class Swollen(Hostile):
    """Its tickets are as long as NewSessionTicket can say."""

    def seal(self, policy, state):
        return os.urandom(65535)


def tell(data):
    return lambda c: c.records.write(names.APPLICATION, data)


def without_end(kind, data, first=b""):
    def answer(c):
        if first:
            c.records.write(names.APPLICATION, first)
        while True:
            c.records.write(kind, data)

    return answer


def tickets(c):
    while True:
        whole = new_session_ticket13(7200, 1, os.urandom(4), os.urandom(60000), 0)
        for at in range(0, len(whole), 16000):
            c.records.write(names.HANDSHAKE, whole[at:at + 16000])


ENDLESS = {
    "body": (TLS13, without_end(names.APPLICATION, b"x" * 16000, HEAD + b"\r\n")),
    "header": (TLS13, without_end(names.APPLICATION, b"X: y\r\n" * 2000, HEAD)),
    "interim-replies": (TLS12, without_end(names.APPLICATION, b"HTTP/1.1 100 Go\r\n\r\n" * 500)),
    "empty-records": (TLS13, without_end(names.APPLICATION, b"")),
    "tickets": (TLS13, tickets),
    "key-updates": (TLS13, without_end(names.HANDSHAKE, message(24, b"\x01"))),
    "hello-requests": (TLS12, without_end(names.HANDSHAKE, bytes(4) * 4000)),
    "warnings": (TLS12, without_end(names.ALERT, b"\x01\x5a")),
}


QUICK = ("body", "header", "interim-replies", "key-updates")


def slow_ones_in_full(what):
    return pytest.param(what, marks=[] if what in QUICK else [pytest.mark.full])


@pytest.mark.parametrize("what", map(slow_ones_in_full, ENDLESS))
def test_what_never_ends_after_the_handshake_is_ended(tmp_path, what):
    """Of the matrix as of the audit, which reads a reply in this check alone."""
    version, answer = ENDLESS[what]
    host = Hostile(site(tmp_path, "localhost"), Policy(versions=(version,)), answer)
    kind = "ticket12" if version == TLS12 else "ticket13"
    with served("127.0.0.1", host) as port:
        begun = time.monotonic()
        done = probe(f"localhost:{port}", "--at", "127.0.0.1", "--tries", 1, "--timeout", "1s",
                     "--mechanisms", kind, "--checks", "client-certificate", "--json", timeout=90)
        assert time.monotonic() - begun < SOON
    found = report(done)
    assert found["mechanisms"][0]["issued"][0]["established"]
    assert found["audit"]["checks"][0]["outcome"] == "not-applicable", found["audit"]


def test_tickets_without_end_do_not_hold_up_a_load(tmp_path):
    """One read of libssl's goes on for as long as they come, and no timer is looked at."""
    answer = without_end(names.HANDSHAKE, new_session_ticket13(7200, 1, b"n", bytes(100), 0) * 100)
    host = Hostile(site(tmp_path, "localhost"), Policy(versions=(TLS13,)), answer)
    with served("127.0.0.1", host) as port:
        begun = time.monotonic()
        subprocess.run(
            [reprise_path(), "load", "--mode", "full13,psk", "--time", "1s", "--timeout", "2s",
             "--connections", "2", "--quiet", f"127.0.0.1:{port}"],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=50, check=False)
        assert time.monotonic() - begun < 10


@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_a_ticket_that_no_hello_has_room_for_is_told(tmp_path, version):
    host = Swollen(site(tmp_path, "localhost"), Policy(versions=(version,)), tell(EMPTY))
    kind = "ticket12" if version == TLS12 else "ticket13"
    with served("127.0.0.1", host) as port:
        found = report(probe(f"localhost:{port}", "--at", "127.0.0.1", "--tries", 1, "--json",
                             "--mechanisms", kind))
    diagnosis, = found["diagnoses"]
    assert diagnosis["cause"] == "not-issued" and "too long" in diagnosis["evidence"]


def test_odd_names_in_a_certificate_are_not_asked_for(tmp_path):
    """What the audit tries as another name of the server's goes into server_name and Host."""
    hosts = ("localhost", *ODD_NAMES, "good.test")
    host = Hostile(site(tmp_path, *hosts), Policy(), tell(EMPTY))
    with served("127.0.0.1", host) as port:
        done = probe(f"localhost:{port}", "--at", "127.0.0.1", "--tries", 1, "--audit", "--json",
                     "--checks", "client-certificate", timeout=90)
    assert json.loads(done.stdout)["audit"]["checks"]
    asked = {line for request in host.requests for line in request.split(b"\r\n")}
    assert b"Host: good.test" in asked
    assert not any(word in line for line in asked for word in (b"X-Evil", b"\x1b", b"<", b"c d"))
    assert not host.names & set(ODD_NAMES)


@pytest.mark.parametrize("more", [(), ("-v",), ("--json",)])
def test_the_servers_name_for_itself_is_text(tmp_path, more):
    page = tmp_path / "page.html"
    answer = tell(HEAD + b"Server: " + ODD_SERVER + b"\r\nContent-Length: 0\r\n\r\n")
    host = Hostile(site(tmp_path, "localhost", *ODD_NAMES), Policy(), answer)
    with served("127.0.0.1", host) as port:
        done = probe(f"localhost:{port}", "--at", "127.0.0.1", "--tries", 1, "--html", page, *more)
    assert done.returncode == 0 and "nginx" in done.stdout
    shown = page.read_text(encoding="utf-8")
    assert "alert(1)" in shown and "<script>alert" not in shown
    for text in (done.stdout, shown):
        assert not any(ord(c) < 0x20 and c != "\n" or 0x7f <= ord(c) < 0xa0 for c in text)


@pytest.mark.full
@pytest.mark.deadline(120)
def test_who_is_slow_does_not_refuse_before_the_time(tmp_path):
    """By the time that it looks at a session, its short lifetime is over."""
    policy = Policy(versions=(TLS13,), lifetime=2, max_age=None)
    host = Hostile(site(tmp_path, "localhost"), policy, tell(EMPTY), lambda c: wait_seconds(0.75))
    with served("127.0.0.1", host) as port:
        found = report(probe(f"localhost:{port}", "--at", "127.0.0.1", "--tries", 1, "--json",
                             "--checks", "lifetime", "--mechanisms", "ticket13", timeout=110))
    assert not found["audit"]["findings"], found["audit"]
    assert found["audit"]["checks"][0]["outcome"] == "not-judged"
