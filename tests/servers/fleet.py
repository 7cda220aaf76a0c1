"""
Servers of one kind on several loopback addresses, one port on all of them: what a probe sees of a
name with several hosts behind it.
"""

import http.server
import os
import pwd
import shutil
import socket
import sys
import threading
from pathlib import Path

import pytest

import kinds
from harness import Process, wait_until
from stek import Stek

HERE = Path(__file__).resolve().parent

# shared: each address a server of its own, all with the same key, from a file
# separate: each a server of its own, with a key of its own making
# one: a single server on all addresses
# none: each a server of its own, told to issue no tickets
# lagging: as shared, but the last has not yet the key that the others seal with, only the old one
KEYS = ("shared", "separate", "one", "none", "lagging")


def hosts(n):
    return [f"127.0.0.{i + 1}" for i in range(n)]


def port_free_on(names):
    """A port that was free a moment ago on every one of these addresses."""
    for _ in range(50):
        held = []
        try:
            port = 0
            for name in names:
                held.append(socket.socket())
                held[-1].bind((name, port))
                port = held[-1].getsockname()[1]
            return port
        except OSError:
            continue
        finally:
            for s in held:
                s.close()
    raise AssertionError("no port is free on all addresses")


def find(program):
    path = shutil.which(program, path=kinds.PATH)
    if path is None:
        pytest.skip(f"{program} is not installed")
    return path


def accepts(host, port):
    try:
        socket.create_connection((host, port), 0.5).close()
        return True
    except OSError:
        return False


class Page(http.server.BaseHTTPRequestHandler):
    body = b"behind\n"

    def do_HEAD(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True

    def do_GET(self):
        self.do_HEAD()
        self.wfile.write(self.body)

    def log_message(self, *_):  # pylint: disable=arguments-differ
        pass


class Pages(http.server.ThreadingHTTPServer):
    request_queue_size = 128  # a probe comes with many connections at once
    daemon_threads = True


class Backend:
    """The plain HTTP server that proxies stand in front of."""

    def __init__(self, page=Page):
        self._server = Pages(("127.0.0.1", 0), page)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


class Member:
    """One server of a fleet, and what it is to be told."""

    name = "localhost"  # as Apache calls itself
    becomes = "root"  # whom h2o, started by root, becomes
    fed = None  # the key file, or nginx's folder, that somebody else keeps

    def __init__(self, folder, program, names, port, certificate, steks, tickets, backend):
        self.folder, self.program = Path(folder), program
        self.hosts, self.port = names, port
        self.listen = None  # where the server itself listens: pairs of address and port
        self.certificate = certificate
        self.steks = steks  # the first seals; none: it makes its own
        self.tickets = tickets
        self.backend = backend  # a port of 127.0.0.1
        self.process = None
        self.folder.mkdir()
        (self.folder / "index.html").write_text("a page\n")

    @property
    def user(self):
        """Whom a server that refuses to be root becomes; None where we are not root."""
        return pwd.getpwnam("nobody").pw_name if os.geteuid() == 0 else None

    @property
    def both(self):
        """Certificate and key in one file."""
        path = self.folder / "both.pem"
        if not path.exists():
            path.touch(mode=0o600)
            parts = (self.certificate.key, self.certificate.chain)
            path.write_bytes(b"".join(part.read_bytes() for part in parts))
        return path

    def start(self, kind):
        """Without a relay the server listens itself."""
        if not kind.relays(self.hosts):
            self.listen = [(name, self.port) for name in self.hosts]
            self.process = Process(kind.prepare(self), cwd=self.folder)
            return
        inner = port_free_on(["127.0.0.1"])
        self.listen = [("127.0.0.1", inner)]
        sockets = [socket.create_server((name, self.port), backlog=128) for name in self.hosts]
        descriptors = [s.fileno() for s in sockets]
        argv = [sys.executable, HERE / "relay.py", *kind.relay, inner,
                ",".join(map(str, descriptors)), *kind.prepare(self)]
        self.process = Process(argv, cwd=self.folder, pass_fds=descriptors)
        for s in sockets:
            s.close()
        self.process.output.find(lambda line: "relaying" in line)

    def wait(self):
        for name in self.hosts:
            wait_until(
                lambda name=name: accepts(name, self.port) or self.process.popen.poll() is not None,
                f"{name}:{self.port} answers")
            assert self.process.popen.poll() is None, "\n".join(self.process.output.lines[-30:])

    def stop(self):
        if self.process is not None:
            self.process.stop()


class Fleet:
    """Fleet(folder, "nginx", certificate, n=3, keys="shared"): .hosts, .port; ended by stop().

    certificate may be a list, one for each member.
    """

    def __init__(self, folder, kind, certificate, n=3, keys="separate"):
        self.kind = kinds.KINDS[kind]
        assert keys in self.kind.keys, f"{kind} cannot do that: {keys}"
        self.folder, self.keys = Path(folder), keys
        program = find(self.kind.program)
        if self.kind.missing():
            pytest.skip(f"{kind} lacks {self.kind.missing()}")
        self.hosts, self.port = hosts(n), port_free_on(hosts(n))
        self.backend = Backend() if self.kind.backend else None
        self.members = []
        groups = [self.hosts] if keys == "one" else [[name] for name in self.hosts]
        try:
            steks = self._steks(len(groups))
            for i, group in enumerate(groups):
                each = certificate[i] if isinstance(certificate, list) else certificate
                member = Member(self.folder / f"{kind}{i + 1}", program, group, self.port, each,
                                steks[i], keys != "none", self.backend and self.backend.port)
                self.members.append(member)
                member.start(self.kind)
            for member in self.members:
                member.wait()
        except BaseException:
            self.stop()
            raise

    def _steks(self, n):
        if self.keys == "shared":
            return [[Stek()]] * n
        if self.keys == "lagging":
            new, old = Stek(), Stek()
            return [[new, old]] * (n - 1) + [[old]]
        return [[]] * n

    @property
    def addresses(self):
        return [(name, self.port) for name in self.hosts]

    def stop(self):
        for member in reversed(self.members):
            member.stop()
        if self.backend:
            self.backend.stop()
