"""The PROXY protocol: to backends of ours and of others, and from load balancers in front."""

import shutil
import socket
import ssl

import pytest
from checks import KINDS, offer_for
from configs import one_site
from harness import Process, accepts, free_port, wait_until
from proxy_backend import (
    ALPN, AUTHORITY, CIPHER, CN, GREETING, KEY_ALG, RESUMED, SIG_ALG, SIGNATURE, VERSION,
    ProxyBackend, header_v1, header_v2,
)
from rawtls import Connection, exchange

MECHANISMS = {"session-id": 1, "ticket": 2, "psk": 3}


@pytest.fixture(params=["tcp", "unix"])
def backend(request, open_folder):
    path = open_folder / "socket" if request.param == "unix" else None
    with ProxyBackend(path) as made:
        yield made
        assert made.errors.empty(), made.errors.get()


@pytest.fixture
def tcp_backend():
    with ProxyBackend() as made:
        yield made
        assert made.errors.empty(), made.errors.get()


def connect(address, before=b"", sni="localhost", alpn=None, pieces=0):
    """A TLS connection; what stands before the ClientHello, and in how small pieces."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if alpn:
        context.set_alpn_protocols(alpn)
    raw = socket.create_connection(address, 10)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    step = pieces or len(before) or 1
    for at in range(0, len(before), step):
        raw.sendall(before[at : at + step])
    return context.wrap_socket(raw, server_hostname=sni)


def echo(tls, text=b"some words\n"):
    tls.sendall(text)
    got = b""
    while not got.endswith(text):
        more = tls.recv(4096)
        assert more, got
        got += more
    return got


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_the_backend_learns_who_connected(reprised, certificate, backend, version):
    server = reprised(one_site(certificate, backend=backend.address, proxy_protocol=version))
    with connect(server.address) as tls:
        ours = tls.getsockname()
        header = backend.header()
        assert header.version == int(version[1])
        assert header.source == ours and header.destination == tuple(server.address)
        assert echo(tls) == GREETING + b"some words\n"


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_backend_that_speaks_first(reprised, certificate, backend, version):
    """It gets its header although the client says nothing."""
    server = reprised(one_site(certificate, backend=backend.address, proxy_protocol=version))
    with connect(server.address) as tls:
        assert tls.recv(100) == GREETING


@pytest.mark.parametrize("host", ["[::1]", "[::]"])
def test_ipv6(reprised, certificate, tcp_backend, host):
    """By IPv6, and by IPv4 to a socket of IPv6."""
    server = reprised(one_site(certificate, address=f"{host}:0", backend=tcp_backend.address,
                               proxy_protocol="v2"))
    port = server.port
    with connect(("::1", port)) as tls:
        header = tcp_backend.header()
        assert header.source == tls.getsockname()[:2] and header.destination == ("::1", port)
    if host == "[::]":
        with connect(("127.0.0.1", port)) as tls:
            header = tcp_backend.header()
            assert header.source == tls.getsockname()
            assert header.destination == ("127.0.0.1", port)


def test_what_version_2_tells(reprised, certificate, tcp_backend):
    server = reprised(one_site(certificate, backend=tcp_backend.address, proxy_protocol="v2",
                               alpn=["h2", "http/1.1"]))
    with connect(server.address, alpn=["http/1.1"]) as tls:
        header = tcp_backend.header()
        client, verify, sub = header.ssl
        assert (client, verify) == (1, 1)
        assert sub == {VERSION: tls.version(), CIPHER: tls.cipher()[0],
                       SIG_ALG: "ecdsa-with-SHA256", KEY_ALG: "EC256"}
        assert header.tlvs[ALPN] == b"http/1.1" and header.tlvs[AUTHORITY] == b"localhost"
        assert header.tlvs[RESUMED] == b"\0\0"
    with connect(server.address, sni=None) as tls:
        header = tcp_backend.header()
        assert ALPN not in header.tlvs and AUTHORITY not in header.tlvs


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_the_clients_certificate_is_told(reprised, certificate, authority, tcp_backend, version):
    """Bit 1 on the connection that presents it, bit 2 on those too that resume its session."""
    config = one_site(certificate, backend=tcp_backend.address, proxy_protocol="v2")
    config["listen"][0]["sites"][0] |= {"client_verify": "optional", "client_ca": authority.path}
    server = reprised(config)
    alice = authority.issue("Alice")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = context.maximum_version = version
    context.load_cert_chain(alice.chain, alice.key)
    session = None
    for bits in (7, 5, 5):
        raw = socket.create_connection(server.address, 10)
        with context.wrap_socket(raw, server_hostname="localhost", session=session) as tls:
            echo(tls)
            session = tls.session
            client, verify, sub = tcp_backend.header().ssl
            assert (client, verify, sub[CN]) == (bits, 0, "Alice")
            assert tls.session_reused == (bits == 5)


def test_rsa(reprised, rsa_certificate, tcp_backend):
    server = reprised(one_site(rsa_certificate, backend=tcp_backend.address, proxy_protocol="v2"))
    with connect(server.address):
        sub = tcp_backend.header().ssl[2]
        assert (sub[SIG_ALG], sub[KEY_ALG]) == ("ecdsa-with-SHA256", "RSA2048")


@pytest.mark.parametrize("kind", KINDS)
def test_resumption_is_told(reprised, certificate, tcp_backend, kind):
    server = reprised(one_site(certificate, backend=tcp_backend.address, proxy_protocol="v2"))

    def visit(offer):
        with Connection(server.address, offer) as c:
            assert c.handshake().done
            c.records.write(23, b"x\n")
            while not c.records.application.endswith(b"x\n"):
                c._after_handshake()
            return c.outcome, tcp_backend.header()

    outcome, header = visit(offer_for(kind))
    assert header.tlvs[RESUMED] == b"\0\0"
    again, header = visit(outcome.session.offer())
    assert again.resumed
    assert header.tlvs[RESUMED] == bytes([1, MECHANISMS[kind]])
    client, _, sub = header.ssl
    assert client == 1 and SIG_ALG not in sub and KEY_ALG not in sub


def test_the_first_data_goes_with_it(reprised, certificate, tcp_backend):
    """What a client says with its Finished; and much of it, whole."""
    server = reprised(one_site(certificate, backend=tcp_backend.address, proxy_protocol="v2"))
    text = b"y" * 100_000 + b"\n"
    for _ in range(5):
        with connect(server.address) as tls:
            assert echo(tls, text) == GREETING + text
            assert tcp_backend.header().source == tls.getsockname()


def test_a_backend_that_is_not_there(reprised, certificate):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))  # bound, not listening: refused
        name = f"127.0.0.1:{s.getsockname()[1]}"
        server = reprised(one_site(certificate, backend=name, proxy_protocol="v2"))
        for _ in range(3):
            with connect(server.address) as tls:
                assert tls.recv(10) == b""
        server.wait_log("backend unreachable", n=3)


# From a load balancer in front.

HEADERS = {
    "v1": header_v1("203.0.113.7"),
    "v1 tcp6": header_v1("2001:db8::7", "2001:db8::1"),
    "v2": header_v2("203.0.113.7"),
    "v2 tcp6": header_v2("2001:db8::7", "2001:db8::1"),
    "v2 with TLVs": header_v2("203.0.113.7", tlvs=b"\x02\x00\x03a.b\x04\x00\x02\0\0"),
    "v2 of 64 kB": header_v2("203.0.113.7", tlvs=b"\x04\xff\xf0" + bytes(0xFFF0)),
}


def behind(certificate, backend=None, networks=("127.0.0.0/8",), **more):
    if backend:
        more |= {"backend": backend.address, "proxy_protocol": "v2"}
    return one_site(certificate, accept_proxy=list(networks), **more)


@pytest.mark.parametrize("name", HEADERS)
@pytest.mark.parametrize("pieces", [0, 1, 7])
def test_the_header_names_the_client(reprised, certificate, tcp_backend, name, pieces):
    """In the log and in the header that goes on; whole and in crumbs."""
    server = reprised(behind(certificate, tcp_backend))
    host = "2001:db8::7" if "tcp6" in name else "203.0.113.7"
    if "64" in name and pieces:
        pieces = 4000 + pieces
    with connect(server.address, HEADERS[name], pieces=pieces) as tls:
        echo(tls)
        header = tcp_backend.header()
        assert header.source == (host, 40000) and header.destination[1] == 443
        line = server.wait_log("connection")
        assert line["peer"] in (f"{host}:40000", f"[{host}]:40000")


@pytest.mark.parametrize("before", [header_v2(), b"PROXY UNKNOWN\r\n", b"PROXY UNKNOWN x y z\r\n"])
def test_a_header_that_tells_nothing(reprised, certificate, tcp_backend, before):
    server = reprised(behind(certificate, tcp_backend))
    with connect(server.address, before) as tls:
        assert tcp_backend.header().source == tls.getsockname()


@pytest.mark.parametrize("kind", KINDS)
def test_sessions_resume(reprised, certificate, kind):
    """Header and ClientHello in one segment, as a load balancer sends them."""
    server = reprised(behind(certificate))
    tickets = []
    for i in range(3):
        offer = tickets[-1].offer() if tickets else offer_for(kind)
        with Connection(server.address, offer) as c:
            c.records._socket = HeaderFirst(c.records._socket, header_v1("203.0.113.7"))
            outcome = c.handshake()
            assert outcome.done and outcome.resumed == (i > 0)
            c.request()
            tickets += outcome.sessions


class HeaderFirst:
    """A socket that puts a header before the first that it sends."""

    def __init__(self, sock, header):
        self._sock, self._header = sock, header

    def sendall(self, data):
        self._sock.sendall(self._header + data)
        self._header = b""

    def __getattr__(self, name):
        return getattr(self._sock, name)


BAD = {
    "no header": b"",
    "another protocol": b"GET / HTTP/1.1\r\n\r\n",
    "a line without its end": b"PROXY TCP4 " + b"1" * 200,
    "a malformed line": b"PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n",
    "an unknown command": SIGNATURE + b"\x22\x11\x00\x0c" + bytes(12),
    "a length too short": SIGNATURE + b"\x21\x11\x00\x04" + bytes(12),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_header_is_refused(reprised, certificate, name):
    server = reprised(behind(certificate, workers=1))
    with pytest.raises((ssl.SSLError, OSError)):
        connect(server.address, BAD[name])
    line = server.wait_log("PROXY header refused")
    assert line["peer"].startswith("127.0.0.1:") and line["reason"]
    with connect(server.address, header_v1("203.0.113.7")):
        pass


def test_a_header_that_does_not_come(reprised, certificate):
    server = reprised(behind(certificate, handshake_timeout="300ms"))
    with socket.create_connection(server.address, 10) as s:
        s.sendall(b"PROXY TCP4 1.2")
        assert s.recv(1) == b""
    assert "timed out" in server.wait_log("PROXY header refused")["reason"]


def test_from_others_no_header_is_taken(reprised, certificate, tcp_backend):
    """A forged one is a failed handshake; without one they are served."""
    server = reprised(behind(certificate, tcp_backend, networks=["127.0.0.2", "10.0.0.0/8"]))
    with pytest.raises((ssl.SSLError, OSError)):
        connect(server.address, header_v1("203.0.113.7"))
    server.wait_log("handshake failed")
    with connect(server.address) as tls:
        echo(tls)
        assert tcp_backend.header().source == tls.getsockname()
    assert not server.logs("PROXY header refused")


# With others' implementations.

HAPROXY_FRONT = """
global
  maxconn 100
defaults
  mode tcp
  timeout connect 5s
  timeout client 20s
  timeout server 20s
listen front
  bind 127.0.0.1:{port}
  server s {server} {option}
"""

HAPROXY_BACK = """
global
  maxconn 100
defaults
  mode http
  timeout connect 5s
  timeout client 20s
  timeout server 20s
frontend back
  bind 127.0.0.1:{port} accept-proxy
  http-request return status 200 content-type text/plain lf-string \
"%[src] %[src_port] %[fc_pp_authority]"
"""


def run_haproxy(folder, text, port):
    program = shutil.which("haproxy", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    if program is None:
        pytest.skip("haproxy is not installed")
    path = folder / "haproxy.cfg"
    path.write_text(text)
    made = Process([program, "-db", "-f", path], cwd=folder)
    wait_until(lambda: accepts(port) or made.popen.poll() is not None, "haproxy listens")
    assert made.popen.poll() is None, "\n".join(made.output.lines)
    return made


@pytest.mark.parametrize("option", ["send-proxy", "send-proxy-v2"])
def test_haproxy_in_front(reprised, certificate, tcp_backend, tmp_path, option):
    server = reprised(behind(certificate, tcp_backend))
    port = free_port()
    text = HAPROXY_FRONT.format(port=port, server=f"127.0.0.1:{server.port}", option=option)
    with run_haproxy(tmp_path, text, port):
        with connect(("127.0.0.1", port)) as tls:
            echo(tls)
            host, mine = tls.getsockname()
            line = server.wait_log("connection")
            assert line["peer"] == f"{host}:{mine}"
            header = tcp_backend.header()
            assert header.source == (host, mine) and header.destination == ("127.0.0.1", port)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_haproxy_as_the_backend(reprised, certificate, tmp_path, version):
    port = free_port()
    with run_haproxy(tmp_path, HAPROXY_BACK.format(port=port), port):
        server = reprised(one_site(certificate, backend=f"127.0.0.1:{port}",
                                   proxy_protocol=version))
        with connect(server.address) as tls:
            tls.sendall(b"GET / HTTP/1.0\r\n\r\n")
            host, mine = tls.getsockname()
            answer = read_all(tls)
            name = "localhost" if version == "v2" else ""
            assert answer.endswith(f"{host} {mine} {name}".encode()), answer


NGINX_BACK = """
daemon off; master_process off; error_log stderr info; pid {folder}/nginx.pid;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{port} proxy_protocol; keepalive_timeout 0;
    location / {{
      return 200 '$proxy_protocol_addr $proxy_protocol_port $proxy_protocol_server_port';
    }}
  }}
}}
"""


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_nginx_as_the_backend(reprised, certificate, tmp_path, version):
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    if program is None:
        pytest.skip("nginx is not installed")
    port = free_port()
    path = tmp_path / "nginx.conf"
    path.write_text(NGINX_BACK.format(folder=tmp_path, port=port))
    with Process([program, "-p", tmp_path, "-c", path, "-e", "stderr"]) as nginx:
        wait_until(lambda: accepts(port) or nginx.popen.poll() is not None, "nginx listens")
        server = reprised(one_site(certificate, backend=f"127.0.0.1:{port}",
                                   proxy_protocol=version))
        with connect(server.address) as tls:
            tls.sendall(b"GET / HTTP/1.0\r\n\r\n")
            host, mine = tls.getsockname()
            answer = read_all(tls)
            assert answer.endswith(f"{host} {mine} {server.port}".encode()), answer


def read_all(tls):
    out = b""
    while True:
        more = tls.recv(4096)
        if not more:
            return out
        out += more
