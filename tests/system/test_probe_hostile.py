"""reprise probe against servers, files and terminals that mean it harm."""

import contextlib
import json
import resource
import shutil
import signal
import ssl
import subprocess
import threading
import time

import pytest
from certificates import Authority
from harness import reprise_path
from test_probe import probe, resumed, report, served

HELLO_REQUESTS = b"\x16\x03\x03\x00\x04\x00\x00\x00\x00" * 1000
WARNINGS = b"\x15\x03\x03\x00\x02\x01\x5a" * 1000


def flood(data):
    def handle(connection):
        with connection, contextlib.suppress(OSError):
            connection.recv(1)
            while True:
                connection.sendall(data)

    return handle


@pytest.mark.parametrize("data", [HELLO_REQUESTS, WARNINGS], ids=["hello-requests", "warnings"])
def test_what_never_ends_is_ended(data):
    """libssl passes over HelloRequests in a handshake for as long as they come."""
    with served("127.0.0.1", flood(data)) as port:
        begun = time.monotonic()
        done = probe(f"localhost:{port}", "--at", "127.0.0.1", "--timeout", "500ms", "--tries", 1)
        assert time.monotonic() - begun < 15
    assert done.returncode == 1 and "makes no TLS handshake" in done.stdout


@pytest.fixture(name="page")
def one_server(tmp_path):
    """A sound server; its address."""
    chain = Authority(tmp_path).issue("localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain.chain, chain.key)

    def answer(connection):
        with contextlib.suppress(OSError):
            with context.wrap_socket(connection, server_side=True) as secret:
                secret.recv(1000)
                secret.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                secret.unwrap()

    with served("127.0.0.1", answer) as port:
        yield f"127.0.0.1:{port}"


def test_a_page_that_cannot_be_written_is_told_before_the_probe(page, tmp_path):
    done = probe(page, "--html", tmp_path / "none" / "page.html")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("reprise probe: cannot write ")


def test_an_older_page_is_replaced_whole(page, tmp_path):
    path = tmp_path / "page.html"
    path.write_text("x" * 1000000)
    assert probe(page, "--html", path, "--tries", 1).returncode == 0
    assert path.read_text().rstrip().endswith("</html>")


@pytest.mark.parametrize("args", [("--reconnect", 2), ("--json",), (), ("--help",)])
def test_a_full_disk_is_told(page, args):
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run(
            [reprise_path(), "probe", page, "--tries", "1", *map(str, args)], stdout=full,
            stderr=subprocess.PIPE, text=True, timeout=30, check=False)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("closed, code", [("0<&-", 0), (">&-", 1), ("2>&-", 0)])
def test_a_missing_standard_stream_is_no_crash(page, closed, code):
    command = f'"$0" probe "$1" --tries 1 {closed}'
    done = subprocess.run(
        [shutil.which("sh"), "-c", command, reprise_path(), page], capture_output=True, timeout=30,
        check=False)
    assert done.returncode == code


def probe_with_few_descriptors(*args):
    done = subprocess.run(
        [reprise_path(), "probe", *args], capture_output=True, text=True, timeout=30, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (11, 11)))
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
    return done.stdout


def test_too_few_descriptors_are_no_fault_of_the_server(page):
    assert "No TLS handshake" not in probe_with_few_descriptors(page)
    found = json.loads(probe_with_few_descriptors(page, "--json"))
    assert "Too many open files" in found["trouble"] and "not all was tried" in found["summary"]


@pytest.mark.parametrize("args", [
    ("probe", "a\x1b[31mb\n"), ("probe", "--host", "a\nb", "localhost"), ("load", "a\x1b[31mb\n"),
    ("load", "--header", "a\x1b\nb", "localhost"),
])
def test_what_was_typed_stays_on_one_line(args):
    done = subprocess.run(
        [reprise_path(), *args], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    assert "\x1b" not in done.stderr


@pytest.mark.parametrize("kind", ["ticket12", "ticket13"])
def test_how_a_connection_ends_is_nothing_to_its_sessions(tmp_path, kind):
    """To libssl a session is spoilt once its connection breaks; the server still takes it."""
    chain = Authority(tmp_path).issue("localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain.chain, chain.key)

    def spoil(connection):
        with contextlib.suppress(OSError):
            with connection.dup() as plain, context.wrap_socket(connection, server_side=True) as s:
                s.recv(1000)
                plain.sendall(b"\x17\x03\x03\x00\x20" + bytes(32))
                plain.recv(1000)

    with served("127.0.0.1", spoil) as port:
        found = report(probe(f"127.0.0.1:{port}", "--json", "--tries", 1, "--mechanisms", kind))
    assert resumed(found, kind) == [[1]]


def test_an_audit_that_hangs_is_interrupted(tmp_path):
    """From the audit's first request on the server accepts connections and says nothing."""
    chain = Authority(tmp_path).issue("localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain.chain, chain.key)
    audited, hung = threading.Event(), threading.Event()
    kept = []

    def answer(connection):
        if audited.is_set():
            kept.append(connection)
            hung.set()
            return
        with contextlib.suppress(OSError):
            with context.wrap_socket(connection, server_side=True) as secret:
                if secret.recv(1000).startswith(b"GET"):
                    audited.set()
                secret.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                secret.unwrap()

    with served("127.0.0.1", answer) as port:
        argv = [reprise_path(), "probe", f"127.0.0.1:{port}", "--audit", "--timeout", "1h"]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as running:
            assert hung.wait(20)
            running.send_signal(signal.SIGINT)
            out, _ = running.communicate(timeout=10)
    assert running.returncode == 1
    assert "interrupted" in out and "nothing found" in out


def test_what_is_too_long_is_no_ticket():
    done = subprocess.run(
        [reprise_path(), "ticket", "audit"], input="ab" * 70000, capture_output=True, text=True,
        timeout=30, check=False)
    assert done.returncode == 2 and "70000 bytes: no ticket is so long" in done.stderr
