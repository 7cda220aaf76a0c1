"""One connection to a server: a handshake as offered, a request, and what the server did."""

import json
import time
from dataclasses import dataclass, field

from . import names, tls12, tls13
from .codec import Malformed
from .hello import Offer, decode_server_hello, encode_hello
from .record import PeerAlert, PeerClosed, RecordLayer




@dataclass
class Outcome:
    """What the server made of an Offer."""

    offer: Offer
    done: bool = False  # both Finished messages verified
    resumed: bool = False
    retried: bool = False  # a HelloRetryRequest came first
    version: int = 0
    suite: int = 0
    server_session_id: bytes = b""
    extensions: dict = field(default_factory=dict)  # of ServerHello and EncryptedExtensions
    ems: bool = False
    identity: int | None = None  # which PSK identity was selected
    certificate: bytes = b""  # the leaf, DER; resumed: none
    asked: bool = False  # for a client's certificate
    alert: str = ""  # fatal alert
    warnings: list = field(default_factory=list)
    closed: bool = False  # the peer closed without a word
    trace: list = field(default_factory=list)
    sessions: list = field(default_factory=list)
    seconds: float = 0.0  # until the handshake was over
    body: bytes = b""  # of the answer to the request

    @property
    def session(self):
        """The newest session the server gave; an AssertionError if there was none."""
        assert self.sessions, f"no session was issued: {self.trace}"
        return self.sessions[-1]

    @property
    def page(self):
        """The answer of /session.json."""
        return json.loads(self.body)

    def fingerprint(self):
        """What an observer can tell of the answer, without what is random in every one."""
        return tuple(self.trace)


class Connection:
    def __init__(self, address, offer, deadline=10.0):
        self.outcome = Outcome(offer)
        self.offer = offer
        self.records = RecordLayer(address, deadline)
        self.transcript = b""
        self.hello = None
        self.keys = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.records.close()

    def note(self, text):
        self.outcome.trace.append(text)

    def message(self):
        """The next handshake message, added to the trace, not yet to the transcript."""
        kind, body, whole = self.records.message()
        if kind is not None:
            self.note(kind if isinstance(kind, str) else names.MESSAGES.get(kind, f"type_{kind}"))
        return kind, body, whole

    def send_handshake(self, message):
        self.transcript += message
        self.records.write(names.HANDSHAKE, message)

    def _guard(self, step):
        """Runs a step; an alert or a closed connection becomes part of the outcome."""
        o = self.outcome
        try:
            step()
        except PeerAlert as e:
            if e.code:
                o.alert = names.alert_name(e.code)
            self.note(f"alert {names.alert_name(e.code)}")
        except PeerClosed:
            o.closed = True
            self.note("closed")
        o.warnings = [names.alert_name(w) for w in self.records.warnings]

    def handshake(self):
        started = time.monotonic()
        self._guard(self._handshake)
        self.outcome.seconds = time.monotonic() - started
        return self.outcome

    def _server_hello(self):
        kind, body, whole = self.records.message()
        if kind != names.SERVER_HELLO:
            raise Malformed(f"{kind} where a ServerHello was due")
        hello = decode_server_hello(body)
        echo = {b"": "none", self.offer.session_id: "echo"}.get(hello.session_id, "fresh")
        name = "hello_retry_request" if hello.retry else "server_hello"
        kinds = ",".join(str(k) for k in sorted(hello.extensions))
        self.note(f"{name} {hello.version:04x} suite={hello.suite:04x} id={echo} ext={kinds}")
        return hello, whole

    def _handshake(self):
        self.hello = encode_hello(self.offer)
        self.send_handshake(self.hello.message)
        server, whole = self._server_hello()
        if server.retry:
            self.outcome.retried = True
            tls13.retry(self, server, whole)
            server, whole = self._server_hello()
        self.transcript += whole
        o = self.outcome
        o.version, o.suite, o.extensions = server.version, server.suite, dict(server.extensions)
        o.server_session_id = server.session_id
        flow = tls13.finish if server.version == names.TLS13 else tls12.finish
        flow(self, server)
        o.done = True

    def request(self, path="/session.json", host=None):
        """Sends an HTTP request and reads until the server closes; collects tickets on the way."""
        host = host or self.offer.sni or "localhost"
        text = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"

        def ask():
            self.records.write(names.APPLICATION, text.encode())
            while True:
                self._after_handshake()

        self._guard(ask)
        self.outcome.body = self.records.application.partition(b"\r\n\r\n")[2]
        return self.outcome

    def _after_handshake(self):
        kind, body, _ = self.message()
        if kind == names.NEW_SESSION_TICKET and self.records.tls13:
            tls13.take_ticket(self, body)

    def read_ticket(self):
        """Waits for one NewSessionTicket of TLS 1.3."""
        n = len(self.outcome.sessions)
        while len(self.outcome.sessions) == n:
            self._after_handshake()
        return self.outcome.session

    def renegotiate(self):
        """Asks for another TLS 1.2 handshake inside this one; the outcome says what came of it."""

        def ask():
            self.records.write(names.HANDSHAKE, tls12.renegotiation_hello(self))
            while not self.records.warnings:
                self.message()

        self._guard(ask)
        return self.outcome


def exchange(address, offer, path="/session.json", deadline=10.0):
    """Connects, shakes hands, and, if that worked, makes a request. path None: makes none."""
    with Connection(address, offer, deadline) as c:
        outcome = c.handshake()
        if outcome.done and path:
            c.request(path)
        return outcome
