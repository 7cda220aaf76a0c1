"""ALPN (RFC 7301) in front of a backend: as configured, negotiated anew on resumption."""

import socketserver
import subprocess
import threading

import pytest
from checks import KINDS, fresh, offer_for
from configs import config, listener, one_site, site
from rawtls import Connection, names


class Hello(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall(b"hello")


@pytest.fixture
def backend():
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Hello)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def shake(address, offer):
    """A handshake and what the backend says first, by which tickets have come too."""
    with Connection(address, offer) as c:
        if c.handshake().done:
            c._guard(lambda: until_hello(c))
        return c.outcome


def until_hello(c):
    while b"hello" not in c.records.application:
        c._after_handshake()


def chosen(outcome):
    found = outcome.extensions.get(names.EXT_ALPN)
    return found[3:].decode() if found else None


CASES = [
    ((), None, ""), (("h2",), "h2", ""), (("http/1.1", "h2"), "h2", ""),
    (("spdy/1", "http/1.1"), "http/1.1", ""), (("imap",), None, "no_application_protocol"),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("offered,expected,alert", CASES)
def test_ours_come_first(reprised, certificate, backend, kind, offered, expected, alert):
    server = reprised(one_site(certificate, backend=backend, alpn=["h2", "http/1.1"]))
    outcome = shake(server.address, offer_for(kind, alpn=offered))
    assert (outcome.done, outcome.alert) == (not alert, alert), outcome.trace
    assert chosen(outcome) == expected
    if outcome.done:
        server.wait_log("connection", alpn=expected)


@pytest.mark.parametrize("kind", KINDS)
def test_none_without_the_directive(reprised, certificate, backend, kind):
    address = reprised(one_site(certificate, backend=backend)).address
    outcome = shake(address, offer_for(kind, alpn=("h2", "imap")))
    assert outcome.done and chosen(outcome) is None


@pytest.mark.parametrize("kind", KINDS)
def test_anew_on_resumption(reprised, certificate, backend, kind):
    """ALPACA, 2021: nothing of the session's protocol is left; a wrong one is refused as ever."""
    address = reprised(one_site(certificate, backend=backend, alpn=["h2", "http/1.1"])).address
    for made, *_ in CASES[:4]:
        session = shake(address, offer_for(kind, alpn=made)).session
        for offered, expected, alert in CASES:
            again = shake(address, session.offer(alpn=offered))
            assert again.alert == alert, again.trace
            assert chosen(again) == expected
            assert again.done == (not alert) and (again.resumed or alert)


@pytest.mark.parametrize("kind", KINDS)
def test_of_the_listener(reprised, certificate, backend, kind):
    """One site at two listeners whose backends differ: the session resumes, its protocol does not."""
    made = [
        listener(site(certificate, "localhost"), backend=backend, alpn=alpn)
        for alpn in ("h2", "http/1.1")
    ]
    first, second = reprised(config(*made)).addresses
    session = shake(first, offer_for(kind, alpn=("h2", "http/1.1"))).session
    again = shake(second, session.offer(alpn=("h2", "http/1.1")))
    assert again.resumed and chosen(again) == "http/1.1"
    refused = shake(second, session.offer(alpn=("h2",)))
    assert not refused.done and refused.alert == "no_application_protocol"


def test_the_page_needs_none(reprised, certificate):
    address = reprised(one_site(certificate)).address
    assert chosen(shake_only(address, offer_for("psk", alpn=("h2", "http/1.1")))) == "http/1.1"
    assert fresh(address, "psk", alpn=("http/1.1",))


def shake_only(address, offer):
    with Connection(address, offer) as c:
        return c.handshake()


def test_openssl_agrees(reprised, certificate, backend):
    server = reprised(one_site(certificate, backend=backend, alpn=["h2", "http/1.1"]))
    argv = ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-alpn", "http/1.1,h2"]
    done = subprocess.run(argv, input=b"", capture_output=True, timeout=20, check=False)
    assert b"ALPN protocol: h2" in done.stdout
