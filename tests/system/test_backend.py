"""In front of a backend: TCP and unix sockets, both directions, both ends."""

import http.server
import os
import socket
import socketserver
import ssl
import threading

import pytest
from checks import KINDS, offer_for
from configs import one_site
from rawtls import Connection, Offer, exchange

BLOCK = os.urandom(1 << 16)


class Answer(http.server.BaseHTTPRequestHandler):
    """Answers a GET of /N with N kB, a POST with its length."""

    def do_GET(self):
        n = int(self.path.strip("/")) * 1024
        self.send_response(200)
        self.send_header("Content-Length", str(n))
        self.end_headers()
        while n > 0:
            self.wfile.write(BLOCK[: min(n, len(BLOCK))])
            n -= len(BLOCK)

    def do_POST(self):
        n = int(self.headers["Content-Length"])
        self.rfile.read(n)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(str(n).encode())

    def log_message(self, *_):
        pass

    def address_string(self):
        return "client"


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class TcpServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True


@pytest.fixture(params=["tcp", "unix"])
def backend(request, open_folder):
    """A backend's address, as in the configuration."""
    if request.param == "tcp":
        server = TcpServer(("127.0.0.1", 0), Answer)
        name = f"127.0.0.1:{server.server_address[1]}"
    else:
        path = open_folder / "socket"
        server = UnixServer(str(path), Answer)
        path.chmod(0o777)
        name = f"unix:{path}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield name
    server.shutdown()
    server.server_close()
    thread.join(10)


@pytest.mark.parametrize("kilobytes", [0, 1, 64, 4096])
def test_downloads(reprised, certificate, backend, kilobytes):
    address = reprised(one_site(certificate, backend=backend)).address
    outcome = exchange(address, Offer(), path=f"/{kilobytes}")
    wanted = (BLOCK * (kilobytes // 64 + 1))[: kilobytes * 1024]
    assert outcome.body == wanted


def test_uploads(reprised, certificate, backend):
    address = reprised(one_site(certificate, backend=backend)).address
    n = 2_000_000
    with Connection(address, Offer(), deadline=20) as c:
        assert c.handshake().done
        head = f"POST / HTTP/1.0\r\nHost: localhost\r\nContent-Length: {n}\r\n\r\n".encode()
        c.records.write(23, head + bytes(n))

        def read():
            while True:
                c._after_handshake()

        c._guard(read)
        assert c.records.application.endswith(str(n).encode())


@pytest.mark.parametrize("kind", KINDS)
def test_resumption(reprised, certificate, backend, kind):
    server = reprised(one_site(certificate, backend=backend))
    session = exchange(server.address, offer_for(kind), path="/1").session
    since = server.mark()
    again = exchange(server.address, session.offer(), path="/1")
    assert again.resumed and len(again.body) == 1024
    server.wait_log("connection", since=since, session="Reused", mechanism=kind)


def test_many_at_once(reprised, certificate, backend):
    address = reprised(one_site(certificate, workers=2, backend=backend)).address
    outcomes = []

    def one():
        outcomes.append(len(exchange(address, Offer(), path="/256", deadline=30).body))

    threads = [threading.Thread(target=one) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(40)
    assert outcomes == [256 * 1024] * 20


def test_a_backend_that_is_not_there(reprised, certificate):
    """The handshake is the client's, the end comes at once, the next one is served as well."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))  # bound, not listening: refused
        name = f"127.0.0.1:{s.getsockname()[1]}"
        address = reprised(one_site(certificate, backend=name)).address
        for _ in range(3):
            outcome = exchange(address, Offer(), path="/1")
            assert not outcome.body


def test_a_client_that_leaves(reprised, certificate, backend):
    """In the middle of a download; the worker goes on."""
    server = reprised(one_site(certificate, workers=1, backend=backend))
    before = server.workers()
    for _ in range(20):
        with Connection(server.address, Offer()) as c:
            assert c.handshake().done
            c.records.write(23, b"GET /4096 HTTP/1.0\r\nHost: localhost\r\n\r\n")
            c.records.message()
    assert exchange(server.address, Offer(), path="/1").done
    assert server.workers() == before


def test_a_byte_out_of_band_stops_nobody(reprised, certificate, backend):
    """Before its mark a read ends short, with more behind it and no further event."""
    server = reprised(one_site(certificate, backend=backend, workers=1))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for _ in range(10):
        with socket.create_connection(server.address) as plain:
            with context.wrap_socket(plain.dup(), server_hostname="localhost") as tls:
                tls.settimeout(10)
                tls.sendall(b"GET /1 HT")
                plain.send(b"!", socket.MSG_OOB)
                tls.sendall(b"TP/1.0\r\n\r\n")
                assert tls.recv(5) == b"HTTP/"
