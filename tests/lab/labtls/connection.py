"""One connection: a ClientHello, the handshake of its version, a page, and the end."""

import json
import threading

from rawtls import TLS12, TLS13, Malformed, names
from rawtls.record import PeerAlert, PeerClosed

from . import tls12, tls13
from .hello import (
    DECODE_ERROR,
    INTERNAL_ERROR,
    NO_APPLICATION_PROTOCOL,
    PROTOCOL_VERSION,
    UNEXPECTED_MESSAGE,
    Abort,
    decode_client_hello,
)
from .records import ServerRecords
from .ticket import Refused

DEADLINE = 15.0
FLOOD_IDENTITIES, FLOOD_LEN = 64, 16384
STALL = 0.03  # seconds for each identity


class Died(Exception):
    """The connection ends without a word; the process, too, where crashed is set."""

    def __init__(self, crashed=False, reset=False):
        super().__init__("died")
        self.crashed, self.reset = crashed, reset


class Connection:
    def __init__(self, host, sock):
        self.host = host
        self.records = ServerRecords(sock, DEADLINE)
        self.transcript = b""
        self.hello = None
        self.policy = None
        self.site = None
        self.version = 0
        self.resumed = False
        self.alpn = None
        self.early = b""
        self.client_verified = self.verified = b""  # of a former handshake, for a renegotiation

    def send(self, message):
        self.transcript += message
        self.records.write(names.HANDSHAKE, message)

    def receive(self, *kinds):
        """The next message, which is one of these; it joins the transcript."""
        kind, body, whole = self.records.message()
        if kind not in kinds:
            raise Abort(UNEXPECTED_MESSAGE)
        self.transcript += whole
        return kind, body

    def read_hello(self):
        kind, _, whole = self.records.message()
        if kind != names.CLIENT_HELLO:
            raise Abort(UNEXPECTED_MESSAGE)
        self.hello = decode_client_hello(whole)
        self.transcript += whole
        return self.hello

    def choose_version(self):
        for version in self.policy.versions:
            if version in self.hello.versions:
                return version
        raise Abort(PROTOCOL_VERSION)

    def choose_alpn(self):
        """Anew for every connection; a client that offers none gets none."""
        if not self.hello.alpn:
            return None
        for protocol in self.policy.alpn:
            if protocol in self.hello.alpn:
                return protocol
        raise Abort(NO_APPLICATION_PROTOCOL)

    def _drown(self):
        sizes = [len(ticket) for ticket, _ in self.hello.identities]
        if self.policy.flood == "stalls":
            threading.Event().wait(len(sizes) * STALL)
        if self.policy.flood == "falls":
            if len(sizes) >= FLOOD_IDENTITIES or max(sizes) > FLOOD_LEN:
                raise Died(crashed=True)

    def handshake(self):
        hello = self.read_hello()
        ticket = hello.extensions.get(names.EXT_TICKET)
        self.policy = self.host.policy(bool(hello.identities or hello.session_id or ticket))
        if not self.policy.answers:
            raise Died
        if hello.identities:
            self._drown()
        self.site = self.host.site(self.policy, hello.sni)
        self.version = self.choose_version()
        flow = tls13.handshake if self.version == TLS13 else tls12.handshake
        flow(self)

    def leave_on_resume(self):
        """For servers that know a session and then fall over it."""
        if self.policy.on_resume in ("close", "reset"):
            raise Died(reset=self.policy.on_resume == "reset")

    def secret_of(self, state):
        """What a session is resumed with."""
        return bytes(len(state.secret)) if self.policy.on_resume == "garble" else state.secret

    def page(self):
        """Waits for a request and answers it."""
        while b"\r\n\r\n" not in self.early + self.records.application:
            kind, _, whole = self.records.message()
            if kind == names.CLIENT_HELLO and self.version == TLS12:
                tls12.renegotiate(self, whole)
            elif kind is not None:
                raise Abort(UNEXPECTED_MESSAGE)
        body = json.dumps(
            {
                "session": "Reused" if self.resumed else "New", "host": self.host.index,
                "alpn": self.alpn, "site": self.site.names[0], "early": bool(self.early),
            }
        ).encode()
        head = f"HTTP/1.1 200 OK\r\nServer: {self.policy.server}\r\nContent-Length: {len(body)}\r\n"
        head += "Content-Type: application/json\r\nConnection: close\r\n\r\n"
        self.records.write(names.APPLICATION, head.encode() + body)

    def alert(self, code, level=2):
        self.records.write(names.ALERT, bytes([level, code]))


def _end(connection, code):
    try:
        connection.alert(code, 1 if code == 0 else 2)
    except (PeerClosed, OSError):
        pass


def serve(host, sock):
    """Serves a connection to its end; whatever the peer does, nothing comes of it here."""
    c = Connection(host, sock)
    try:
        c.handshake()
        c.page()
        _end(c, 0)
    except Abort as e:
        _end(c, e.alert)
    except Refused:
        _end(c, tls12.BAD_RECORD_MAC)
    except Malformed:
        _end(c, tls12.BAD_RECORD_MAC if c.records.open else DECODE_ERROR)
    except (PeerClosed, TimeoutError, ConnectionError):
        pass
    except PeerAlert as e:
        if e.code == 0:
            _end(c, 0)
    except Died as e:
        if e.crashed:
            host.restart()
        if e.crashed or e.reset:
            c.records.reset()
            return
    except (OSError, ValueError):
        _end(c, INTERNAL_ERROR)
    c.records.finish()
