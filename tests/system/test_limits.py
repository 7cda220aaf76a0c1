"""Time-outs, and limits of connections: in all, of an address, and of descriptors."""

import re
import resource
import signal
import socket
import ssl
import time
from pathlib import Path

import pytest
from configs import one_site
from harness import kill, wait_seconds, wait_until
from proxy_backend import GREETING, ProxyBackend, header_v2


@pytest.fixture
def backend():
    with ProxyBackend(expects_header=False) as made:
        yield made
        assert made.errors.empty(), made.errors.get()


def context():
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    return made


def connect(address, source="127.0.0.1", before=b"", timeout=10):
    raw = socket.create_connection(address, timeout, (source, 0))
    try:
        raw.sendall(before)
        return context().wrap_socket(raw, server_hostname="localhost")
    except BaseException:
        raw.close()
        raise


def served(address, **more):
    """A connection that got its greeting from the backend."""
    tls = connect(address, **more)
    assert tls.recv(100) == GREETING
    return tls


def refused(address, **more):
    """Closed before anything was said."""
    started = time.monotonic()
    with pytest.raises((ssl.SSLError, ConnectionError, EOFError)):
        connect(address, **more).close()
    return time.monotonic() - started < 5


def waits(address):
    """Connected, and not served: its TLS connection is to be finished by the caller."""
    raw = socket.create_connection(address, 10)
    made = context().wrap_socket(raw, server_hostname="localhost", do_handshake_on_connect=False)
    made.settimeout(0.4)
    with pytest.raises(TimeoutError):
        made.do_handshake()
    made.settimeout(10)
    return made


def close_all(connections):
    for c in connections:
        c.close()


# Time-outs.


def test_a_handshake_has_its_time(reprised, certificate):
    """In all: bytes that come in crumbs give no more."""
    server = reprised(one_site(certificate, handshake_timeout="500ms"))
    started = time.monotonic()
    with socket.create_connection(server.address, 10) as silent:
        with socket.create_connection(server.address, 10) as slow:
            slow.setblocking(False)
            ended = False
            for byte in b"\x16\x03\x01\x40\x00" + bytes(200):
                try:
                    slow.send(bytes([byte]))
                    ended = slow.recv(1) == b""
                except BlockingIOError:
                    pass
                except ConnectionError:
                    ended = True
                if ended:
                    break
                wait_seconds(0.02)
            assert ended
        assert silent.recv(1) == b""
    assert 0.4 < time.monotonic() - started < 4
    server.wait_log("handshake failed", reason="timed out")


def full_queue():
    """A listening socket that takes no more: connecting to it never ends."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(0)
    filling = []
    for _ in range(3):
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex(listening.getsockname())
        filling.append(s)
    return listening, filling


def test_reaching_the_backend_has_its_time(reprised, certificate):
    listening, filling = full_queue()
    name = f"127.0.0.1:{listening.getsockname()[1]}"
    for more in ({}, {"proxy_protocol": "v2"}):
        server = reprised(one_site(certificate, backend=name, proxy_connect_timeout="500ms",
                                   **more))
        started = time.monotonic()
        with connect(server.address) as tls:
            tls.sendall(b"x" * 100)
            assert tls.recv(1) == b""
        assert 0.4 < time.monotonic() - started < 4
        server.wait_log("backend unreachable", reason="timed out")
    close_all([listening, *filling])


@pytest.mark.parametrize("protocol", ["off", "v2"])
def test_an_idle_connection_has_its_time(reprised, certificate, protocol):
    """Which begins again with whatever is passed on; connecting has a time of its own."""
    with ProxyBackend(expects_header=protocol != "off") as made:
        server = reprised(one_site(certificate, backend=made.address, proxy_timeout="900ms",
                                   proxy_connect_timeout="300ms", proxy_protocol=protocol))
        with served(server.address) as tls:
            started = time.monotonic()
            while time.monotonic() - started < 1.8:
                wait_seconds(0.45)
                tls.sendall(b"x\n")
                assert tls.recv(10) == b"x\n"
            idle = time.monotonic()
            assert tls.recv(1) == b""
            assert 0.7 < time.monotonic() - idle < 5


def test_a_half_closed_connection_has_less(reprised, certificate):
    """The backend has ended, the client says nothing more."""
    listening = socket.create_server(("127.0.0.1", 0))
    name = f"127.0.0.1:{listening.getsockname()[1]}"
    server = reprised(one_site(certificate, backend=name, half_close_timeout="500ms"))
    with connect(server.address) as tls:
        with listening.accept()[0] as back:
            back.shutdown(socket.SHUT_WR)
            assert tls.recv(1) == b""
            started = time.monotonic()
            back.settimeout(10)
            try:
                assert back.recv(1) == b""
            except ConnectionResetError:
                pass
            assert 0.3 < time.monotonic() - started < 4
    listening.close()


# Connections.


def test_connections_beyond_the_maximum_wait(reprised, certificate, backend):
    """Of all workers; they are served when there is room."""
    server = reprised(one_site(certificate, backend=backend.address, workers=2,
                               top={"max_connections": 6}))
    open_ones = [served(server.address) for _ in range(6)]
    waiting = [waits(server.address) for _ in range(3)]
    server.wait_log("accepting paused", reason="max_connections")
    close_all(open_ones[:3])
    for tls in waiting:
        tls.do_handshake()
        assert tls.recv(100) == GREETING
    close_all(open_ones + waiting)


def test_the_maximum_survives_killed_workers(reprised, certificate, backend):
    server = reprised(one_site(certificate, backend=backend.address, workers=2,
                               top={"max_connections": 4}))
    for _ in range(3):
        lost = [served(server.address) for _ in range(4)]
        before = server.workers()
        since = server.mark()
        for pid in before.values():
            kill(pid, signal.SIGKILL)
        server.wait_log("a process is back", since=since, n=2)
        close_all(lost)
    open_ones = [served(server.address) for _ in range(4)]
    waiting = waits(server.address)
    close_all([*open_ones, waiting])


def test_the_maximum_holds_over_a_reload(reprised, certificate, backend):
    """What an old generation still has counts."""
    server = reprised(one_site(certificate, backend=backend.address, workers=2,
                               top={"max_connections": 4, "max_connections_per_address": 3}))
    old = [served(server.address) for _ in range(3)]
    server.signal(signal.SIGHUP)
    server.wait_log("reloaded")
    assert refused(server.address)
    other = served(server.address, source="127.0.0.2")
    waiting = waits(server.address)
    close_all([*old, other, waiting])
    wait_until(lambda: fits(server.address), "there is room again")


def fits(address):
    try:
        served(address).close()
        return True
    except (ssl.SSLError, OSError, AssertionError):
        return False


def test_an_address_has_its_share(reprised, certificate, backend):
    server = reprised(one_site(certificate, backend=backend.address, workers=2,
                               top={"max_connections_per_address": 3}))
    open_ones = [served(server.address) for _ in range(3)]
    for _ in range(10):
        assert refused(server.address)
    line = server.wait_log("connection refused", reason="max_connections_per_address")
    assert line["peer"].startswith("127.0.0.1:")
    others = [served(server.address, source="127.0.0.2") for _ in range(3)]
    assert refused(server.address, source="127.0.0.2")
    open_ones.pop().close()
    wait_until(lambda: fits(server.address), "the address has room again")
    close_all(open_ones + others)


def test_an_addresss_share_survives_killed_workers(reprised, certificate, backend):
    server = reprised(one_site(certificate, backend=backend.address, workers=2,
                               top={"max_connections_per_address": 3}))
    for _ in range(3):
        lost = [served(server.address) for _ in range(3)]
        since = server.mark()
        for pid in server.workers().values():
            kill(pid, signal.SIGKILL)
        server.wait_log("a process is back", since=since, n=2)
        close_all(lost)
    open_ones = [served(server.address) for _ in range(3)]
    assert refused(server.address)
    close_all(open_ones)


def test_whom_a_header_names_has_his_share(reprised, certificate, backend):
    """And a network of 64 bits of IPv6 is one address."""
    server = reprised(one_site(certificate, backend=backend.address, workers=2,
                               accept_proxy="127.0.0.1", top={"max_connections_per_address": 2}))

    def header(source):
        return header_v2(source, "2001:db8::1" if ":" in source else "198.51.100.1")

    for one, same, other in (
        ("203.0.113.1", "203.0.113.1", "203.0.113.2"),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1"),
    ):
        open_ones = [served(server.address, before=header(x)) for x in (one, same)]
        assert refused(server.address, before=header(one))
        assert refused(server.address, before=header(same))
        open_ones.append(served(server.address, before=header(other)))
        close_all(open_ones)


# Descriptors.


def limit_to(n):
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (n, n))


def test_descriptors_do_not_run_out(reprised, certificate, backend):
    """More clients than they are enough for: they wait, and all are served."""
    server = reprised(one_site(certificate, backend=backend.address, workers=1),
                      preexec=limit_to(100))
    open_ones = [served(server.address) for _ in range(16)]
    waiting = [waits(server.address) for _ in range(2)]
    server.wait_log("accepting paused")
    close_all(open_ones)
    for tls in waiting:
        tls.do_handshake()
        assert tls.recv(100) == GREETING
        tls.close()
    assert not server.logs("backend unreachable")


def test_what_max_connections_needs_is_had_or_told(reprised, certificate, backend):
    server = reprised(one_site(certificate, backend=backend.address, workers=2,
                               top={"max_connections": 1000}), preexec=limit_to(200))
    text = Path(f"/proc/{server.workers()['worker 0']}/limits").read_text(encoding="ascii")
    soft = int(re.search(r"Max open files +(\d+)", text)[1])
    if soft < 2000:
        line = server.logs("too few descriptors for max_connections; raise the limit of open files")
        assert line and line[0]["limit"] == soft
