"""reprise probe as a program: what it prints, what it exits with, and that it ends in order."""

import contextlib
import json
import signal
import socket
import ssl
import subprocess
import threading

import pytest
from certificates import Authority
from configs import config, listener, site
from harness import Process, free_port, reprise_path, wait_until

FULL_MECHANISMS = "id12,ticket12,ticket13"


def probe(*args, timeout=30):
    argv = [reprise_path(), "probe", *map(str, args)]
    return subprocess.run(
        argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, check=False
    )


def report(done):
    assert done.stdout, f"exit {done.returncode}: {done.stderr}"
    return json.loads(done.stdout)


def resumed(found, mechanism):
    """Resumptions in each cell."""
    (one,) = [m for m in found["mechanisms"] if m["mechanism"] == mechanism]
    return [[cell["resumed"] for cell in row] for row in one["matrix"]]


@contextlib.contextmanager
def served(accept, handle):
    """A listener on a free port whose connections handle gets, each on a thread."""
    with socket.create_server((accept, 0), backlog=64) as server:
        def run():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    threading.Thread(target=handle, args=(connection,), daemon=True).start()

        threading.Thread(target=run, daemon=True).start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)


@pytest.fixture(name="alone")
def two_servers(tmp_path, certificate):
    """Two of openssl's servers that know nothing of each other, on one port of two addresses."""
    with contextlib.ExitStack() as stack:
        port = free_port()
        for host in ("127.0.0.1", "127.0.0.2"):
            address = f"{host}:{port}"
            server = stack.enter_context(Process(
                ["openssl", "s_server", "-accept", address, "-cert", certificate.chain, "-key",
                 certificate.key, "-www"], cwd=tmp_path))
            server.output.find(lambda line: line == "ACCEPT")
        yield port


def test_one_daemon_on_two_addresses_resumes_everywhere(reprised, certificate):
    where = [listener(site(certificate, "localhost"), address=f"127.0.0.{i}:0") for i in (1, 2)]
    server = reprised(config(*where))
    at = [word for a in server.addresses for word in ("--at", f"{a.host}:{a.port}")]
    done = probe("localhost", *at, "--json", "--tries", 2)
    found = report(done)
    for mechanism in FULL_MECHANISMS.split(","):
        assert resumed(found, mechanism) == [[2, 2], [2, 2]], found["summary"]
    assert done.returncode == 0 and not found["diagnoses"]
    done = probe("localhost", *at, "--expect", "ticket12=all,ticket13=all,id12=all,early=none")
    assert (done.returncode, done.stderr) == (0, "")
    done = probe("localhost", *at, "--expect", "ticket13=none,id12=self")
    assert done.returncode == 1
    assert done.stderr.startswith("reprise probe: ticket13: expected none, but 4 of 4 cells resume")
    assert len(done.stderr.splitlines()) == 1


def test_servers_apart_resume_their_own_alone(alone):
    done = probe(f"localhost:{alone}", "127.0.0.1", "127.0.0.2", "--json", "--method", "GET")
    found = report(done)
    assert done.returncode == 1
    for mechanism in FULL_MECHANISMS.split(","):
        assert resumed(found, mechanism) == [[3, 0], [0, 3]], mechanism
    assert {d["cause"] for d in found["diagnoses"]} == {"key-not-shared", "cache-not-shared"}
    done = probe(f"localhost:{alone}", "127.0.0.1", "127.0.0.2", "--method", "GET", "--expect",
                 "ticket12=self,ticket13=self,id12=some")
    assert done.returncode == 0, done.stderr


def test_lines_as_of_s_client(alone):
    done = probe("--reconnect", 2, f"127.0.0.1:{alone}", "--versions", "1.3", "--method", "GET")
    state = "TLSv1.3, Cipher is TLS_AES_256_GCM_SHA384"
    assert done.stdout.splitlines() == [
        f"127.0.0.1:{alone} ticket13: {word}, {state}" for word in ("New", "Reused", "Reused")
    ]
    assert done.returncode == 0


def mute_server(folder, certificate, *more):
    """openssl's server that replies to nothing; an input that never ends keeps it running."""
    address = f"127.0.0.1:{free_port()}"
    server = Process(
        ["sh", "-c", 'mkfifo hold && exec "$0" "$@" 0<>hold', "openssl", "s_server", "-accept",
         address, "-cert", certificate.chain, "-key", certificate.key, *more], cwd=folder)
    server.output.find(lambda line: line == "ACCEPT")
    return address, server


def test_a_server_that_sends_no_reply_is_not_waited_for(tmp_path, certificate):
    address, server = mute_server(tmp_path, certificate)
    with server:
        found = report(probe(address, "--json", "--patience", "500ms"))
    for mechanism in FULL_MECHANISMS.split(","):
        assert resumed(found, mechanism) == [[3]]
    assert found["seconds"] < 10


@pytest.mark.parametrize("args, code, said", [
    ((), 2, "no HOST given"),
    (("--tries", "0", "x"), 2, "--tries must be a number from 1 to 100"),
    (("--cafile", "/nonexistent", "127.0.0.1:1"), 2, "cannot read certificates from /nonexistent"),
    (("name.invalid",), 3, "cannot resolve name.invalid"),
])
def test_what_cannot_be_done_is_one_line(args, code, said):
    done = probe(*args)
    assert done.returncode == code
    assert said in done.stderr and len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


def test_nobody_there():
    done = probe(f"127.0.0.1:{free_port()}")
    assert done.returncode == 3
    assert "connection refused" in done.stdout


def test_interrupted_it_says_what_it_has(alone):
    """One address answers; at the other a connection hangs, and that is when it is interrupted."""
    met = threading.Event()
    hung = []

    def hang(connection):
        hung.append(connection)
        met.set()

    with served("127.0.0.3", hang) as port:
        argv = [reprise_path(), "probe", f"localhost:{alone}", "--at", "127.0.0.1", "--at",
                f"127.0.0.3:{port}", "--json", "--method", "GET", "--timeout", "1h"]
        with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) as running:
            assert met.wait(20)
            # The hello is there, so it waits; a signal before its handler would end it at once.
            wait_until(lambda: hung[0].recv(1, socket.MSG_PEEK), "a ClientHello")
            running.send_signal(signal.SIGINT)
            out, err = running.communicate(timeout=20)
    assert (running.returncode, err) == (1, "")
    assert json.loads(out)["interrupted"]


def test_the_page_is_written(alone, tmp_path):
    page = tmp_path / "page.html"
    done = probe(f"localhost:{alone}", "127.0.0.1", "--method", "GET", "--html", page)
    assert done.returncode == 0
    text = page.read_text()
    assert text.lower().startswith("<!doctype html>") and "localhost" in text
    done = probe(f"localhost:{alone}", "127.0.0.1", "--method", "GET", "--html", tmp_path)
    assert done.returncode == 1 and "cannot write" in done.stderr


def test_mail(tmp_path):
    chain = Authority(tmp_path).issue("localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain.chain, chain.key)

    def mail(connection):
        with connection, contextlib.suppress(OSError):
            plain = connection.makefile("rwb", buffering=0)
            plain.write(b"220-mail.test\r\n220 ESMTP\r\n")
            assert plain.readline().startswith(b"EHLO ")
            plain.write(b"250-mail.test\r\n250-SIZE 1000\r\n250 STARTTLS\r\n")
            assert plain.readline() == b"STARTTLS\r\n"
            plain.write(b"220 go ahead\r\n")
            with context.wrap_socket(connection, server_side=True) as secret:
                assert secret.recv(100) == b"QUIT\r\n"
                secret.sendall(b"221 bye\r\n")
                secret.unwrap()

    with served("127.0.0.1", mail) as port:
        found = report(probe(f"localhost:{port}", "127.0.0.1", "--starttls", "smtp", "--json"))
    assert resumed(found, "ticket12") == [[3]]
    assert resumed(found, "ticket13") == [[3]]


def test_early_data_is_looked_at_on_request(tmp_path, certificate):
    """openssl's server takes early data once for each ticket: a cell needs tickets of its own."""
    address, server = mute_server(tmp_path, certificate, "-early_data")
    with server:
        found = report(probe(address, "--json", "--mechanisms", "ticket13,early"))
    (early,) = [m for m in found["mechanisms"] if m["mechanism"] == "early"]
    assert [[cell["early"] for cell in row] for row in early["matrix"]] == [[3]]
    assert resumed(found, "ticket13") == [[3]]
